"""A dossier that its applicant withdraws: its process ends, whatever order the news come in."""

import json
from itertools import permutations
from typing import Any

import pytest

from chassis import hashchain
from chassis.consume import Done, Duplicate, Later
from chassis.store import Aggregates, Change
from tests.intake.making import body
from tests.support.catalogue import BUSINESS, LAND
from tests.support.services import Clock, Running, problem


def received(intake: Running, procedure: str = BUSINESS) -> str:
    answer = intake.post("dossiers", "counter_officer", body(channel="counter", procedure=procedure))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def withdraw(intake: Running, id: str, at: str | None = None) -> bytes:
    """The event of it."""
    who, headers = ("backdate", {"Occurred-At": at}) if at else ("counter_officer", {})
    answer = intake.post(f"dossiers/{id}/withdrawal", who, {"reason": "x"}, headers=headers)
    assert answer.status_code == 200, answer.text
    (event,) = [event for event in intake.publish() if b"dossier.withdrawn" in event]
    return event


def complete(workflow: Running, id: str, step: str, outcome: str = "completed", at: str | None = None) -> Any:
    headers = {"Occurred-At": at} if at else {}
    return workflow.post(f"tasks/{id}.{step}/completion", "backdate", {"outcome": outcome}, headers=headers)


def finish(workflow: Running, id: str, at: str | None = None) -> None:
    for step, outcome in (("s1", "completed"), ("s2", "completed"), ("s3", "approved"), ("s4", "completed")):
        answer = complete(workflow, id, step, outcome, at)
        assert answer.status_code == 200, answer.text


def shown(workflow: Running, id: str) -> dict[str, Any]:
    found: dict[str, Any] = workflow.get(f"dossiers/{id}/timeline", "officer").get_json()
    return found


def test_a_withdrawn_dossier_leaves_the_queues_and_its_tasks_close(
    intake: Running, workflow: Running, clock: Clock
) -> None:
    id = received(intake)
    workflow.hear(intake.publish())
    assert complete(workflow, id, "s1").status_code == 200
    assert workflow.post(f"tasks/{id}.s2/claim", "officer", {}).status_code == 200
    clock.move(hours=2)
    assert workflow.hear([withdraw(intake, id)]) == [Done()]
    found = shown(workflow, id)
    assert (found["state"], found["withdrawn_at"]) == ("withdrawn", "2026-03-04T04:00:00Z")
    assert [task["state"] for task in found["tasks"]] == ["done", "closed", "closed", "closed"]
    assert workflow.get("tasks", "officer").get_json()["items"] == []
    problem(complete(workflow, id, "s2"), 409, "task_not_open")
    problem(workflow.post(f"tasks/{id}.s3/claim", "officer", {}), 409, "task_not_open")
    assert [entry["act"] for entry in found["journal"]][-1] == "withdrawn"
    assert found["intact"]
    clock.move(hours=20)
    account = workflow.get(f"dossiers/{id}/clock", "officer").get_json()
    assert (account["state"], account["used"]) == ("finished", 120)
    assert account["explanation"][-1] == {
        "vi": "Người nộp rút hồ sơ lúc 11:00 04/03/2026.",
        "en": "Withdrawn by the applicant at 11:00 04/03/2026.",
    }


def test_the_same_news_again_changes_nothing(intake: Running, workflow: Running) -> None:
    id = received(intake)
    workflow.hear(intake.publish())
    event = withdraw(intake, id)
    assert workflow.hear([event, event]) == [Done(), Duplicate()]
    (row,) = workflow.rows("dossiers")
    assert workflow.hear([event]) == [Duplicate()]
    assert workflow.rows("dossiers") == [row]


def test_a_withdrawal_waits_for_the_reception_and_may_come_with_it(intake: Running, workflow: Running) -> None:
    first, second = received(intake), received(intake)
    receptions = {json.loads(event)["subject"]: event for event in intake.publish()}
    early, other = withdraw(intake, first), withdraw(intake, second)
    assert workflow.hear([early]) == [Later("process_not_here_yet")]
    assert workflow.hear([other, receptions[second]]) == [Done(), Done()]
    assert workflow.hear([receptions[first]]) == [Done()]
    assert workflow.hear([early]) == [Done()]
    assert {row["state"] for row in workflow.rows("dossiers")} == {"withdrawn"}


def test_what_was_never_received_has_no_process_to_end(intake: Running, workflow: Running) -> None:
    id = str(intake.post("dossiers", "citizen", body()).get_json()["id"])
    workflow.hear(intake.publish())
    intake.post(f"dossiers/{id}/withdrawal", "citizen", {"reason": "x"})
    assert workflow.hear(intake.publish()) == [Done()]
    assert workflow.rows("dossiers") == []


WITHDRAWN_AT = "2026-03-04T04:00:00Z"


@pytest.mark.parametrize(
    ("finished_at", "state"),
    [
        ("2026-03-04T03:59:59Z", "finished"),
        (WITHDRAWN_AT, "finished"),
        ("2026-03-04T04:00:01Z", "withdrawn"),
    ],
)
def test_of_a_withdrawal_and_an_end_the_earlier_one_counts_in_both_services(
    intake: Running, workflow: Running, clock: Clock, finished_at: str, state: str
) -> None:
    id = received(intake)
    workflow.hear(intake.publish())
    clock.move(hours=3)
    finish(workflow, id, finished_at)
    told = workflow.publish()
    assert workflow.hear([withdraw(intake, id, WITHDRAWN_AT)]) == [Done()]
    intake.hear(told)
    (process,), (dossier,) = workflow.rows("dossiers"), intake.rows("dossiers")
    assert process["state"] == state
    assert dossier["status"] == ("processed" if state == "finished" else "withdrawn")
    assert (process["finished_at"], process["outcome"]) == (dossier["finished_at"], dossier["outcome"])
    assert (process["finished_at"] is None) == (state == "withdrawn")
    assert process["journal"][-1]["act"] == ("withdrawn_too_late" if state == "finished" else "withdrawn")
    assert process["queues"] == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_any_order_of_the_news_ends_alike(
    intake: Running, workflow: Running, clock: Clock, order: tuple[int, ...]
) -> None:
    id = received(intake, LAND)
    events = intake.publish()
    clock.move(hours=1)
    events.append(withdraw(intake, id))
    other = received(intake)
    events += intake.publish()
    assert len(events) == 3
    waiting = [events[n] for n in order]
    rounds = 0
    while waiting:
        rounds += 1
        assert rounds < 5
        outcomes = [(event, workflow.hear([event])[0]) for event in waiting]
        waiting = [event for event, outcome in outcomes if isinstance(outcome, Later)]
    rows = {row["_id"]: row for row in workflow.rows("dossiers")}
    assert (rows[id]["state"], rows[other]["state"]) == ("withdrawn", "running")
    journal = rows[id]["journal"]
    fields = ("act", "task", "at", "recorded_at", "by", "note")
    chain = [({name: entry[name] for name in fields}, entry["hash"]) for entry in journal]
    assert hashchain.first_broken(chain) is None


def test_an_officer_who_acts_in_between_loses_nothing(
    intake: Running, workflow: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the consumer's reading and its writing a task is completed."""
    id = received(intake)
    workflow.hear(intake.publish())
    event = withdraw(intake, id)
    save = Aggregates.save
    overtaken: list[bool] = []

    def save_late(self: Any, changes: list[Change[Any]]) -> list[bool]:
        if not overtaken:
            overtaken.append(True)
            assert complete(workflow, id, "s1").status_code == 200
        return save(self, changes)

    monkeypatch.setattr(Aggregates, "save", save_late)
    assert workflow.hear([event]) == [Done()]
    assert [task["state"] for task in shown(workflow, id)["tasks"]] == ["done", "closed", "closed", "closed"]
