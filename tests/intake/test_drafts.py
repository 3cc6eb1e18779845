"""Drafts over HTTP: begun on one device, gone on with on another, filed once, gone when their time is over."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from intake.domain import drafts as domain
from native.access import Persona
from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, LAND
from tests.support.plans import watched
from tests.support.services import Clock, Running, another_process, pointers, problem, subject_of

LATER = "2100-03-03 09:00"
"""The store takes drafts away by its own clock, so these tests live where nothing is over for it."""
SELLER = Persona("Hà Thị Duyên", ("dossiers.file", "dossiers.read"))
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "ten": {"type": "string", "title": "Tên hộ kinh doanh", "minLength": 3},
        "von": {"type": "integer", "title": "Vốn kinh doanh"},
        "ngay": {"type": "string", "title": "Ngày bắt đầu", "format": "date"},
    },
    "required": ["ten", "von"],
    "additionalProperties": False,
}


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.set(LATER)
    return clock


@pytest.fixture
def formed(intake: Running) -> Running:
    """Intake, where the business procedure has a form."""
    intake.hear([catalogue.published(catalogue.procedure(version=2, form=FORM))])
    return intake


def whole(**form: Any) -> dict[str, Any]:
    """What can be filed."""
    content = body(form={"ten": "Tạp hóa Hoa", "von": 50_000_000, **form})
    return {name: value for name, value in content.items() if name != "channel"}


def begun(intake: Running, who: str | Persona = "citizen", **content: Any) -> dict[str, Any]:
    answer = intake.post("drafts", who, {"dossier": {"procedure": BUSINESS, **content}})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def save(intake: Running, id: str, content: dict[str, Any], who: str | Persona = "citizen", **how: Any) -> TestResponse:
    return intake.request("PUT", f"drafts/{id}", who, {"dossier": content}, **how)


def shown(intake: Running, id: str, who: str | Persona = "citizen") -> dict[str, Any]:
    answer = intake.get(f"drafts/{id}", who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def at(found: dict[str, Any], what: str) -> list[tuple[str, str]]:
    return [(item["pointer"], item["code"]) for item in found[what]]


# --- begin and save ---------------------------------------------------------------------------------------------------


def test_a_draft_is_begun_with_next_to_nothing_and_says_what_is_missing(formed: Running) -> None:
    answer = formed.post("drafts", "citizen", {"dossier": {"procedure": BUSINESS}})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    found = answer.get_json()
    assert (found["state"], found["complete"], found["wrong"]) == ("open", False, [])
    assert at(found, "missing") == [
        ("/agency", "missing"), ("/applicant", "missing"), ("/form/ten", "required"), ("/form/von", "required"),
    ]  # fmt: skip
    assert found["missing"][2]["message"] == "Tên hộ kinh doanh: chưa điền"
    assert (found["saved_at"], found["expires_at"]) == ("2100-03-03T02:00:00Z", "2100-04-02T02:00:00Z")


def test_what_does_not_fit_yet_is_told_and_kept(formed: Running) -> None:
    content: dict[str, Any] = {
        "applicant": {"kind": "citizen", "name": "Hoa", "phone": "09"},
        "form": {"ten": "A", "ngay": "hôm"},
    }
    found = begun(formed, **content)
    assert sorted(at(found, "wrong")) == [
        ("/applicant/phone", "value_error"), ("/form/ngay", "format"), ("/form/ten", "minLength"),
    ]  # fmt: skip
    assert shown(formed, found["id"])["content"] == {"procedure": BUSINESS, **content}


def test_a_missing_component_is_told_once_the_rest_is_there(formed: Running) -> None:
    found = begun(formed, **{**whole(), "components": []})
    assert (at(found, "missing"), found["wrong"]) == ([("/components", "missing_component")], [])


def test_what_can_be_filed_is_complete(formed: Running) -> None:
    found = begun(formed, **whole())
    assert (found["complete"], found["missing"], found["wrong"]) == (True, [], [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"form": {"von": "nhiều"}}, [("/form/von", "type")]),
        ({"form": []}, [("/form", "dict_type")]),
        ({"applicant": "Hoa"}, [("/applicant", "model_type")]),
        ({"aplicant": {}}, [("/aplicant", "extra_forbidden")]),
    ],
    ids=str,
)
def test_what_is_of_a_wrong_type_is_refused(formed: Running, content: dict[str, Any], expected: Any) -> None:
    refused = formed.post("drafts", "citizen", {"dossier": {"procedure": BUSINESS, **content}})
    assert pointers(refused) == expected
    id = begun(formed)["id"]
    assert pointers(save(formed, id, {"procedure": BUSINESS, **content}, match=1)) == expected
    assert shown(formed, id)["version"] == 1


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, [("/dossier", "missing")]),
        ({"dossier": {}}, [("/dossier/procedure", "missing")]),
        ({"dossier": {"procedure": "a b"}}, [("/dossier/procedure", "string_pattern_mismatch")]),
        ({"dossier": {"procedure": BUSINESS, "$where": 1}}, [("/dossier", "value_error")]),
        ({"dossier": {"procedure": BUSINESS, "form": {"a": 2**70}}}, [("/dossier", "value_error")]),
        ({"dossier": {"procedure": BUSINESS, "form": {"a": "\x00"}}}, [("/dossier", "value_error")]),
        ({"dossier": {"procedure": BUSINESS}, "owner": "ai"}, [("/owner", "extra_forbidden")]),
    ],
    ids=str,
)
def test_what_no_document_should_hold_is_refused(intake: Running, sent: Any, expected: Any) -> None:
    assert pointers(intake.post("drafts", "citizen", sent)) == expected
    assert intake.rows("drafts") == []


def test_nesting_without_end_is_refused(intake: Running) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = {"a": deep}
    sent = {"dossier": {"procedure": BUSINESS, "form": deep}}
    assert pointers(intake.post("drafts", "citizen", sent)) == [("/dossier", "value_error")]


def test_a_draft_is_not_a_store_for_anything(intake: Running) -> None:
    big = {"procedure": BUSINESS, "form": {"a": "x" * domain.MOST_BYTES}}
    problem(intake.post("drafts", "citizen", {"dossier": big}), 413, "draft_too_large")
    id = begun(intake)["id"]
    problem(save(intake, id, big, match=1), 413, "draft_too_large")


def test_a_procedure_that_is_not_in_force_is_told_and_may_come_back(intake: Running) -> None:
    found = intake.post("drafts", "citizen", {"dossier": {"procedure": "9.999999"}}).get_json()
    assert ("/procedure", "unknown_procedure") in at(found, "wrong")
    assert not found["complete"]


def test_it_is_saved_by_the_version_that_was_seen(formed: Running, clock: Clock) -> None:
    """Two devices: what one saved is not overwritten by what the other had open."""
    id = begun(formed)["id"]
    clock.move(hours=1)
    first = save(formed, id, {"procedure": BUSINESS, "form": {"ten": "Máy tính"}}, match=1)
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    problem(save(formed, id, {"procedure": BUSINESS, "form": {"ten": "Điện thoại"}}, match=1), 412, "stale")
    found = shown(formed, id)
    assert (found["content"]["form"], found["version"]) == ({"ten": "Máy tính"}, 2)
    assert (found["created_at"], found["saved_at"]) == ("2100-03-03T02:00:00Z", "2100-03-03T03:00:00Z")


def test_what_was_taken_out_is_gone(formed: Running) -> None:
    id = begun(formed, form={"ten": "Cũ"}, assisted_by="Tổ công nghệ số")["id"]
    save(formed, id, {"procedure": LAND}, match=1)
    found = shown(formed, id)
    assert (found["content"], found["procedure"]) == ({"procedure": LAND}, LAND)


def test_a_draft_is_gone_on_with_in_another_process(formed: Running) -> None:
    id = begun(formed, form={"ten": "Tạp hóa"})["id"]
    with another_process(formed) as other:
        assert shown(other, id)["content"]["form"] == {"ten": "Tạp hóa"}


def test_a_repeated_key_gets_the_first_answer(formed: Running) -> None:
    sent = {"dossier": {"procedure": BUSINESS}}
    first = formed.post("drafts", "citizen", sent, key="k-1")
    again = formed.post("drafts", "citizen", sent, key="k-1")
    assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    problem(
        formed.post("drafts", "citizen", {"dossier": {"procedure": LAND}}, key="k-1"), 422, "idempotency_key_reused"
    )
    assert len(formed.rows("drafts")) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("PUT", "/x"), ("POST", "/x/discard"), ("POST", "/x/filing")]
)
def test_what_writes_needs_a_key(intake: Running, method: str, path: str) -> None:
    sent = {"dossier": {"procedure": BUSINESS}} if path in ("", "/x") else {}
    problem(intake.request(method, f"drafts{path}", "citizen", sent), 428, "precondition_required")


# --- whose they are ---------------------------------------------------------------------------------------------------


def test_somebody_elses_draft_answers_like_one_that_is_not_there(formed: Running) -> None:
    id = begun(formed)["id"]
    asked: dict[str, Callable[[str], TestResponse]] = {
        "show": lambda id: formed.get(f"drafts/{id}", "volunteer"),
        "save": lambda id: save(formed, id, {"procedure": BUSINESS}, "volunteer", match=1),
        "discard": lambda id: formed.post(f"drafts/{id}/discard", "volunteer", {}),
        "file": lambda id: formed.post(f"drafts/{id}/filing", "volunteer", {}),
    }
    for ask in asked.values():
        theirs, nobodys = problem(ask(id), 404, "not_found"), problem(ask("0"), 404, "not_found")
        assert theirs["title"] == nobodys["title"]
    assert formed.get("drafts", "volunteer").get_json()["items"] == []
    assert shown(formed, id)["version"] == 1


def test_a_draft_needs_the_scope_to_file(intake: Running) -> None:
    problem(intake.post("drafts", "leader", {"dossier": {"procedure": BUSINESS}}), 403, "forbidden")


def test_a_system_has_no_drafts(intake: Running) -> None:
    key = intake.tokens.api_key("office", ["dossiers.file"])
    sent = {"dossier": {"procedure": BUSINESS}}
    problem(intake.post("drafts", None, sent, headers={"X-Api-Key": key}), 403, "forbidden")


def test_the_list_has_the_one_saved_last_first_page_by_page(formed: Running, clock: Clock) -> None:
    ids = []
    for _ in range(3):
        clock.move(minutes=1)
        ids.append(begun(formed, form={"ten": "Riêng tư"})["id"])
    clock.move(minutes=1)
    save(formed, ids[0], {"procedure": BUSINESS}, match=1)
    first = formed.get("drafts?limit=2", "citizen").get_json()
    rest = formed.get(f"drafts?limit=2&cursor={first['next']}", "citizen").get_json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [ids[0], ids[2], ids[1]]
    assert rest["next"] is None
    assert "content" not in first["items"][0]


def test_a_person_has_so_many_open_drafts_and_no_more(formed: Running) -> None:
    found = [begun(formed) for _ in range(domain.MOST_OPEN)]
    problem(formed.post("drafts", "citizen", {"dossier": {"procedure": BUSINESS}}), 409, "too_many_drafts")
    assert begun(formed, "volunteer")["state"] == "open", "another person's are counted by themselves"
    formed.post(f"drafts/{found[3]['id']}/discard", "citizen", {})
    assert begun(formed)["state"] == "open"
    problem(formed.post("drafts", "citizen", {"dossier": {"procedure": BUSINESS}}), 409, "too_many_drafts")


def test_drafts_begun_at_once_do_not_exceed_it(formed: Running) -> None:
    for _ in range(domain.MOST_OPEN - 2):
        begun(formed)
    statuses: list[int] = []

    def begin() -> None:
        answer = formed.post("drafts", "citizen", {"dossier": {"procedure": BUSINESS}})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 201, 409, 409, 409, 409]
    assert formed.database["drafts"].count_documents({}) == domain.MOST_OPEN


# --- their end --------------------------------------------------------------------------------------------------------


def test_thirty_days_after_it_was_saved_last_it_is_over(formed: Running, clock: Clock) -> None:
    id = begun(formed)["id"]
    clock.move(days=29)
    save(formed, id, {"procedure": BUSINESS}, match=1)
    clock.move(days=29, hours=23)
    assert shown(formed, id)["version"] == 2
    clock.move(hours=1)
    problem(formed.get(f"drafts/{id}", "citizen"), 404, "not_found")
    problem(save(formed, id, {"procedure": BUSINESS}, match=2), 404, "not_found")
    problem(formed.post(f"drafts/{id}/filing", "citizen", {}), 404, "not_found")
    assert formed.get("drafts", "citizen").get_json()["items"] == []


def test_the_store_takes_away_what_is_over(intake: Running) -> None:
    id = begun(intake)["id"]
    index = intake.database["drafts"].index_information()["expires"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expires_at", 1)], 0)
    [row] = intake.rows("drafts")
    assert (row["_id"], row["expires_at"]) == (id, datetime(2100, 4, 2, 2, 0, tzinfo=UTC))


def test_of_a_discarded_draft_nothing_is_left(formed: Running) -> None:
    id = begun(formed, form={"ten": "Riêng tư"})["id"]
    first = formed.post(f"drafts/{id}/discard", "citizen", {}, key="k-1")
    assert (first.status_code, first.get_json()) == (200, {"id": id, "version": 2, "state": "discarded"})
    assert formed.post(f"drafts/{id}/discard", "citizen", {}, key="k-1").data == first.data
    problem(formed.get(f"drafts/{id}", "citizen"), 404, "not_found")
    problem(formed.post(f"drafts/{id}/discard", "citizen", {}), 404, "not_found")
    problem(save(formed, id, {"procedure": BUSINESS}, match=2), 404, "not_found")
    problem(formed.post(f"drafts/{id}/filing", "citizen", {}), 404, "not_found")
    [row] = formed.rows("drafts")
    assert (row["content"], row["files"], row["slot"]) == ({}, [], None)
    assert "Riêng tư" not in str(row)
    assert row["expires_at"] - formed.clock.now == timedelta(days=1)


# --- filing -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_filed_as_it_was_saved(formed: Running) -> None:
    id = begun(formed, **whole())["id"]
    answer = formed.post(f"drafts/{id}/filing", "citizen", {})
    assert answer.status_code == 201, answer.text
    filed = answer.get_json()
    assert filed["status"] == "filed"
    dossier = formed.get(f"dossiers/{filed['id']}", "citizen").get_json()
    assert dossier["form"] == {"ten": "Tạp hóa Hoa", "von": 50_000_000}
    assert (dossier["dimensions"]["channel"], dossier["dimensions"]["procedure_version"]) == ("online", 2)
    assert formed.rows("dossiers")[0]["owner"] == subject_of("citizen")
    found = shown(formed, id)
    assert (found["state"], found["dossier"], found["content"]) == ("filed", filed["id"], {})
    assert formed.get("drafts", "citizen").get_json()["items"] == []
    [listed] = formed.get("drafts?state=filed", "citizen").get_json()["items"]
    assert listed["dossier"] == filed["id"]


def test_an_incomplete_draft_is_refused_as_filing_it_would_be_and_stays(formed: Running) -> None:
    id = begun(formed, **{**whole(), "form": {"ten": "A"}})["id"]
    answer = formed.post(f"drafts/{id}/filing", "citizen", {})
    assert sorted(pointers(answer)) == [("/form/ten", "minLength"), ("/form/von", "required")]
    straight = formed.post("dossiers", "citizen", {"channel": "online", **whole(), "form": {"ten": "A"}})
    assert pointers(answer) == pointers(straight)
    empty = begun(formed)["id"]
    assert ("/applicant", "missing") in pointers(formed.post(f"drafts/{empty}/filing", "citizen", {}))
    assert (shown(formed, id)["state"], formed.rows("dossiers")) == ("open", [])
    save(formed, id, whole(), match=1)
    assert formed.post(f"drafts/{id}/filing", "citizen", {}).status_code == 201


def test_the_same_click_twice_files_once_with_whatever_keys(formed: Running) -> None:
    id = begun(formed, **whole())["id"]
    first = formed.post(f"drafts/{id}/filing", "citizen", {}, key="k-1")
    assert first.status_code == 201
    for key in ("k-1", "k-2"):
        again = formed.post(f"drafts/{id}/filing", "citizen", {}, key=key)
        assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    assert len(formed.rows("dossiers")) == 1


def test_two_clicks_at_once_file_once(formed: Running) -> None:
    id = begun(formed, **whole())["id"]
    answers: list[TestResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(formed.post(f"drafts/{id}/filing", "citizen", {})))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert len(formed.rows("dossiers")) == 1


def test_what_was_filed_is_not_saved_any_more(formed: Running) -> None:
    id = begun(formed, **whole())["id"]
    formed.post(f"drafts/{id}/filing", "citizen", {})
    version = shown(formed, id)["version"]
    problem(save(formed, id, whole(), match=version), 409, "draft_filed")
    problem(formed.post(f"drafts/{id}/discard", "citizen", {}), 409, "draft_filed")


def test_a_crash_between_the_dossier_and_its_note_makes_no_second_dossier(
    formed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(formed, **whole())["id"]
    with monkeypatch.context() as crashing:
        crashing.setattr("intake.usecases.drafts.DraftUseCases._note_filed", lambda *_: None)
        first = formed.post(f"drafts/{id}/filing", "citizen", {})
    assert formed.rows("drafts")[0]["state"] == "open"
    found = shown(formed, id)
    assert (found["state"], found["dossier"]) == ("filed", first.get_json()["id"])
    problem(save(formed, id, whole(von=1), match=1), 409, "draft_filed")
    assert formed.post(f"drafts/{id}/filing", "citizen", {}).data == first.data
    assert [row["state"] for row in formed.rows("drafts")] == ["filed"]
    assert len(formed.rows("dossiers")) == 1


def test_a_draft_that_another_device_saved_meanwhile_is_not_filed_unseen(formed: Running) -> None:
    id = begun(formed, **whole())["id"]
    save(formed, id, whole(von=1), match=1)
    sent = {"key": "k-1", "headers": {"If-Match": '"1"'}}
    problem(formed.post(f"drafts/{id}/filing", "citizen", {}, **sent), 412, "stale")
    assert formed.rows("dossiers") == []


def test_a_draft_is_filed_under_the_version_in_force_when_it_is_filed(formed: Running, clock: Clock) -> None:
    id = begun(formed, **whole())["id"]
    stricter = {**FORM, "required": ["ten", "von", "ngay"]}
    changed = catalogue.procedure(version=3, form=stricter, valid_from=clock.now.date())
    formed.hear([catalogue.published(changed)])
    with another_process(formed) as later:
        assert at(shown(later, id), "missing") == [("/form/ngay", "required")]
        assert pointers(later.post(f"drafts/{id}/filing", "citizen", {})) == [("/form/ngay", "required")]


# --- what it keeps alive, and its plans -------------------------------------------------------------------------------


def test_the_files_of_a_draft_are_named_so_that_they_are_not_swept(intake: Running) -> None:
    components = [{"code": "TP1", "file": "f1"}, {"code": "TP2", "file": "f1"}, {"code": "TP3", "file": 7}, "x"]
    assert domain.files_of({"components": components}) == ("f1",)
    id = begun(intake, components=[{"code": "TP1", "file": "f1"}])["id"]
    assert intake.rows("drafts")[0]["files"] == ["f1"]
    save(intake, id, {"procedure": BUSINESS}, match=1)
    assert intake.rows("drafts")[0]["files"] == []


def test_every_query_has_an_index(formed: Running, mongo: MongoClient[dict[str, Any]], clock: Clock) -> None:
    for _ in range(5):
        begun(formed, SELLER)
        clock.move(minutes=1)
    with watched(mongo, formed.database.name) as seen:
        id = begun(formed)["id"]
        cursor = formed.get("drafts?limit=2", SELLER).get_json()["next"]
        formed.get(f"drafts?limit=2&cursor={cursor}", SELLER)
        save(formed, id, {"procedure": BUSINESS}, match=1)
    ran = seen.of("drafts")
    assert ran
    for operation in ran:
        assert "COLLSCAN" not in operation.plan, operation
        assert not operation.sorted_in_memory, operation
