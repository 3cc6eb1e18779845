"""The electronic store of people's documents: what comes into it, who may look, and that each look is written down."""

import json
import threading
from datetime import date, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from chassis.consume import Done, Duplicate
from intake.domain.files import Scan
from intake.main import INTAKE
from intake.usecases.deposits import Depositor
from native.access import PERSONAS, Persona
from tests.intake.holding import (
    LAND_BOOK,
    OWNER,
    PURPOSE,
    deposit,
    documents,
    filed,
    finished,
    land_book,
    offers_next,
    stored,
    uploaded,
)
from tests.intake.making import applicant_body, body, paper
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE, LAND, PROVINCE
from tests.support.plans import watched
from tests.support.samples import sample
from tests.support.services import Clock, Running, everything, pointers, problem, subject_of
from tests.support.waiting import until

OTHER = "038185009999"
NEIGHBOUR = Persona("Lê Văn Hàng Xóm", PERSONAS["citizen"].scopes, identity=OTHER)
UNPROVEN = Persona("Chưa Xác Thực", PERSONAS["citizen"].scopes)
LEADER = Persona("Vũ Quốc Việt", ("dossiers.read_all", "documents.read"), agency=PROVINCE)
"""May read every dossier, which is not to look into people's documents."""
HOSTILE = ["no-such-document", "../../etc/passwd", "a" * 300, "%00", "{$ne: null}", "đ%CC%81", "'; drop", "_id"]


def online(intake: Running, **changes: Any) -> str:
    answer = intake.post("dossiers", "citizen", body(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def received(intake: Running, id: str) -> None:
    assert intake.post(f"dossiers/{id}/reception", "counter_officer", {}).status_code == 200


def lookups(intake: Running) -> list[tuple[str, str, int]]:
    return [(row["by"], row["act"], row["documents"]) for row in sorted(intake.rows("lookups"), key=lambda r: r["at"])]


# --- what comes into the store ----------------------------------------------------------------------------------------


def test_an_uploaded_component_is_a_document_once_the_dossier_is_received(intake: Running, clock: Clock) -> None:
    file = uploaded(intake)
    given = {"code": "TP1", "file": file.id, "issued_on": "2026-03-01", "valid_to": "2026-09-01"}
    id = online(intake, components=[given, paper("TP2")])
    deposit(intake)
    assert documents(intake) == [], "filed is not accepted"
    clock.move(hours=1)
    received(intake, id)
    deposit(intake)
    [row] = documents(intake)
    row = {name: value for name, value in row.items() if name[:4] not in ("_id", "doc_", "outb", "nudg")}
    assert row == {
        "owner": OWNER,
        "kind": f"{BUSINESS}/TP1",
        "name": "Giấy đề nghị",
        "source": "component",
        "dossier": id,
        "component": "TP1",
        "procedure": BUSINESS,
        "agency": HERE,
        "file": file.id,
        "sha256": file.sha256,
        "pages": 3,
        "issued_on": "2026-03-01",
        "valid_to": "2026-09-01",
        "certified_by": None,
        "kept_at": clock.now,
        "revision": 1,
        "shared": True,
        "withdrawn_at": None,
        "result": None,
    }


@pytest.mark.parametrize("outcome", ["approved", "rejected"])
def test_a_result_is_a_document_of_the_applicant_when_it_was_approved(intake: Running, outcome: str) -> None:
    assert bool(land_book(intake, outcome=outcome)) is (outcome == "approved")
    found = [(row["source"], row["kind"], row["issued_on"], row["file"]) for row in documents(intake)]
    assert found == ([("result", LAND_BOOK, "2026-03-04", None)] if outcome == "approved" else [])


def test_the_signed_result_is_told_of_and_goes_with_its_recall_whatever_comes_first(intake: Running) -> None:
    dossier = dossier_of(intake, land_book(intake))
    issued = given_out(dossier, "issued", "kq-1", issued_at="2026-03-04T02:00:00Z")
    replaced = given_out(
        dossier, "replaced", "kq-1", issued_at="2026-03-04T02:00:00Z", replaced_at="2026-03-05T02:00:00Z"
    )
    instead = given_out(dossier, "issued", "kq-2", issued_at="2026-03-05T02:00:00Z")
    recalled = given_out(
        dossier, "recalled", "kq-2", issued_at="2026-03-05T02:00:00Z", recalled_at="2026-03-06T02:00:00Z"
    )

    def held() -> list[tuple[str | None, str | None, bool]]:
        deposit(intake)
        return [(row["result"], row["sha256"], row["withdrawn_at"] is not None) for row in documents(intake)]

    assert held() == [(None, None, False)]
    for events, after in (
        ([issued], [("kq-1", "kq-1" * 16, False)]),
        ([issued], [("kq-1", "kq-1" * 16, False)]),
        ([instead, replaced], [("kq-2", "kq-2" * 16, False)]),
        ([recalled, issued], [("kq-2", "kq-2" * 16, True)]),
    ):
        intake.hear(events)
        assert held() == after
    # Another dossier hears of it all the other way round.
    other = dossier_of(intake, land_book(intake, OTHER))
    mine = [event.replace(dossier.encode(), other.encode()) for event in (recalled, instead, replaced, issued)]
    assert intake.hear(mine) == [Done(), Duplicate(), Done(), Duplicate()]
    deposit(intake)
    assert [row["withdrawn_at"] is not None for row in documents(intake) if row["dossier"] == other] == [True]


def dossier_of(intake: Running, document: str) -> str:
    dossier: str = next(row["dossier"] for row in documents(intake) if row["_id"] == document)
    return dossier


def given_out(dossier: str, kind: str, result: str, **at: str) -> bytes:
    """Workflow tells of a result."""
    event = json.loads(sample(f"workflow.result.{kind}.v1"))
    event |= {"subject": dossier}
    event["data"] |= {"result": result, "sha256": result * 16, **at}
    return json.dumps(event).encode()


def test_what_is_not_accepted_or_has_no_owner_or_is_only_paper_does_not_come_in(intake: Running) -> None:
    refused = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}])
    intake.post(f"dossiers/{refused}/refusal", "counter_officer", {"reason": "Sai mẫu"})
    filed(intake, components=[paper("TP1")])
    nobody = applicant_body(identity=None)["applicant"]
    unknown = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}], applicant=nobody)
    received(intake, unknown)
    deposit(intake)
    assert documents(intake) == []
    assert intake.database["dossiers"].count_documents({"deposit": {"$gt": 0}}) == 0


def test_a_file_that_waits_for_its_scan_comes_later_and_an_infected_one_never(intake: Running) -> None:
    waiting, infected = uploaded(intake, scan=Scan.PENDING), uploaded(intake, scan=Scan.PENDING)
    components = [{"code": "TP1", "file": waiting.id}, {"code": "TP2", "file": infected.id}]
    id = online(intake, components=components)
    other = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}])
    received(intake, id)
    received(intake, other)
    deposit(intake)
    assert [row["dossier"] for row in documents(intake)] == [other], "one that waits does not hold up the others"
    stored(intake).files.scanned(waiting.id, Scan.CLEAN, None, intake.clock())
    deposit(intake)
    assert {row["dossier"] for row in documents(intake)} == {id, other}
    stored(intake).files.scanned(infected.id, Scan.INFECTED, "Eicar", intake.clock())
    deposit(intake)
    assert [row["file"] for row in documents(intake) if row["dossier"] == id] == [waiting.id]
    assert intake.database["dossiers"].count_documents({"deposit": {"$gt": 0}}) == 0


@pytest.mark.parametrize("died", ["before", "after"])
def test_a_worker_that_dies_in_between_loses_and_doubles_nothing(
    intake: Running, monkeypatch: pytest.MonkeyPatch, died: str
) -> None:
    """Before its documents are written, or after, before the mark is taken off."""
    id = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}])
    received(intake, id)
    version = intake.rows("dossiers")[0]["doc_version"]
    store = stored(intake)
    where: tuple[object, str] = (store.documents, "add") if died == "before" else (store.dossiers, "deposited")

    def die(*_: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr(*where, die)
    with pytest.raises(ConnectionResetError):
        Depositor(store, intake.clock).once()
    assert len(documents(intake)) == (died == "after")
    deposit(intake)
    deposit(intake)
    [row] = documents(intake)
    assert row["doc_version"] == 1
    assert intake.rows("dossiers")[0]["doc_version"] == version, "whoever saw the dossier saw this version of it"


def test_what_happens_while_a_worker_is_at_it_is_not_forgotten(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result comes between the worker's reading and its taking the mark off."""
    id = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}])
    received(intake, id)
    store = stored(intake)
    deposited = store.dossiers.deposited

    def late(marks: Any) -> None:
        intake.hear([finished(id)])
        deposited(marks)

    monkeypatch.setattr(store.dossiers, "deposited", late)
    Depositor(store, intake.clock).once()
    deposit(intake)
    assert sorted(row["source"] for row in documents(intake)) == ["component", "result"]


def test_the_worker_brings_it_by_itself(intake: Running) -> None:
    received(intake, online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}]))
    stop = threading.Event()
    loop = threading.Thread(target=intake.parts.loops["deposits"], args=(stop,))
    loop.start()
    try:
        until(lambda: documents(intake))
    finally:
        stop.set()
        loop.join()


def test_many_dossiers_are_brought_in_pages(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.usecases.deposits.BATCH", 2)
    stuck = online(intake, components=[{"code": "TP1", "file": uploaded(intake, scan=Scan.PENDING).id}])
    ids = [online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}]) for _ in range(5)]
    for id in (stuck, *ids):
        received(intake, id)
    deposit(intake)
    assert {row["dossier"] for row in documents(intake)} == set(ids)


# --- who may look -----------------------------------------------------------------------------------------------------


def test_people_see_their_own_documents_and_no_others(intake: Running) -> None:
    id = land_book(intake)
    [shown] = intake.get("documents", "citizen").get_json()["items"]
    assert (shown["id"], shown["kind"], shown["certified"], shown["valid_to"]) == (id, LAND_BOOK, False, None)
    assert "owner" not in shown
    assert intake.get(f"documents?owner={OWNER}", "citizen").get_json()["items"] == [shown]
    assert intake.get("documents", NEIGHBOUR).get_json()["items"] == []
    theirs = problem(intake.get(f"documents?owner={OWNER}", NEIGHBOUR), 404, "not_found")
    nobodys = problem(intake.get("documents?owner=038185007777", NEIGHBOUR), 404, "not_found")
    assert {**theirs, "instance": ""} == {**nobodys, "instance": ""}
    problem(intake.get("documents", UNPROVEN), 403, "identity_unknown")
    problem(intake.get(f"documents?owner={OWNER}", UNPROVEN), 403, "identity_unknown")


def test_one_document_is_its_owners(intake: Running) -> None:
    id = land_book(intake)
    answer = intake.get(f"documents/{id}", "citizen")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    for who in (NEIGHBOUR, UNPROVEN, "counter_officer", everything(INTAKE)):
        problem(intake.get(f"documents/{id}", who), 404, "not_found")


@pytest.mark.parametrize("id", HOSTILE)
def test_an_id_that_is_none_is_not_there(intake: Running, id: str) -> None:
    problem(intake.get(f"documents/{id}", "citizen"), 404, "not_found")
    problem(intake.post(f"documents/{id}/sharing", "citizen", {"shared": False}), 404, "not_found")
    asked = intake.get(f"documents?dossier={id}&purpose={PURPOSE}", "counter_officer")
    assert asked.status_code in (404, 422), "unknown, or not an identifier"
    assert intake.rows("lookups") == []


def test_an_officer_says_for_which_dossier_and_why(intake: Running, clock: Clock) -> None:
    held = land_book(intake)
    id = filed(intake)["id"]
    clock.move(minutes=1)
    assert pointers(intake.get("documents", "officer")) == [("/purpose", "missing"), ("/dossier", "missing")]
    assert pointers(intake.get(f"documents?dossier={id}", "officer")) == [("/purpose", "missing")]
    path = f"documents?dossier={id}&purpose={PURPOSE}"
    assert [item["id"] for item in intake.get(path, "officer").get_json()["items"]] == [held]
    assert [item["id"] for item in intake.get(f"{path}&owner={OWNER}", "officer").get_json()["items"]] == [held]
    problem(intake.get(f"{path}&owner={OTHER}", "officer"), 404)
    problem(intake.get(path, "other_officer"), 404)
    problem(intake.get(path, LEADER), 404, "not_found")
    nobodys = filed(intake, applicant=applicant_body(identity=None)["applicant"])["id"]
    problem(intake.get(f"documents?dossier={nobodys}&purpose={PURPOSE}", "officer"), 404)
    assert lookups(intake) == [("officer", "listed", 1)] * 2, "what was not shown was not looked up"


def test_the_owner_sees_who_looked_and_nobody_else_does(intake: Running, clock: Clock) -> None:
    land_book(intake)
    id = filed(intake)["id"]
    intake.publish()
    intake.get(f"documents?dossier={id}&purpose={PURPOSE}", "officer")
    told = [json.loads(event) for event in intake.told()]
    [event] = [event for event in told if event["type"] == "intake.document.looked_up.v1"]
    assert event["data"] == {
        "agency": HERE, "procedure": BUSINESS, "by": "officer", "act": "listed", "documents": 1,
        "at": "2026-03-04T02:00:00Z",
    }  # fmt: skip
    assert OWNER not in json.dumps(event)
    clock.move(hours=1)
    intake.get("documents", "citizen")
    first, second = intake.get("documents/lookups", "citizen").get_json()["items"]
    assert (first["by"], first["subject"]) == ("self", subject_of("citizen"))
    assert second == {
        "at": "2026-03-04T02:00:00Z",
        "by": "officer",
        "subject": subject_of("officer"),
        "name": "Phạm Văn Đức",
        "agency": HERE,
        "dossier": id,
        "procedure": BUSINESS,
        "act": "listed",
        "purpose": PURPOSE,
        "documents": 1,
    }
    page = intake.get("documents/lookups?limit=1", "citizen").get_json()
    rest = intake.get(f"documents/lookups?limit=1&cursor={page['next']}", "citizen").get_json()
    assert (page["items"] + rest["items"], rest["next"]) == ([first, second], None)
    assert intake.get("documents/lookups", NEIGHBOUR).get_json()["items"] == []
    for who in (UNPROVEN, "officer"):
        problem(intake.get("documents/lookups", who), 403, "identity_unknown")


def test_nothing_is_shown_that_could_not_be_written_down(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    land_book(intake)

    def away(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("intake.store.documents.Lookups.add", away)
    answer = intake.get("documents", "citizen")
    assert answer.status_code >= 500
    assert LAND_BOOK not in answer.text


def test_the_list_is_paged_newest_first_by_an_index(
    intake: Running, clock: Clock, mongo: MongoClient[dict[str, Any]], databases: str
) -> None:
    expected: list[str] = []
    for _ in range(5):
        expected.insert(0, land_book(intake))
        clock.move(minutes=1)
    for other in range(20):
        land_book(intake, f"0381850{other:05d}")
    intake.database["documents"].update_many({"owner": OWNER}, [{"$set": {"kept_at": "$kept_at"}}])
    with watched(mongo, f"{databases}intake") as seen:
        found, cursor = [], ""
        while True:
            page = intake.get(f"documents?limit=2{cursor}", "citizen").get_json()
            found += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        intake.get(f"procedures/{LAND}/offered-documents", "citizen")
        intake.get("documents/lookups", "citizen")
    assert sorted(found) == sorted(expected)
    assert len(found) == len(set(found))
    for ran in seen.of("documents", "lookups"):
        assert "COLLSCAN" not in ran.plan, ran
        assert not ran.sorted_in_memory, ran
        assert ran.documents <= ran.returned + 6, ran


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_the_owner_keeps_a_document_from_officers_and_may_use_it_still(intake: Running) -> None:
    offers_next(intake)
    id = land_book(intake)
    dossier = filed(intake, procedure=LAND)["id"]
    answer = intake.post(f"documents/{id}/sharing", "citizen", {"shared": False}, match=1)
    assert (answer.status_code, answer.get_json()["shared"], answer.headers["ETag"]) == (200, False, '"2"')
    problem(intake.post(f"documents/{id}/sharing", "citizen", {"shared": True}, match=1), 412, "stale")
    problem(intake.post(f"documents/{id}/sharing", NEIGHBOUR, {"shared": True}), 404)
    path = f"documents?dossier={dossier}&purpose={PURPOSE}"
    assert intake.get(path, "officer").get_json()["items"] == []
    problem(intake.post("dossiers", "counter_officer", body(channel="counter")), 422)
    reused = [paper("TP1"), {"code": "TP2", "reuse": id}]
    problem(intake.post("dossiers", "counter_officer", body(channel="counter", components=reused)), 422)
    assert intake.post("dossiers", "citizen", body(components=reused)).status_code == 201
    # What happens to the dossier later does not share it again.
    intake.database["dossiers"].update_one(
        {"_id": intake.rows("documents")[0]["dossier"]}, [{"$set": {"deposit": {"$add": [{"$abs": "$deposit"}, 1]}}}]
    )
    deposit(intake)
    assert [row["shared"] for row in documents(intake) if row["_id"] == id] == [False]


# --- reuse ------------------------------------------------------------------------------------------------------------


def test_what_is_there_is_offered_for_the_next_dossier(intake: Running) -> None:
    offers_next(intake)
    declaration = online(intake, components=[{"code": "TP1", "file": uploaded(intake).id}, paper("TP2")])
    received(intake, declaration)
    held = land_book(intake)
    answer = intake.get(f"procedures/{BUSINESS}/offered-documents", "citizen")
    assert answer.status_code == 200
    offered = {one["component"]: one for one in answer.get_json()["components"]}
    assert answer.get_json()["version"] == 2
    assert [document["id"] for document in offered["TP2"]["documents"]] == [held]
    assert [document["dossier"] for document in offered["TP1"]["documents"]] == [declaration]
    demanded = {code: one["demanded"] for code, one in offered.items()}
    assert demanded == {"TP1": True, "TP2": False, "TP3": False, "TP4": False}, "a declaration is for one dossier"
    assert offered["TP3"]["replaced_by_database"] == "CSDL quốc gia về dân cư"
    at_the_counter = f"procedures/{BUSINESS}/offered-documents?owner={OWNER}&purpose={PURPOSE}"
    assert intake.get(at_the_counter, "counter_officer").get_json() == answer.get_json()
    assert pointers(intake.get(at_the_counter, "officer")) == [("/dossier", "missing")], "only who receives asks before"
    assert pointers(intake.get(f"procedures/{BUSINESS}/offered-documents", "counter_officer")) == [
        ("/purpose", "missing"), ("/owner", "missing"),
    ]  # fmt: skip
    problem(intake.get("procedures/9.999999/offered-documents", "citizen"), 404)
    assert lookups(intake) == [("self", "offered", 2), ("officer", "offered", 2)]


def test_a_document_is_reused_with_one_click(intake: Running) -> None:
    offers_next(intake)
    file = uploaded(intake)
    first = online(intake, components=[paper("TP1"), {"code": "TP2", "file": file.id}])
    received(intake, first)
    deposit(intake)
    [held] = [row["_id"] for row in documents(intake)]
    intake.publish()
    second = online(intake, components=[paper("TP1"), {"code": "TP2", "reuse": held}])
    told = [json.loads(event) for event in intake.told()]
    [said] = [event for event in told if event["type"] == "intake.document.reused.v1"]
    assert (said["subject"], said["sequence"]) == (second, 2)
    assert {name: said["data"][name] for name in ("component", "document", "kind", "chosen")} == {
        "component": "TP2", "document": held, "kind": LAND_BOOK, "chosen": True,
    }  # fmt: skip
    view = intake.get(f"dossiers/{second}", "officer").get_json()
    [_, given] = view["components"]
    assert (given["reuse"], given["file"], given["chosen"]) == (held, file.id, True)
    received(intake, second)
    deposit(intake)
    assert len(documents(intake)) == 1, "it is there already"
    # Handing it in was a look-up, which its owner sees.
    [seen] = intake.get("documents/lookups", "citizen").get_json()["items"]
    assert (seen["by"], seen["act"], seen["dossier"]) == ("self", "reused", second)
    acts = [entry["act"] for entry in intake.get(f"dossiers/{second}/journal", "officer").get_json()["items"]]
    assert acts == ["filed", "document_reused", "received"]


def refused_reuse(intake: Running, who: str | Persona, id: str, **changes: Any) -> dict[str, Any]:
    components = [paper("TP1"), {"code": "TP2", "reuse": id}]
    answer = intake.post("dossiers", who, body(components=components, **changes))
    assert pointers(answer) == [("/components/1/reuse", "unknown_document")], answer.text
    return {**answer.get_json(), "instance": ""}


def test_another_persons_document_and_none_answer_alike(intake: Running) -> None:
    offers_next(intake)
    mine, theirs = land_book(intake), land_book(intake, OTHER)
    expected = refused_reuse(intake, "citizen", "no-such-document")
    assert refused_reuse(intake, "citizen", theirs) == expected
    # Whoever writes somebody else's number on a dossier has no right to their documents by it.
    applicant = applicant_body(identity=OTHER)["applicant"]
    assert refused_reuse(intake, "citizen", theirs, applicant=applicant) == expected
    assert refused_reuse(intake, UNPROVEN, mine) == expected
    assert refused_reuse(intake, "volunteer", mine) == expected
    nobody = applicant_body(identity=None)["applicant"]
    assert refused_reuse(intake, "citizen", mine, applicant=nobody) == expected
    for hostile in ("$ne", "_id", "a" * 60, "../..", "0"):
        if hostile[0] != "$":
            assert refused_reuse(intake, "citizen", hostile) == expected
    assert intake.database["dossiers"].count_documents({"dimensions.procedure": BUSINESS}) == 0


def test_a_document_of_another_kind_does_not_fit(intake: Running) -> None:
    offers_next(intake)
    held = land_book(intake)
    components = [{"code": "TP1", "reuse": held}, paper("TP2")]
    answer = intake.post("dossiers", "citizen", body(components=components))
    assert pointers(answer) == [("/components/0/reuse", "unknown_document")]


@pytest.mark.parametrize(
    ("issued_on", "valid_to", "usable"),
    [
        (None, None, True),
        ("2026-03-04", "2026-03-04", True),
        ("2026-03-05", None, False),
        (None, "2026-03-03", False),
    ],
)
def test_a_document_is_used_on_the_days_on_which_it_is_valid(
    intake: Running, issued_on: str | None, valid_to: str | None, usable: bool
) -> None:
    offers_next(intake)
    held = land_book(intake)
    intake.database["documents"].update_one({"_id": held}, {"$set": {"issued_on": issued_on, "valid_to": valid_to}})
    chosen = intake.post("dossiers", "citizen", body(components=[paper("TP1"), {"code": "TP2", "reuse": held}]))
    left_out = intake.post("dossiers", "citizen", body(components=[paper("TP1")]))
    if usable:
        assert (chosen.status_code, left_out.status_code) == (201, 201)
    else:
        assert pointers(chosen) == [("/components/1/reuse", "not_valid")]
        assert pointers(left_out) == [("/components", "missing_component")]
    offered = intake.get(f"procedures/{BUSINESS}/offered-documents", "citizen").get_json()["components"][1]
    assert (offered["demanded"], len(offered["documents"])) == (not usable, int(usable))


def test_two_dossiers_reuse_the_same_document_at_once(intake: Running) -> None:
    offers_next(intake)
    held = land_book(intake)
    answers: list[int] = []
    together = threading.Barrier(4)

    def reuse() -> None:
        together.wait()
        components = [paper("TP1"), {"code": "TP2", "reuse": held}]
        answers.append(intake.post("dossiers", "citizen", body(components=components)).status_code)

    threads = [threading.Thread(target=reuse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 4
    deposit(intake)
    assert lookups(intake) == [("self", "reused", 1)] * 4
    deposit(intake)
    assert len(intake.rows("lookups")) == 4


# --- one submission, once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["citizen", "counter_officer"])
def test_what_the_state_holds_need_not_be_handed_in(intake: Running, who: str) -> None:
    offers_next(intake)
    held = land_book(intake)
    channel = "online" if who == "citizen" else "counter"
    answer = intake.post("dossiers", who, body(channel=channel, components=[paper("TP1")]), key="k-1")
    assert answer.status_code == 201, answer.text
    id = answer.get_json()["id"]
    given = intake.get(f"dossiers/{id}", "officer").get_json()["components"]
    assert [(one["code"], one["reuse"], one["chosen"]) for one in given] == [
        ("TP1", None, False), ("TP2", held, False),
    ]  # fmt: skip
    again = intake.post("dossiers", who, body(channel=channel, components=[paper("TP1")]), key="k-1")
    assert again.data == answer.data


def test_strangers_learn_nothing_from_what_is_missing(intake: Running) -> None:
    """With somebody's number on a dossier one neither gets their documents nor learns that there are any."""
    offers_next(intake)
    land_book(intake)
    for who in (NEIGHBOUR, UNPROVEN, "volunteer"):
        answer = intake.post("dossiers", who, body(components=[paper("TP1")]))
        assert pointers(answer) == [("/components", "missing_component")]
    elsewhere = body(components=[paper("TP1")], channel="counter", agency=ELSEWHERE)
    assert pointers(intake.post("dossiers", "counter_officer", elsewhere)) == [("/components", "missing_component")]


def test_of_several_the_applicant_chooses(intake: Running) -> None:
    offers_next(intake)
    first, second = land_book(intake), land_book(intake)
    answer = intake.post("dossiers", "citizen", body(components=[paper("TP1")]))
    assert pointers(answer) == [("/components", "several_held"), ("/components", "missing_component")]
    assert lookups(intake) == [("self", "refused", 2)]
    for held in (first, second):
        chosen = [paper("TP1"), {"code": "TP2", "reuse": held}]
        assert intake.post("dossiers", "citizen", body(components=chosen)).status_code == 201


def test_what_is_uploaded_all_the_same_is_accepted_and_flagged(intake: Running) -> None:
    offers_next(intake)
    given = [{"code": "TP1", "file": uploaded(intake).id}, {"code": "TP2", "file": uploaded(intake).id}]
    before = online(intake, components=given)
    land_book(intake)
    after = online(intake, components=given)
    shown = [intake.get(f"dossiers/{id}", "citizen").get_json()["components"] for id in (before, after)]
    assert [[one["held"] for one in components] for components in shown] == [[False, False], [False, True]]


def asked_again(intake: Running, id: str, *components: str) -> Any:
    wanted = {"components": list(components), "reason": "Bản cũ không rõ"}
    return intake.post(f"dossiers/{id}/supplement-request", "counter_officer", wanted)


def test_an_officer_does_not_ask_for_what_the_state_holds(intake: Running) -> None:
    offers_next(intake)
    without = online(intake, components=[paper("TP1"), {"code": "TP2", "file": uploaded(intake).id}])
    held = land_book(intake)
    answer = problem(asked_again(intake, without, "TP1", "TP2"), 409, "already_held")
    assert [(error["pointer"], error["code"]) for error in answer["errors"]] == [("/components/1", "already_held")]
    assert lookups(intake) == [("officer", "refused", 1)]
    assert pointers(asked_again(intake, without, "TP3")) == [("/components/0", "replaced_by_database")]
    assert asked_again(intake, without, "TP1").status_code == 200
    # The one that the dossier uses may be the wrong one.
    using = online(intake, components=[paper("TP1"), {"code": "TP2", "reuse": held}])
    assert asked_again(intake, using, "TP2").status_code == 200


def test_a_supplement_may_reuse_what_is_held_too(intake: Running) -> None:
    offers_next(intake)
    id = online(intake, components=[paper("TP1"), {"code": "TP2", "file": uploaded(intake).id}])
    assert asked_again(intake, id, "TP2").status_code == 200
    held, theirs = land_book(intake), land_book(intake, OTHER)
    wrong = intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [{"code": "TP2", "reuse": theirs}]})
    assert pointers(wrong) == [("/components/0/reuse", "unknown_document")]
    intake.publish()
    right = intake.post(f"dossiers/{id}/supplement", "citizen", {"components": [{"code": "TP2", "reuse": held}]})
    assert right.status_code == 200, right.text
    told = [json.loads(event)["type"] for event in intake.told()]
    assert told == ["intake.dossier.supplemented.v1", "intake.document.reused.v1"]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_dossier_names_files_of_who_files_it(intake: Running) -> None:
    mine, theirs = uploaded(intake), uploaded(intake, NEIGHBOUR)
    infected = uploaded(intake, scan=Scan.INFECTED, threat="Eicar")

    def named(id: str) -> list[tuple[str, str]]:
        return pointers(intake.post("dossiers", "citizen", body(components=[{"code": "TP1", "file": id}])))

    assert named(theirs.id) == named("no-such-file") == [("/components/0/file", "unknown_file")]
    assert named(infected.id) == [("/components/0/file", "infected_file")]
    assert online(intake, components=[{"code": "TP1", "file": mine.id}])
    colleagues = uploaded(intake, "officer")
    assert filed(intake, components=[{**paper("TP1"), "file": colleagues.id}])


def test_only_the_one_stop_unit_says_that_it_scanned_paper(intake: Running) -> None:
    claimed = [{**paper("TP1"), "digitised": True}]
    answer = intake.post("dossiers", "citizen", body(components=claimed))
    assert pointers(answer) == [("/components/0/digitised", "not_at_the_counter")]
    assert filed(intake, components=claimed)


def test_a_day_is_the_provinces(intake: Running, clock: Clock) -> None:
    """A document whose last day is over in Thanh Hóa is not valid any more, whatever day it is in UTC."""
    offers_next(intake)
    held = land_book(intake)
    intake.database["documents"].update_one({"_id": held}, {"$set": {"valid_to": date(2026, 3, 4).isoformat()}})
    clock.set("2026-03-04 23:59")
    components = [paper("TP1"), {"code": "TP2", "reuse": held}]
    assert intake.post("dossiers", "citizen", body(components=components)).status_code == 201
    clock.now += timedelta(minutes=2)
    assert intake.post("dossiers", "citizen", body(components=components)).status_code == 422


def test_the_same_tax_code_with_and_without_a_hyphen_is_one_owner(intake: Running) -> None:
    company = Persona("Công ty", PERSONAS["citizen"].scopes, identity="2800123456001")
    applicant = applicant_body(kind="enterprise", identity="2800123456-001")["applicant"]
    file = uploaded(intake, company)
    answer = intake.post("dossiers", company, body(applicant=applicant, components=[{"code": "TP1", "file": file.id}]))
    received(intake, answer.get_json()["id"])
    deposit(intake)
    for owner in ("", "?owner=2800123456-001", "?owner=2800123456001"):
        assert len(intake.get(f"documents{owner}", company).get_json()["items"]) == 1
