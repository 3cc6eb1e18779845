"""A calendar that changes moves the due dates that it touches, says which and why, and leaves the others alone."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from catalog.domain import CalendarDay
from chassis import worktime
from chassis.store import Carrier
from tests.support import catalogue
from tests.support.catalogue import HERE
from tests.support.services import Running, another_process, local
from tests.workflow import making
from tests.workflow.test_consumer import received
from workflow import following, inbound
from workflow.domain import calendars, course, processes, settlings
from workflow.following import Following
from workflow.store import WorkflowStore

BEFORE = [CalendarDay(date=date(2026, 3, 7), kind="working", name="Làm bù")]
FRIDAY_OFF = [*BEFORE, CalendarDay(date=date(2026, 3, 6), kind="off", name="Nghỉ")]
OFF = worktime.Calendar([(date(2026, 3, 6), "off")], [2026])


# -- the rule


def test_the_due_date_and_the_open_tasks_move() -> None:
    """Received on Wednesday at 09:00 with three working days: Monday at 09:00; with Friday off, Tuesday."""
    process, _ = making.started()
    process, _ = making.complete(process, "s1", making.by(24))
    after, said = calendars.reschedule(process, 2026, "TB 12", OFF, making.by(25))
    assert (process.due_at, after.due_at) == (local("2026-03-09 09:00"), local("2026-03-10 09:00"))
    assert making.task(after, "s2").due_at == local("2026-03-09 15:00")
    assert (after.next_due_at, after.last_due_at) == (local("2026-03-09 15:00"), local("2026-03-10 09:00"))
    assert making.task(after, "s1") == making.task(process, "s1")
    assert [(each.previous_due_at, each.due_at, each.basis) for each in said] == [
        (local("2026-03-09 09:00"), local("2026-03-10 09:00"), "TB 12")
    ]
    (moved,) = after.reschedulings
    assert (moved.year, moved.decision, moved.due_at) == (2026, "TB 12", after.due_at)
    assert (after.journal[-1].act, after.journal[-1].by) == ("rescheduled", making.LAN)
    assert "TB 12" in (after.journal[-1].note or "")
    assert processes.first_broken_entry(after) is None
    assert calendars.reschedule(after, 2026, "TB 12", OFF, making.by(26)) == (after, ())
    back, more = calendars.reschedule(after, 2026, "TB 13", making.CALENDAR, making.by(27))
    assert (back.due_at, len(back.reschedulings), len(more)) == (process.due_at, 2, 1)


def test_what_has_no_due_date_or_is_over_stays() -> None:
    none, _ = making.started(amount=None)
    after, said = calendars.reschedule(none, 2026, "TB 12", OFF, making.by(1))
    assert (after.due_at, said) == (None, ())
    done = making.finished()
    assert calendars.reschedule(done, 2026, "TB 12", OFF, making.by(1)) == (done, ())


def test_a_promise_by_another_calendar_is_told() -> None:
    process, (started, moved, *_) = course.start(
        "d1", making.received(), making.procedure(), making.agency(), OFF, making.by().at, str, {2026: "TB 12"}
    )
    assert (started.due_at, moved.due_at) == (process.due_at, process.due_at)
    assert (moved.previous_due_at, moved.basis) == (making.received().due_at, "TB 12")
    assert [each.decision for each in process.reschedulings] == ["TB 12"]


def day(text: str, kind: Any = "off") -> inbound.CalendarDay:
    return inbound.CalendarDay(date=date.fromisoformat(text), kind=kind)


def test_a_day_that_was_changed_back_is_still_looked_at() -> None:
    """Some dossiers may have followed the version in between."""

    def year(*days: inbound.CalendarDay) -> inbound.CalendarChanged:
        return inbound.CalendarChanged(year=2026, days=days)

    first = settlings.settled(settlings.seen(None, year(), 1, making.by().at))
    second = settlings.seen(first, year(day("2026-03-06"), day("2026-03-08")), 2, making.by().at)
    assert second.pending == (date(2026, 3, 6),), "the eighth is a Sunday"
    third = settlings.seen(second, year(), 3, making.by().at)
    assert third.pending == (date(2026, 3, 6),)
    assert settlings.settled(third).pending == ()
    begin, end = settlings.span([date(2026, 3, 6), date(2026, 3, 2)])
    assert (begin, end) == (local("2026-03-02 00:00"), local("2026-03-07 00:00"))


# -- on a calendar's news


def follow(running: Running, rounds: int | None = None) -> None:
    """As the worker's timer does in a process that remembers nothing: to the end, or so many rounds of it."""
    with another_process(running) as fresh:
        one = Following(WorkflowStore(fresh.database, Carrier(fresh.clock)), fresh.clock)
        done = 0
        while done != rounds and one.calendars():
            done += 1


@pytest.fixture
def settled(workflow: Running) -> Running:
    """Thirty dossiers: ten received in the week of the changed day, ten that end before it, ten that begin after it."""
    workflow.hear([catalogue.calendar(2026, BEFORE, 2)])
    with another_process(workflow) as fresh:
        for n in range(30):
            start = local(("2026-03-04 09:00", "2026-03-02 09:00", "2026-03-09 09:00")[n // 10])
            amount = 1 if n // 10 == 1 else 3
            budget = {"amount": amount, "unit": "working_day"}
            calendar = worktime.Calendar([(each.date, each.kind) for each in BEFORE], [2026])
            hours = worktime.Hours.parse(catalogue.OFFICE)
            due = worktime.due(start, worktime.Budget(amount, "working_day"), calendar, hours)
            assert due is not None
            times = {"received_at": start.isoformat(), "clock_at": start.isoformat(), "due_at": due.isoformat()}
            fresh.hear([received(n, budget=budget, **times)])
    follow(workflow)
    workflow.clock.move(seconds=11)
    follow(workflow)
    assert workflow.database["dossiers"].count_documents({"reschedulings": {"$ne": []}}) == 0
    workflow.publish()
    return workflow


def moved(running: Running) -> list[str]:
    """The dossiers of which a rescheduling is told, each as often as it is."""
    events = [json.loads(body) for body in running.publish()]
    return sorted(event["subject"] for event in events if event["type"] == "workflow.dossier.rescheduled.v1")


def test_those_that_the_changed_day_touches_move_once(settled: Running) -> None:
    settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
    follow(settled)
    assert moved(settled) == sorted(f"d{n}" for n in range(10))
    rows = {row["_id"]: row for row in settled.rows("dossiers")}
    assert {rows[f"d{n}"]["due_at"] for n in range(10)} == {local("2026-03-09 09:00")}
    decisions = [each["decision"] for row in rows.values() for each in row["reschedulings"]]
    assert decisions == ["Thông báo 3/TB"] * 10
    settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
    follow(settled)
    settled.clock.move(seconds=11)
    follow(settled)
    assert moved(settled) == []
    # And back again, by a third decision.
    settled.hear([catalogue.calendar(2026, BEFORE, 4)])
    follow(settled)
    assert len(moved(settled)) == 10


def test_it_goes_on_after_a_kill_in_the_middle(settled: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 3)
    settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
    follow(settled, 2)
    first = moved(settled)
    assert len(first) == 3
    follow(settled)
    assert sorted([*first, *moved(settled)]) == sorted(f"d{n}" for n in range(10))


def test_what_still_began_by_the_calendar_before_is_met_by_a_later_pass(settled: Running) -> None:
    with another_process(settled) as slow:
        slow.hear([received(40)])
        settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
        follow(settled)
        slow.hear([received(41, budget={"amount": 3, "unit": "working_day"}, due_at="2026-03-07T02:00:00Z")])
    settled.clock.move(seconds=5)
    follow(settled)
    assert "d41" in moved(settled)


def test_an_officers_act_at_the_same_moment_is_not_lost(settled: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
    one = WorkflowStore(settled.database, Carrier(settled.clock))
    save = one.processes.save

    def overtaken(changes: Any) -> list[bool]:
        monkeypatch.undo()
        settled.clock.set("2026-03-04 10:00")
        assert settled.post("tasks/d0.s1/completion", "officer", {"outcome": "completed"}).status_code == 200
        return save(changes)

    monkeypatch.setattr(one.processes, "save", overtaken)
    timer = Following(one, settled.clock)
    while timer.calendars():
        pass
    assert len(moved(settled)) == 9
    follow(settled)
    assert moved(settled) == ["d0"]
    (row,) = [row for row in settled.rows("dossiers") if row["_id"] == "d0"]
    assert row["tasks"][0]["state"] == "done"


def test_which_were_moved_is_listed_for_those_who_may_see_them(settled: Running) -> None:
    settled.hear([catalogue.calendar(2026, FRIDAY_OFF, 3)])
    follow(settled)
    first = settled.get("reschedulings?year=2026&limit=4", "officer").get_json()
    items, following_page = first["items"], first["next"]
    while following_page:
        page = settled.get(f"reschedulings?year=2026&limit=4&cursor={following_page}", "officer").get_json()
        items, following_page = [*items, *page["items"]], page["next"]
    assert sorted(each["dossier"] for each in items) == sorted(f"d{n}" for n in range(10))
    assert items[0]["decision"] == "Thông báo 3/TB"
    assert (items[0]["previous_due_at"], items[0]["due_at"]) == ("2026-03-07T02:00:00Z", "2026-03-09T02:00:00Z")
    assert items[0]["agency"] == HERE
    assert settled.get("reschedulings?year=2025", "officer").get_json() == {"items": [], "next": None}
    assert settled.get("reschedulings?year=2026", "other_officer").get_json()["items"] == []
    assert len(settled.get("reschedulings?year=2026", "leader").get_json()["items"]) == 10
    assert settled.get("reschedulings?year=2026", "citizen").status_code == 403
    assert settled.get("reschedulings?year=2026").status_code == 401
    assert settled.get("reschedulings", "officer").status_code == 422
    assert settled.get("reschedulings?year=99999", "officer").status_code == 422


def test_the_timer_and_the_list_use_their_indexes(settled: Running) -> None:
    def plan(wanted: dict[str, Any], sort: dict[str, int]) -> str:
        find = {"find": "dossiers", "filter": wanted, "sort": sort, "limit": 500}
        found = settled.database.command({"explain": find, "verbosity": "queryPlanner"})
        return json.dumps(found["queryPlanner"]["winningPlan"], default=str)

    begin = local("2026-03-06 00:00")
    touched = {"queues": {"$gt": ""}, "last_due_at": {"$gte": begin}, "clock_at": {"$lt": begin + timedelta(days=1)}}
    found = plan(touched, {"last_due_at": 1, "_id": 1})
    assert '"last_due"' in found
    assert "SORT" not in found.replace("SORT_KEY", "")
    found = plan({"reschedulings.year": 2026, "_id": {"$gt": ""}}, {"_id": 1})
    assert '"rescheduled"' in found
