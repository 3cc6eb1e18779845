"""Over HTTP: tasks given by leaders and handed on, given back, helped with, noted on; dossiers followed."""

from typing import Any

import pytest

from chassis.clock import new_id
from native.access import Persona
from tests.support.catalogue import ELSEWHERE, HERE, LAND, PROVINCE
from tests.support.services import Clock, Running, pointers, problem, subject_of
from tests.workflow.test_api import begin, claim, complete, listed
from workflow.domain import assignments

WORK = ("tasks.read", "tasks.work")
LAN = Persona("Lan", WORK, HERE)
TAM = Persona("Tám", WORK, HERE)
HEAD = Persona("Trưởng phòng", WORK, HERE, ("leader",))
EXPERT = Persona("Chuyên viên", WORK, HERE, ("expert",))
ABROAD = Persona("Mai", WORK, ELSEWHERE)
BOSS_ABROAD = Persona("Giám đốc nơi khác", WORK, ELSEWHERE, ("leader",))
UPSTAIRS = Persona("Sáu", WORK, PROVINCE)


@pytest.fixture
def known(workflow: Running) -> Running:
    """Everybody has looked at their tasks once."""
    for who in (LAN, TAM, HEAD, EXPERT, ABROAD, BOSS_ABROAD, UPSTAIRS):
        assert workflow.get("tasks", who).status_code == 200
    return workflow


def assign(workflow: Running, task: str, to: Persona | str, who: Persona, **options: Any) -> Any:
    subject = to if isinstance(to, str) else subject_of(to)
    return workflow.post(f"tasks/{task}/assignment", who, {"to": subject, "reason": "Đúng chuyên môn"}, **options)


def last_entry(workflow: Running, id: str) -> tuple[str, str, str | None, str | None]:
    entry = workflow.get(f"dossiers/{id}/timeline", LAN).get_json()["journal"][-1]
    return entry["act"], entry["by"], entry["note"], entry["behalf"]


def test_a_leader_gives_a_task_and_the_assignee_hands_it_on(known: Running) -> None:
    id = begin(known)
    given = assign(known, f"{id}.s1", LAN, HEAD).get_json()
    assert (given["task"]["assignee"], given["task"]["state"]) == (subject_of(LAN), "claimed")
    assert last_entry(known, id) == ("assigned", subject_of(HEAD), f"– → {subject_of(LAN)}: Đúng chuyên môn", None)
    assert assign(known, f"{id}.s1", TAM, LAN).get_json()["task"]["assignee"] == subject_of(TAM)
    assert known.rows("dossiers")[0]["tasks"][0]["assignee_name"] == "Tám", "the name is the one of the token"
    problem(complete(known, f"{id}.s1", who=LAN), 409, "task_claimed")
    problem(assign(known, f"{id}.s1", LAN, LAN), 409, "task_claimed")
    assert assign(known, f"{id}.s1", LAN, HEAD).status_code == 200, "a leader takes it from whoever has it"
    assert complete(known, f"{id}.s1", who=LAN).status_code == 200
    problem(assign(known, f"{id}.s1", LAN, HEAD), 409, "task_not_open")
    problem(assign(known, f"{id}.s3", LAN, HEAD), 409, "task_not_open")


def test_what_nobody_has_is_given_out_by_a_leader_only(known: Running) -> None:
    id = begin(known)
    problem(assign(known, f"{id}.s1", TAM, LAN), 403, "leader_needed")
    problem(assign(known, f"{id}.s1", ABROAD, BOSS_ABROAD), 404, "not_found")
    problem(assign(known, f"{id}.s1", LAN, Persona("Lãnh đạo", ("tasks.read",), HERE, ("leader",))), 403, "forbidden")


def test_to_nobody_else_than_an_officer_of_the_agency(known: Running) -> None:
    id = begin(known)
    strangers = [subject_of(ABROAD), "nobody", subject_of(UPSTAIRS), "a\x00b"]
    found = [problem(assign(known, f"{id}.s1", to, HEAD), 422) for to in strangers]
    assert {(each["code"], each["detail"], str(each["errors"])) for each in found} == {
        (
            "not_an_officer_of_the_agency",
            "not an officer of the agency",
            "[{'pointer': '/to', 'code': 'not_an_officer', 'message': 'is not known as an officer of the agency'}]",
        )
    }, "who is known elsewhere is not told from who is not known at all"
    moved = Persona(TAM.name, WORK, ELSEWHERE)
    known.get("tasks", moved)
    assert pointers(assign(known, f"{id}.s1", TAM, HEAD)) == [("/to", "not_an_officer")], "he works elsewhere now"


def test_who_was_given_a_step_does_it_whatever_the_role(known: Running) -> None:
    id = begin(known)
    problem(complete(known, f"{id}.s1", who=EXPERT), 403, "role_missing")
    assert assign(known, f"{id}.s1", EXPERT, HEAD).status_code == 200
    assert complete(known, f"{id}.s1", who=EXPERT).status_code == 200


def test_a_task_is_given_back(known: Running) -> None:
    id = begin(known)
    problem(known.post(f"tasks/{id}.s1/release", LAN), 409, "task_unclaimed")
    claim(known, f"{id}.s1", LAN)
    problem(known.post(f"tasks/{id}.s1/release", TAM), 409, "task_claimed")
    free = known.post(f"tasks/{id}.s1/release", LAN).get_json()
    assert (free["task"]["state"], free["task"]["assignee"]) == ("open", None)
    assert claim(known, f"{id}.s1", TAM).status_code == 200
    assert known.post(f"tasks/{id}.s1/release", HEAD).status_code == 200, "a leader frees it for somebody ill"


def test_a_dossier_has_so_many_notes_and_no_more(known: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "MOST_NOTES", 2)
    path = f"tasks/{begin(known)}.s1/notes"
    for _ in range(2):
        assert known.post(path, LAN, {"text": "Đã gọi điện"}).status_code == 200
    problem(known.post(path, LAN, {"text": "Đã gọi điện"}), 409, "too_many_notes")


def test_co_handlers_note_and_do_not_complete(known: Running) -> None:
    id = begin(known)
    claim(known, f"{id}.s1", LAN)
    note = {"text": "Đã kiểm tra bản vẽ"}
    path = f"tasks/{id}.s1/co-handlers"
    problem(known.post(f"tasks/{id}.s1/notes", TAM, note), 403, "not_a_handler")
    problem(known.post(path, TAM, {"add": [subject_of(TAM)]}), 409, "task_claimed")
    added = known.post(path, LAN, {"add": [subject_of(TAM), subject_of(TAM)]}).get_json()
    assert added["task"]["co_handlers"] == [subject_of(TAM)]
    assert known.post(f"tasks/{id}.s1/notes", TAM, note).status_code == 200
    assert last_entry(known, id) == ("noted", subject_of(TAM), note["text"], None)
    problem(complete(known, f"{id}.s1", who=TAM), 409, "task_claimed")
    assert f"{id}.s1" in listed(known.get("tasks?assignee=me", TAM))
    assert pointers(known.post(path, LAN, {"add": [subject_of(ABROAD)]})) == [("/add", "not_an_officer")]
    assert known.post(path, LAN, {"remove": [subject_of(TAM), "x"]}).get_json()["task"]["co_handlers"] == []
    problem(known.post(f"tasks/{id}.s1/notes", TAM, note), 403, "not_a_handler")
    assert known.post(f"tasks/{id}.s1/notes", HEAD, note).status_code == 200
    complete(known, f"{id}.s1", who=LAN)
    problem(known.post(f"tasks/{id}.s1/notes", LAN, note), 409, "task_not_open")
    assert known.post(f"tasks/{id}.s2/notes", TAM, note).status_code == 200, "of what nobody has, any officer"


def test_a_dossier_is_followed_by_those_whose_agency_works_on_it(known: Running, clock: Clock) -> None:
    id = begin(known, LAND, amount=10)
    path = f"dossiers/{id}/followers"
    mine = known.post(path, LAN, {"add": [subject_of(LAN), subject_of(TAM)]})
    assert mine.get_json() == {"dossier": id, "followers": [subject_of(LAN), subject_of(TAM)], "version": 2}
    problem(known.post(path, ABROAD, {"add": [subject_of(ABROAD)]}), 404, "not_found")
    problem(known.post(path, LAN, {"add": [subject_of(ABROAD)]}), 422, "not_an_officer_of_the_agency")
    problem(known.post(path, LAN, {"add": [subject_of(UPSTAIRS)]}), 422, "not_an_officer_of_the_agency")
    complete(known, f"{id}.s1", who=LAN)
    assert known.post(path, LAN, {"add": [subject_of(UPSTAIRS)]}).status_code == 200, "it is theirs now too"
    problem(known.post(path, LAN, {"remove": [subject_of(TAM)]}), 403, "leader_needed")
    assert known.post(path, TAM, {"remove": [subject_of(TAM)]}).status_code == 200
    assert known.post(path, HEAD, {"remove": [subject_of(UPSTAIRS)]}).get_json()["followers"] == [subject_of(LAN)]
    assert known.post(path, "leader", {"add": [subject_of("leader")]}).status_code == 200, "the province's leader"


@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        ("assignment", {}, [("/to", "missing")]),
        ("assignment", {"to": ""}, [("/to", "string_too_short")]),
        ("assignment", {"to": "x" * 101}, [("/to", "string_too_long")]),
        ("release", {"to": "x"}, [("/to", "extra_forbidden")]),
        ("notes", {"text": "\x07"}, [("/text", "string_pattern_mismatch")]),
        ("co-handlers", {}, [("", "value_error")]),
        ("co-handlers", {"add": ["x"] * 21}, [("/add", "too_long")]),
        ("return", {"to": "s1"}, [("/reason", "missing")]),
        ("undo", {"act": "claimed"}, [("/act", "extra_forbidden")]),
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_pointed_at(
    known: Running, path: str, sent: Any, expected: list[tuple[str, str]]
) -> None:
    assert pointers(known.post(f"tasks/{begin(known)}.s1/{path}", HEAD, sent)) == expected


def test_a_repetition_gets_the_first_answer_and_a_stale_version_is_refused(known: Running) -> None:
    id = begin(known)
    first = assign(known, f"{id}.s1", LAN, HEAD, key="k")
    assert assign(known, f"{id}.s1", TAM, HEAD, match=2).status_code == 200
    assert assign(known, f"{id}.s1", LAN, HEAD, key="k").data == first.data
    problem(assign(known, f"{id}.s1", TAM, HEAD, key="k"), 422, "idempotency_key_reused")
    problem(assign(known, f"{id}.s1", LAN, HEAD, match=2), 412, "stale")
    problem(assign(known, f"{id}.s1", LAN, HEAD, key=None), 428, "precondition_required")


def test_return_and_undo_over_http(known: Running, clock: Clock) -> None:
    id = begin(known)
    complete(known, f"{id}.s1", who=LAN)
    clock.move(hours=1)
    back = known.post(f"tasks/{id}.s2/return", TAM, {"to": "s1", "reason": "Thiếu chữ ký"}).get_json()
    assert (back["open_tasks"], back["task"]["state"]) == ([f"{id}.s1"], "waiting")
    timeline = known.get(f"dossiers/{id}/timeline", LAN).get_json()
    assert (timeline["tasks"][0]["round"], timeline["intact"]) == (2, True)
    problem(known.post(f"tasks/{id}.s2/undo", LAN), 409, "nothing_to_undo")
    clock.move(minutes=5)
    assert known.post(f"tasks/{id}.s2/undo", TAM).get_json()["open_tasks"] == [f"{id}.s2"]
    complete(known, f"{id}.s2", who=TAM)
    clock.move(minutes=6)
    problem(known.post(f"tasks/{id}.s2/undo", TAM), 409, "too_late_to_undo")
    complete(known, f"{id}.s3", "approved", who=HEAD)
    problem(known.post(f"tasks/{id}.s4/return", LAN, {"to": "s2", "reason": "Sai"}), 409, "already_decided")
    assert known.post(f"tasks/{id}.s3/undo", HEAD).get_json()["open_tasks"] == [f"{id}.s3"]
    claim(known, f"{id}.s3", HEAD)
    problem(known.post(f"tasks/{id}.s3/undo", LAN), 409, "nothing_to_undo")


def test_officers_are_listed_to_their_own_agency(known: Running) -> None:
    def names(path: str, who: str | Persona) -> list[str]:
        return [item["name"] for item in known.get(path, who).get_json()["items"]]

    here = sorted(("Lan", "Tám", "Trưởng phòng", "Chuyên viên"), key=lambda name: f"test:{name}")
    assert names("officers", LAN) == here
    assert names(f"officers?agency={HERE}", ABROAD) == []
    assert names(f"officers?agency={HERE}", "leader") == here
    first = known.get("officers?limit=3", LAN).get_json()
    rest = known.get(f"officers?limit=3&cursor={first['next']}", LAN).get_json()
    assert [item["name"] for item in (*first["items"], *rest["items"])] == here
    known.get("tasks", "backdate")
    assert all(row["agency"] for row in known.rows("officers")), "who has no agency is no officer"


def test_nothing_is_there_for_others(known: Running) -> None:
    problem(known.post(f"dossiers/{new_id()}/followers", LAN, {"add": [subject_of(LAN)]}), 404, "not_found")
