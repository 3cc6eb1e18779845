"""Over HTTP: many acts with one request; a bad one spoils only itself, and a repetition does nothing a second time."""

from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect

from chassis.clock import new_id
from tests.support.plans import watched
from tests.support.services import Running, pointers, problem, subject_of
from tests.workflow.test_api import begin, claim, complete
from tests.workflow.test_assignments import ABROAD, EXPERT, HEAD, LAN, TAM, known

__all__ = ["known"]


def completions(workflow: Running, tasks: list[dict[str, Any]], who: Any = LAN, **options: Any) -> Any:
    return workflow.post("tasks/completions", who, {"tasks": tasks}, **options)


def item(task: str, outcome: str = "completed", **more: Any) -> dict[str, Any]:
    return {"id": task, "outcome": outcome, **more}


def statuses(answer: Any) -> list[tuple[int, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(each["status"], (each["problem"] or {}).get("code")) for each in answer.get_json()["items"]]


def test_each_as_if_it_came_by_itself(known: Running) -> None:
    one, two, theirs = begin(known), begin(known), begin(known)
    abroad = begin(known, agency=ABROAD.agency or "")
    claim(known, f"{theirs}.s1", TAM)
    tasks = [
        item(f"{one}.s1", note="Đủ"),
        item(f"{theirs}.s1"),
        item(f"{abroad}.s1"),
        item(f"{new_id()}.s1"),
        item(f"{two}.s1", "approved"),
        item(f"{two}.s1", version=7),
        item(f"{two}.s1", version=1),
        item(f"{one}.s2"),
        item(f"{one}.s4"),
    ]
    answer = completions(known, tasks)
    assert statuses(answer) == [
        (200, None),
        (409, "task_claimed"),
        (404, "not_found"),
        (404, "not_found"),
        (422, "invalid"),
        (412, "stale"),
        (200, None),
        (200, None),
        (409, "task_not_open"),
    ]
    items = answer.get_json()["items"]
    assert [each["id"] for each in items] == [each["id"] for each in tasks]
    assert (items[0]["acted"]["version"], items[7]["acted"]["version"]) == (2, 3), "a dossier's, one after the other"
    assert items[4]["problem"]["errors"][0]["pointer"] == "/outcome"
    hidden = [{key: value for key, value in each["problem"].items() if key != "instance"} for each in items[2:4]]
    assert str(hidden[0]).replace(abroad, "") == str(hidden[1]).replace(items[3]["id"][:-3], "")
    known_rows = {row["_id"]: row for row in known.rows("dossiers")}
    assert known_rows[one]["tasks"][0]["note"] == "Đủ"
    assert [known_rows[id]["doc_version"] for id in (one, two, theirs, abroad)] == [3, 2, 2, 1]


def test_a_repetition_gets_the_first_answer_and_nothing_is_done_twice(known: Running) -> None:
    one, two = begin(known), begin(known)
    tasks = [item(f"{one}.s1"), item(f"{two}.s2")]
    first = completions(known, tasks, key="b")
    assert statuses(first) == [(200, None), (409, "task_not_open")]
    complete(known, f"{two}.s1", who=LAN)
    again = completions(known, tasks, key="b")
    assert again.data == first.data, "although the second would be done by now"
    problem(completions(known, tasks[:1], key="b"), 422, "idempotency_key_reused")
    assert statuses(completions(known, tasks, who=TAM, key="b")) == [(409, "task_not_open"), (200, None)]
    problem(completions(known, tasks, key=None), 428, "precondition_required")


def test_when_the_store_goes_away_in_between_the_rest_is_done_by_the_repetition(
    known: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dossiers are written, and the process dies before it has answered."""
    id = begin(known)
    tasks = [item(f"{id}.s1"), item(f"{id}.s2")]

    def away(*_: Any, **__: Any) -> Any:
        raise AutoReconnect("gone")

    with monkeypatch.context() as patched:
        patched.setattr("workflow.store.bulks.Bulks.add", away)
        problem(completions(known, tasks, key="b"), 503, "unavailable")
    before = known.rows("dossiers")
    assert [task["state"] for task in before[0]["tasks"][:2]] == ["done", "done"]
    assert statuses(completions(known, tasks, key="b")) == [(200, None), (200, None)]
    assert known.rows("dossiers") == before, "their own keys know what was done"


def test_the_key_of_a_request_that_got_no_answer_is_not_good_for_another(
    known: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [{"id": f"{begin(known)}.s1"}]

    def away(*_: Any, **__: Any) -> Any:
        raise AutoReconnect("gone")

    with monkeypatch.context() as patched:
        patched.setattr("workflow.store.bulks.Bulks.add", away)
        given = known.post("tasks/assignments", HEAD, {"tasks": tasks, "to": subject_of(LAN)}, key="b")
        problem(given, 503, "unavailable")
    other = known.post("tasks/assignments", HEAD, {"tasks": tasks, "to": subject_of(TAM)}, key="b")
    assert statuses(other) == [(422, "idempotency_key_reused")]


def test_many_are_few_writes(known: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    ids = [begin(known) for _ in range(60)]
    with watched(mongo, known.database.name) as seen:
        answer = completions(known, [item(f"{id}.s1") for id in ids])
    assert {status for status, _ in statuses(answer)} == {200}
    reads = [ran for ran in seen.of("dossiers") if "find" in ran.command]
    assert len(reads) == 1, "the dossiers are read at once"
    assert sum(row["tasks"][0]["state"] == "done" for row in known.rows("dossiers")) == 60


def test_claims_and_assignments_too(known: Running) -> None:
    one, two = begin(known), begin(known)
    tasks = [{"id": f"{one}.s1"}, {"id": f"{two}.s1"}, {"id": f"{two}.s2"}]
    given = known.post("tasks/assignments", HEAD, {"tasks": tasks, "to": subject_of(LAN)})
    assert statuses(given) == [(200, None), (200, None), (409, "task_not_open")]
    assert given.get_json()["items"][0]["acted"]["task"]["assignee"] == subject_of(LAN)
    assert statuses(known.post("tasks/claims", TAM, {"tasks": tasks[:1]})) == [(409, "task_claimed")]
    assert statuses(known.post("tasks/claims", LAN, {"tasks": tasks[:2]})) == [(200, None), (200, None)]
    assert statuses(known.post("tasks/claims", EXPERT, {"tasks": [{"id": f"{begin(known)}.s1"}]})) == [
        (403, "role_missing")
    ]
    elsewhere = known.post("tasks/assignments", HEAD, {"tasks": tasks[:1], "to": subject_of(ABROAD)})
    assert statuses(elsewhere) == [(422, "not_an_officer_of_the_agency")]


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], ("/tasks", "too_short")),
        ([item("x")] * 201, ("/tasks", "too_long")),
        ([{"id": "x"}], ("/tasks/0/outcome", "missing")),
        ([item("x"), item("x", version=0)], ("/tasks/1/version", "greater_than_equal")),
        ([item("x", version=10**12)], ("/tasks/0/version", "less_than")),
    ],
    ids=["none", "too many", "no outcome", "no version", "too high a version"],
)
def test_a_request_that_is_wrong_does_nothing(known: Running, tasks: Any, expected: tuple[str, str]) -> None:
    assert pointers(completions(known, tasks)) == [expected]


def test_two_hundred_of_one_dossier_end(known: Running) -> None:
    id = begin(known)
    found = statuses(completions(known, [item(f"{id}.s{n % 4 + 1}") for n in range(200)]))
    assert found[:2] == [(200, None), (200, None)]
    assert found[2] == (422, "invalid"), "the deciding step is not just completed"
