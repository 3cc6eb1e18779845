"""Agencies that end while they have work: it goes to who took over, whatever comes first, and is told."""

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from catalog.domain import Agency
from catalog.events import AgencySucceeded
from chassis.consume import Done, Duplicate
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE, LAND, PROVINCE
from tests.support.services import Running, another_process, local
from tests.workflow import making
from tests.workflow.test_consumer import received, versioned
from workflow import inbound
from workflow.domain import processes, successions
from workflow.domain.parts import TaskState
from workflow.domain.successions import Successions
from workflow.following import Following
from workflow.store import WorkflowStore

NEW = "H56.50.01"
DAY = date(2026, 3, 9)
"""The Monday after the week in which the tests' dossiers are received."""


def succeeded(*predecessors: str, to: str = NEW, on: date = DAY) -> bytes:
    data = AgencySucceeded(
        predecessors=predecessors, successors=(to,), takes_over=to, on=on, decision="Nghị quyết 1686"
    )
    return catalogue.event(data, f"s-{predecessors[0]}", 1)


def new_agency(id: str = NEW, **changes: Any) -> Agency:
    return catalogue.agency(id, level="commune", valid_from=DAY, **changes)


def reading(*predecessors: str, to: str = NEW, on: date = DAY) -> inbound.AgencySucceeded:
    return catalogue.as_read(inbound.AgencySucceeded, succeeded(*predecessors, to=to, on=on))


def follow(running: Running) -> None:
    """As the worker's timer does, in a process that remembers nothing."""
    with another_process(running) as fresh:
        following = Following(WorkflowStore(fresh.database, running_carrier(fresh)), fresh.clock)
        while following.agencies():
            pass


def running_carrier(running: Running) -> Any:
    from chassis.store import Carrier

    return Carrier(running.clock)


def kinds(bodies: list[bytes]) -> list[str]:
    return [json.loads(body)["type"] for body in bodies]


# -- who acts for whom


def test_who_acts_on_which_day() -> None:
    chain = Successions([reading(HERE), reading(NEW, to=ELSEWHERE, on=date(2026, 6, 1))])
    days = [date(2026, 3, 8), DAY, date(2026, 5, 31), date(2026, 6, 1)]
    assert [chain.acting(HERE, day) for day in days] == [HERE, NEW, NEW, ELSEWHERE]
    assert chain.acting("H56.99", DAY) == "H56.99"
    assert [chain.ended(day) for day in days] == [[], [HERE], [HERE], [HERE, NEW]]
    # Catalog refuses a circle; if one came all the same, nothing would hang.
    circle = Successions([reading(HERE), reading(NEW, to=HERE)])
    assert circle.acting(HERE, DAY) in (HERE, NEW)


# -- the rule


def test_open_and_waiting_tasks_go_over_and_done_ones_stay() -> None:
    process, _ = making.complete(making.started()[0], "s1", making.by(1))
    process = making.claim(process, "s2", making.by(2))
    after, said = successions.hand_on(process, Successions([reading(HERE)]), DAY, making.by(200).at)
    assert [task.agency for task in after.tasks] == [HERE, NEW, NEW, NEW]
    assert (after.queues, after.involved, after.handled_by) == ((NEW,), (NEW,), NEW)
    assert (after.agency, after.agencies) == (HERE, (HERE, NEW))
    claimed = making.task(after, "s2")
    assert (claimed.state, claimed.assignee, claimed.assignee_name) == (TaskState.OPEN, None, None)
    assert making.task(after, "s1").assignee == making.LAN
    midnight = local("2026-03-09 00:00")
    assert [(each.from_agency, each.to_agency, each.transferred_at, each.basis) for each in said] == [
        (HERE, NEW, midnight, "succession")
    ]
    entry = after.journal[-1]
    assert (entry.act, entry.at, entry.by, entry.note) == (
        "succeeded", midnight, "system:workflow", f"{HERE} → {NEW}: Nghị quyết 1686",
    )  # fmt: skip
    assert processes.first_broken_entry(after) is None
    again, more = successions.hand_on(after, Successions([reading(HERE)]), DAY, making.by(201).at)
    assert again is after
    assert more == ()


def test_nothing_goes_over_before_the_day_nor_when_all_is_done() -> None:
    process, _ = making.started()
    day_before = DAY - timedelta(days=1)
    assert successions.hand_on(process, Successions([reading(HERE)]), day_before, making.by().at) == (process, ())
    done = making.finished()
    assert successions.hand_on(done, Successions([reading(HERE)]), DAY, making.by().at) == (done, ())


def test_a_task_that_waits_elsewhere_goes_over_without_a_transfer() -> None:
    """The second and third step are the province's; while the first is open, another agency takes over from it."""
    process, _ = making.started(making.land(), 10)
    after, said = successions.hand_on(process, Successions([reading(PROVINCE)]), DAY, making.by(200).at)
    assert [task.agency for task in after.tasks] == [HERE, NEW, NEW, HERE]
    assert said == []
    assert (after.queues, after.handled_by) == ((HERE,), HERE)
    assert after.journal[-1].note == f"{PROVINCE} → {NEW}: Nghị quyết 1686"


def test_over_two_successions_at_once() -> None:
    chain = Successions([reading(HERE), reading(NEW, to=ELSEWHERE)])
    process, _ = making.started()
    after, said = successions.hand_on(process, chain, DAY, making.by(200).at)
    assert after.queues == (ELSEWHERE,)
    assert [(each.from_agency, each.to_agency) for each in said] == [(HERE, ELSEWHERE)]


# -- consumed


@pytest.fixture
def told(workflow: Running) -> Running:
    """The successor is known, and twelve dossiers are being worked on."""
    workflow.hear([catalogue.changed(new_agency())])
    workflow.hear([received(n, **versioned(1, LAND if n % 2 else BUSINESS)) for n in range(12)])
    workflow.publish()
    return workflow


def test_from_the_day_on_the_successors_officers_act_and_the_others_do_not(told: Running) -> None:
    other = replace(told.tokens.personas["officer"], agency=NEW, name="Cán bộ xã")
    told.hear([succeeded(HERE)])
    with another_process(told) as fresh:
        path, done = "tasks/d2.s1/completion", {"outcome": "completed"}
        assert fresh.post("tasks/d0.s1/completion", "officer", done).status_code == 200
        assert fresh.post(path, other, done).status_code == 404
        told.clock.set("2026-03-09 08:00")
        # No timer has run yet, and yet it is so.
        assert fresh.post(path, "officer", done).status_code == 404
        assert fresh.post(path, other, done).status_code == 200
    follow(told)
    with another_process(told) as fresh:
        assert fresh.post("tasks/d4.s1/completion", "officer", done).status_code == 404
        assert fresh.get("tasks?limit=200", "officer").get_json()["items"] == []
        assert len(fresh.get("tasks?limit=200", other).get_json()["items"]) == 12
        assert fresh.get("dossiers/d4/timeline", other).status_code == 200
        assert fresh.get("dossiers/d4/timeline", "officer").status_code == 200, "it was theirs, and they may look"


def test_each_dossier_is_handed_on_once_and_told_of_once(told: Running) -> None:
    told.hear([succeeded(HERE)])
    told.clock.set("2026-03-08 23:59")
    follow(told)
    assert told.publish() == []
    told.clock.set("2026-03-09 00:00")
    follow(told)
    events = [json.loads(body) for body in told.publish()]
    assert {event["type"] for event in events} == {"workflow.dossier.transferred.v1"}
    assert sorted(event["subject"] for event in events) == sorted(f"d{n}" for n in range(12))
    rows = told.rows("dossiers")
    follow(told)
    assert told.publish() == []
    assert told.rows("dossiers") == rows
    assert [row["queues"] for row in rows] == [[NEW]] * 12
    assert all(row["agency"] == HERE for row in rows)


def test_the_end_is_the_same_whatever_comes_first(workflow: Running) -> None:
    """News, dossiers and timers in any order: the tasks are with the successor, each was told of at most once."""
    workflow.clock.set("2026-03-09 09:00")
    dossiers = [received(n) for n in range(6)]
    news = [catalogue.changed(new_agency()), succeeded(HERE)]
    rng = random.Random(20260309)  # noqa: S311 (the same shuffles each time)
    for _ in range(6):
        for name in ("dossiers", "successions"):
            workflow.database[name].delete_many({})
        heard: list[bytes | None] = [*dossiers, *news, *dossiers[:2], succeeded(HERE), None, None]
        rng.shuffle(heard)
        for each in [*heard, None]:
            if each is None:
                follow(workflow)
            else:
                with another_process(workflow) as fresh:
                    fresh.hear([each])
        rows = workflow.rows("dossiers")
        assert [(row["queues"], row["involved"]) for row in rows] == [([NEW], [NEW])] * 6
        assert all(NEW in row["agencies"] for row in rows)
        moved = [kind for kind in kinds(workflow.publish()) if kind == "workflow.dossier.transferred.v1"]
        assert len(moved) == sum(entry["act"] == "succeeded" for row in rows for entry in row["journal"])


def test_what_is_received_after_the_day_begins_at_the_successor(workflow: Running) -> None:
    workflow.hear([catalogue.changed(new_agency(parent=ELSEWHERE)), succeeded(HERE), succeeded(ELSEWHERE, to=PROVINCE)])
    late = {"received_at": "2026-03-09T02:00:00Z", "clock_at": "2026-03-09T02:00:00Z", "due_at": "2026-03-23T02:00:00Z"}
    with another_process(workflow) as fresh:
        assert fresh.hear([received(1, **versioned(1, LAND), **late)]) == [Done()]
    (row,) = workflow.rows("dossiers")
    # The parent of the successor has ended on that day too.
    assert [task["agency"] for task in row["tasks"]] == [NEW, PROVINCE, PROVINCE, NEW]
    assert (row["agency"], row["agencies"]) == (NEW, [NEW])


def test_a_repeated_succession_is_a_duplicate(workflow: Running) -> None:
    assert workflow.hear([succeeded(HERE), succeeded(HERE), succeeded(ELSEWHERE)]) == [Done(), Duplicate(), Done()]


def test_the_timer_finds_them_by_an_index(told: Running) -> None:
    plan = told.database.command(
        {
            "explain": {"find": "dossiers", "filter": {"involved": {"$in": [HERE, ELSEWHERE]}}, "limit": 500},
            "verbosity": "queryPlanner",
        }
    )
    assert '"involved"' in json.dumps(plan["queryPlanner"]["winningPlan"], default=str)
    assert "COLLSCAN" not in json.dumps(plan["queryPlanner"]["winningPlan"], default=str)
