"""Digitisation at the counter: the scan of what came on paper, certified, replaced, taken back; and what is told of
it."""

import json
from typing import Any

import pytest

from intake.domain.files import Scan
from intake.usecases.deposits import Depositor
from native.access import Persona
from tests.intake.holding import deposit, documents, filed, finished, stored, uploaded
from tests.intake.making import body, paper
from tests.intake.test_successions import NEW, officer_of
from tests.intake.test_successions import news as succession
from tests.support.catalogue import BUSINESS, HERE
from tests.support.services import Clock, Running, another_process, pointers, problem, subject_of

CLERK = "counter_officer"


def digitise(
    intake: Running, id: str, file: str, who: str | Persona = CLERK, component: str = "TP1", **options: Any
) -> Any:
    sent = {"file": file, "certified": True, **options.pop("body", {})}
    return intake.post(f"dossiers/{id}/components/{component}/digitisation", who, sent, **options)


def take_back(intake: Running, id: str, component: str = "TP1", who: str = CLERK) -> Any:
    reason = {"reason": "Quét nhầm trang"}
    return intake.post(f"dossiers/{id}/components/{component}/digitisation/reversal", who, reason)


def told(intake: Running) -> list[tuple[str, bool, int | None, bool]]:
    events = [json.loads(event) for event in intake.publish()]
    return [
        (data["component"], data["scanned"], data["pages"], data["digitised"])
        for event in events
        if event["type"] == "intake.document.digitised.v1"
        for data in [event["data"]]
    ]


def test_the_officer_attaches_and_certifies_the_scan_of_what_came_on_paper(intake: Running, clock: Clock) -> None:
    id = filed(intake, components=[paper("TP1"), paper("TP2")])["id"]
    file = uploaded(intake, CLERK, pages=7)
    clock.move(hours=1)
    answer = digitise(intake, id, file.id, body={"pages": 7, "issued_on": "2026-01-02", "valid_to": "2026-07-02"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"'), answer.text
    assert answer.get_json()["digitised"] is False, "the other one is still paper alone"
    assert answer.get_json()["component"] == {
        "code": "TP1",
        "file": file.id,
        "reuse": None,
        "paper": {"originals": 1, "copies": 0},
        "digitised": True,
        "issued_on": "2026-01-02",
        "valid_to": "2026-07-02",
        "certified": {"by": subject_of(CLERK), "at": "2026-03-04T03:00:00Z", "pages": 7},
        "kind": None,
        "chosen": False,
        "held": False,
    }
    assert digitise(intake, id, uploaded(intake, CLERK).id, component="TP2").get_json()["digitised"] is True
    assert told(intake) == [("TP1", True, 7, False), ("TP2", True, 3, True)]
    deposit(intake)
    found = {row["component"]: (row["certified_by"], row["pages"], row["valid_to"]) for row in documents(intake)}
    assert found == {"TP1": (subject_of(CLERK), 7, "2026-07-02"), "TP2": (subject_of(CLERK), 3, None)}
    states = stored(intake).dossiers.states(None, 10)
    assert [all(component["digitised"] for component in state["components"]) for state in states] == [True]


def test_a_scan_is_replaced_and_the_journal_keeps_both(intake: Running, clock: Clock) -> None:
    id = filed(intake)["id"]
    first, second = uploaded(intake, CLERK), uploaded(intake, CLERK, pages=4)
    digitise(intake, id, first.id)
    deposit(intake)
    clock.move(minutes=5)
    assert digitise(intake, id, second.id).status_code == 200
    deposit(intake)
    [row] = documents(intake)
    assert (row["file"], row["sha256"], row["pages"], row["revision"]) == (second.id, second.sha256, 4, 2)
    entries = intake.get(f"dossiers/{id}/journal", CLERK).get_json()["items"]
    notes = [entry["note"] for entry in entries if entry["act"] == "digitised"]
    assert notes == [f"TP1 {first.id} {first.sha256}", f"TP1 {second.id} {second.sha256}"]
    assert intake.get(f"dossiers/{id}/journal/verification", CLERK).get_json()["intact"] is True


def test_a_scan_is_taken_back_and_leaves_the_store(intake: Running, clock: Clock) -> None:
    id = filed(intake)["id"]
    problem(take_back(intake, id), 409, "not_digitised")
    digitise(intake, id, uploaded(intake, CLERK).id)
    deposit(intake)
    assert len(intake.get("documents", "citizen").get_json()["items"]) == 1
    [held] = documents(intake)
    clock.move(minutes=5)
    answer = take_back(intake, id)
    assert (answer.status_code, answer.get_json()["digitised"]) == (200, False)
    given = answer.get_json()["component"]
    assert (given["file"], given["certified"], given["paper"]) == (None, None, {"originals": 1, "copies": 0})
    deposit(intake)
    assert documents(intake)[0]["withdrawn_at"] == clock.now
    assert intake.get("documents", "citizen").get_json()["items"] == []
    problem(intake.get(f"documents/{held['_id']}", "citizen"), 404)
    components = [{"code": "TP1", "reuse": held["_id"]}]
    answer = intake.post("dossiers", "citizen", body(components=components))
    assert pointers(answer) == [("/components/0/reuse", "unknown_document")]
    assert told(intake) == [("TP1", True, 3, True), ("TP1", False, None, False)]
    # And it comes back with a better scan.
    digitise(intake, id, uploaded(intake, CLERK).id)
    deposit(intake)
    assert documents(intake)[0]["withdrawn_at"] is None


def test_a_new_scan_that_waits_for_its_virus_scan_takes_nothing_away(intake: Running) -> None:
    id = filed(intake)["id"]
    first, second = uploaded(intake, CLERK), uploaded(intake, CLERK, scan=Scan.PENDING)
    digitise(intake, id, first.id)
    deposit(intake)
    digitise(intake, id, second.id)
    deposit(intake)
    assert [(row["file"], row["withdrawn_at"]) for row in documents(intake)] == [(first.id, None)]
    stored(intake).files.scanned(second.id, Scan.CLEAN, None, intake.clock())
    deposit(intake)
    assert [(row["file"], row["withdrawn_at"]) for row in documents(intake)] == [(second.id, None)]


def test_a_stalled_worker_does_not_bring_back_what_was_replaced(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the dossier before, and the store after the second scan was brought."""
    id = filed(intake)["id"]
    first, second = uploaded(intake, CLERK), uploaded(intake, CLERK)
    digitise(intake, id, first.id)
    store = stored(intake)
    of_dossiers = store.documents.of_dossiers

    def late(dossiers: Any) -> Any:
        monkeypatch.undo()
        deposit(intake)
        digitise(intake, id, second.id)
        deposit(intake)
        return of_dossiers(dossiers)

    monkeypatch.setattr(store.documents, "of_dossiers", late)
    Depositor(store, intake.clock).once()
    deposit(intake)
    assert [row["file"] for row in documents(intake)] == [second.id]


def test_paper_that_comes_with_its_scan_is_certified_at_once(intake: Running) -> None:
    file = uploaded(intake, CLERK)
    found = filed(intake, components=[{**paper("TP1"), "file": file.id}])
    given = intake.get(f"dossiers/{found['id']}", CLERK).get_json()["components"][0]
    assert (given["digitised"], given["certified"]["by"], given["certified"]["pages"]) == (True, subject_of(CLERK), 3)
    assert told(intake) == [("TP1", True, 3, True)]
    # What somebody scans at home is no certified copy.
    own = {**paper("TP1"), "file": uploaded(intake).id}
    id = intake.post("dossiers", "citizen", body(components=[own])).get_json()["id"]
    given = intake.get(f"dossiers/{id}", "citizen").get_json()["components"][0]
    assert (given["digitised"], given["certified"]) == (False, None)


def test_certified_before_the_reception_it_is_accepted_already(intake: Running) -> None:
    """The applicant filed online and brings the paper; the officer scans it before receiving."""
    id = intake.post("dossiers", "citizen", body()).get_json()["id"]
    digitise(intake, id, uploaded(intake, CLERK).id)
    deposit(intake)
    assert [(row["dossier"], row["kind"]) for row in documents(intake)] == [(id, f"{BUSINESS}/TP1")]


def test_only_the_receiving_agencys_counter_digitises(intake: Running) -> None:
    id = filed(intake)["id"]
    file = uploaded(intake, CLERK).id
    for who, status in (("other_officer", 404), ("officer", 403), ("citizen", 403)):
        problem(digitise(intake, id, file, who), status)
        problem(take_back(intake, id, who=who), status)
    problem(digitise(intake, "no-such-dossier", file), 404, "not_found")
    problem(digitise(intake, id, file, component="TP9"), 404, "not_found")
    problem(digitise(intake, id, file, component="%00"), 404, "not_found")
    problem(digitise(intake, id, file, key=None), 428)
    problem(digitise(intake, id, file, match=7), 412, "stale")


def test_whoever_took_over_from_the_agency_digitises_its_dossiers(intake: Running, clock: Clock) -> None:
    id = filed(intake)["id"]
    intake.hear(succession())
    clock.set("2026-03-09 08:00")
    with another_process(intake) as fresh:
        successor = officer_of(NEW, fresh)
        assert digitise(fresh, id, uploaded(fresh, successor).id, successor).status_code == 200
        problem(digitise(fresh, id, uploaded(fresh, CLERK).id), 404, "not_found")


@pytest.mark.parametrize(
    ("changes", "sent", "expected"),
    [
        ({"owner": "somebody", "agency": "H56.02"}, {}, [("/file", "unknown_file")]),
        ({"scan": Scan.INFECTED}, {}, [("/file", "infected_file")]),
        ({"media_type": "application/zip"}, {}, [("/file", "not_a_scan")]),
        ({}, {"pages": 4}, [("/pages", "pages_differ")]),
        ({}, {"pages": 0}, [("/pages", "greater_than_equal")]),
        ({}, {"certified": False}, [("/certified", "literal_error")]),
        ({}, {"issued_on": "2026-03-02", "valid_to": "2026-03-01"}, [("", "valid_to_before_issue")]),
        ({}, {"file": "../x y"}, [("/file", "string_pattern_mismatch")]),
        ({}, {"file": "no-such-file"}, [("/file", "unknown_file")]),
    ],
)
def test_what_is_attached_is_a_whole_scan_of_the_agencys_own(
    intake: Running, changes: dict[str, Any], sent: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    id = filed(intake)["id"]
    file = uploaded(intake, CLERK, **changes)
    assert pointers(digitise(intake, id, file.id, body=sent)) == expected
    assert intake.rows("dossiers")[0]["doc_version"] == 1


def test_pages_that_cannot_be_counted_are_those_that_the_officer_counted(intake: Running) -> None:
    id = filed(intake)["id"]
    file = uploaded(intake, CLERK, media_type="image/jpeg", pages=None)
    answer = digitise(intake, id, file.id, body={"pages": 2})
    assert answer.get_json()["component"]["certified"]["pages"] == 2


def test_what_did_not_come_on_paper_and_who_was_refused_is_not_digitised(intake: Running, clock: Clock) -> None:
    file = uploaded(intake, CLERK).id
    given = [{"code": "TP1", "file": uploaded(intake).id}]
    id = intake.post("dossiers", "citizen", body(components=given)).get_json()["id"]
    problem(digitise(intake, id, file), 409, "not_on_paper")
    refused = intake.post("dossiers", "citizen", body()).get_json()["id"]
    intake.post(f"dossiers/{refused}/refusal", CLERK, {"reason": "Sai mẫu"})
    problem(digitise(intake, refused, file), 409, "not_digitisable")
    # After the end it is still worth it: the next dossier need not bring the paper.
    ended = filed(intake)["id"]
    intake.hear([finished(ended)])
    assert digitise(intake, ended, file).status_code == 200


def test_the_same_click_twice_is_one_scan(intake: Running) -> None:
    id = filed(intake)["id"]
    file = uploaded(intake, CLERK)
    first = digitise(intake, id, file.id, key="k-1")
    intake.database["files"].update_one({"_id": file.id}, {"$set": {"scan": "infected"}})
    assert digitise(intake, id, file.id, key="k-1").data == first.data
    assert told(intake) == [("TP1", True, 3, True)]
    problem(digitise(intake, id, file.id, key="k-1", body={"pages": 3}), 422, "idempotency_key_reused")


def test_it_does_not_lie_before_the_filing(intake: Running, clock: Clock) -> None:
    id = filed(intake)["id"]
    early = digitise(intake, id, uploaded(intake, "backdate", agency=HERE).id, "backdate",
                     headers={"Occurred-At": "2026-03-03T02:00:00Z"}, key="k-2")  # fmt: skip
    problem(early, 422, "before_filing")
