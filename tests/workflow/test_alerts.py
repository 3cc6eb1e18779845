"""Deadlines are told of: before they come, when they pass, and up the tree; each once, and not while time stands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.catalogue import HERE, PROVINCE
from tests.support.services import local
from tests.workflow import making
from workflow import events
from workflow.domain import alerts, clock, course, endings, extensions, pauses
from workflow.domain.parts import Budget, By
from workflow.domain.processes import NO_DUE, Process, with_tasks

TREE = {HERE: PROVINCE, PROVINCE: "H00", "H00": "H0"}
DAY = Budget(amount=1, unit="working_day")
OVERDUE, NEAR, MISSED = events.TaskOverdue, events.DeadlineApproaching, events.DeadlineMissed


def at(text: str, who: str = making.LAN) -> By:
    instant = local(text)
    return By(who, who.title(), instant, instant)


def tell(process: Process, now: str, tree: dict[str, str] | None = None) -> tuple[Process, Sequence[Any]]:
    return alerts.tell(process, local(now), (TREE if tree is None else tree).get, making.CALENDAR, 2)


def kinds(said: Sequence[Any]) -> list[type]:
    return [type(each) for each in said]


def waiting(amount: float | None = 3) -> Process:
    """Received on Wednesday at 09:00, due on Monday at 09:00; the open step has no time of its own."""
    process, _ = making.started(amount=amount)
    for step in ("s1", "s2"):
        process, _ = making.complete(process, step, at("2026-03-04 10:00"))
    tasks = (replace(task, due_at=None, allowed=None) if task.step == "s3" else task for task in process.tasks)
    return with_tasks(process, tuple(tasks))


def test_it_is_looked_at_when_something_is_to_be_told() -> None:
    """80 % of three days are two days and 192 minutes."""
    process, _ = making.started()
    assert process.near_at == local("2026-03-06 14:12")
    assert process.next_alert_at == making.task(process, "s1").due_at
    assert process.late_from == local("2026-03-09 09:00") == process.due_at
    assert waiting().next_alert_at == process.near_at
    assert replace(waiting(None), near_at=None).next_alert_at == NO_DUE
    assert making.finished().next_alert_at == NO_DUE
    assert making.finished().late_from is None


@pytest.mark.parametrize(("share", "near_at"), [(0.5, "2026-03-05 15:00"), (1.0, "2026-03-09 09:00")])
def test_the_share_is_of_working_time(share: float, near_at: str) -> None:
    process = replace(making.started()[0], alert_share=share)
    assert clock.near(process, making.CALENDAR) == local(near_at)


def test_the_share_is_of_the_time_with_pauses_and_extensions() -> None:
    process = waiting()
    process, _ = pauses.pause(process, "Giám định", "Luật", at("2026-03-04 14:00"))
    assert (process.next_alert_at, process.late_from) == (NO_DUE, None), "the clock stands still"
    process, _ = pauses.resume(process, "Đã có", making.CALENDAR, at("2026-03-05 14:00"))
    assert (process.due_at, process.next_alert_at) == (local("2026-03-10 09:00"), local("2026-03-09 14:12"))
    process, _ = extensions.extend(process, DAY, "Xác minh", None, False, making.CALENDAR, at("2026-03-05 15:00"))
    # 80 % of four days are three days and 96 minutes.
    assert (process.due_at, process.next_alert_at) == (local("2026-03-11 09:00"), local("2026-03-10 10:36"))
    nothing = replace(process, extensions=())
    assert clock.near(clock.redue(nothing, making.CALENDAR), making.CALENDAR) == local("2026-03-09 14:12")


def test_each_is_told_once_and_goes_up_the_tree() -> None:
    process = waiting()
    assert tell(process, "2026-03-06 14:11") == (process, [])
    process, said = tell(process, "2026-03-06 14:12")
    assert [(type(each), each.told, each.due_at) for each in said] == [(NEAR, (HERE,), process.due_at)]
    assert process.next_alert_at == process.due_at
    assert tell(process, "2026-03-09 08:59")[1] == []
    process, said = tell(process, "2026-03-09 09:00")
    assert [(type(each), each.told, each.apology) for each in said] == [(MISSED, (PROVINCE, HERE), False)]
    assert process.next_alert_at == local("2026-03-11 09:00"), "two working days later"
    assert tell(process, "2026-03-11 08:59")[1] == []
    process, said = tell(process, "2026-03-11 09:00")
    assert [(type(each), each.told) for each in said] == [(MISSED, ("H00",))]
    process, said = tell(process, "2026-03-13 09:00")
    assert [each.told for each in said] == [("H0",)]
    assert process.next_alert_at == NO_DUE, "nobody is above that one"
    assert tell(process, "2027-03-13 09:00") == (process, [])
    assert [(each.kind, each.told) for each in process.alerts] == [
        ("approaching", (HERE,)), ("missed", (PROVINCE, HERE)), ("missed", ("H00",)), ("missed", ("H0",)),
    ]  # fmt: skip


def test_after_an_outage_what_is_due_now_is_told_once_and_the_rest_waits_its_time() -> None:
    process, _ = making.started()
    process, said = tell(process, "2026-04-01 09:00")
    assert sorted(kinds(said), key=str) == [MISSED, OVERDUE]
    assert process.next_alert_at == local("2026-04-03 09:00")
    assert tell(process, "2026-04-01 09:01") == (process, [])


def test_who_enters_acts_late_has_a_minute_for_the_next_one() -> None:
    """Received and worked on weeks ago, and entered now."""
    entered = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
    process, _ = course.start(
        "d1", making.received(), making.procedure(), making.agency(), making.CALENDAR, entered
    )  # fmt: skip
    assert process.next_alert_at == entered + timedelta(minutes=1)
    second = entered + timedelta(seconds=30)
    process, _ = making.complete(process, "s1", By(making.LAN, "Lan", making.RECEIVED_AT, second))
    process, _ = making.complete(process, "s2", By(making.LAN, "Lan", making.RECEIVED_AT, second))
    assert process.next_alert_at == second + timedelta(minutes=1)


def test_a_step_that_is_overdue_is_told_to_its_agency_and_the_next_round_has_its_own() -> None:
    process, _ = making.started()
    due_at = making.task(process, "s1").due_at
    assert due_at is not None
    process, said = alerts.tell(process, due_at, TREE.get, making.CALENDAR, 2)
    assert [(type(each), each.task, each.told, each.due_at) for each in said] == [
        (OVERDUE, "d1.s1", (HERE,), due_at)
    ]  # fmt: skip
    process, _ = making.complete(process, "s1", By(making.LAN, "Lan", due_at, due_at))
    following = making.task(process, "s2")
    assert process.next_alert_at == min(following.due_at or NO_DUE, process.near_at or NO_DUE)


def test_a_due_date_that_moved_is_another_one() -> None:
    process, _ = tell(waiting(), "2026-03-09 10:00")
    process, _ = extensions.extend(process, DAY, "Xin lỗi", None, True, making.CALENDAR, at("2026-03-09 11:00"))
    # 80 % of the four days are over at 10:36 on Monday, which is behind: the word comes at once.
    process, said = tell(process, "2026-03-09 11:00")
    assert [(type(each), each.due_at) for each in said] == [(NEAR, local("2026-03-10 09:00"))]
    process, said = tell(process, "2026-03-10 09:00")
    assert [(type(each), each.told, each.apology) for each in said] == [(MISSED, (PROVINCE, HERE), True)]


def test_what_stands_still_or_has_ended_tells_nothing_and_goes_on_where_it_was() -> None:
    still, _ = pauses.pause(waiting(), "Giám định", "Luật", at("2026-03-06 09:00"))
    assert tell(still, "2026-04-01 09:00") == (still, [])
    stopped, _ = endings.stop(waiting(), "Không liên hệ được", None, making.CALENDAR, at("2026-03-06 09:00"))
    assert (tell(stopped, "2026-04-01 09:00"), stopped.next_alert_at) == ((stopped, []), NO_DUE)
    # One that was found by an index from before it ended finds no time to look at it again.
    assert tell(replace(stopped, next_alert_at=local("2026-03-06 09:00")), "2026-04-01 09:00") == (stopped, [])


def test_a_child_dossier_tells_nobody() -> None:
    child = with_tasks(replace(making.started()[0], parent="d0.s2"), making.started()[0].tasks)
    assert (child.next_alert_at, child.late_from) == (NO_DUE, None)
    assert tell(child, "2026-04-01 09:00") == (child, [])


@pytest.mark.parametrize("tree", [{}, {HERE: PROVINCE, PROVINCE: HERE}, {HERE: HERE}], ids=["none", "circle", "itself"])
def test_a_tree_that_is_not_whole_ends_the_way_up(tree: dict[str, str]) -> None:
    process, said = tell(waiting(), "2026-03-09 09:00", tree)
    assert [each.told for each in said if type(each) is MISSED] == [tuple(sorted({HERE, *tree.values()}))]
    assert process.next_alert_at == NO_DUE


def test_a_tree_that_was_cut_meanwhile_tells_nobody_and_is_not_asked_again() -> None:
    process, _ = tell(waiting(), "2026-03-09 09:00")
    process, said = tell(process, "2026-03-11 09:00", {})
    assert (said, process.next_alert_at) == ([], NO_DUE)


# -- since when it is late


def late(process: Process) -> tuple[datetime | None, bool]:
    return process.late_from, process.apologised


def test_an_extension_in_time_moves_what_is_late_and_one_after_the_due_day_does_not() -> None:
    due = local("2026-03-09 09:00")
    process = waiting()
    assert late(process) == (due, False)
    for day, apology, expected in (
        ("2026-03-09 16:00", True, (local("2026-03-10 09:00"), True)),
        ("2026-03-09 16:00", False, (local("2026-03-10 09:00"), False)),
        ("2026-03-10 08:00", True, (due, False)),
    ):
        after, _ = extensions.extend(process, DAY, "Xác minh", None, apology, making.CALENDAR, at(day))
        assert late(after) == expected, day


def test_a_pause_keeps_what_is_late_late_and_nothing_else() -> None:
    due = local("2026-03-09 09:00")
    before, _ = pauses.pause(waiting(), "Giám định", "Luật", at("2026-03-09 08:59"))
    behind, _ = pauses.pause(waiting(), "Giám định", "Luật", at("2026-03-09 09:00"))
    assert (late(before), late(behind)) == ((None, False), (due, False))
    gone = endings.withdraw(behind, datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC))
    assert late(gone) == (None, False)


def test_an_alert_is_an_event_of_its_moment() -> None:
    process, _ = tell(waiting(), "2026-03-09 09:30")
    assert process.alerts[-1].at - process.alerts[-1].due_at == timedelta(minutes=30)
