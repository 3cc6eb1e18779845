"""The clock beside a second one that counts minute by minute (`naive_clock`), over random dossiers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random

import pytest

from chassis import worktime
from tests.workflow import making, naive_clock
from tests.workflow.naive_clock import Break, Diary, More
from workflow.domain import calendars, clock
from workflow.domain.parts import Budget, By, Extension, Pause, Spans
from workflow.domain.processes import Process

QUICK, CASES, BLOCKS = 4_000, 100_000, 20
REAL: dict[date, worktime.DayKind] = {
    date.fromisoformat(day["date"]): day["kind"]
    for year in json.loads((Path(__file__).parents[2] / "sample/province/calendar.json").read_text())["items"]
    for day in year["days"]
}
"""The days that were really decided, from 2019 on: Tết, the other holidays, and the swaps."""
DECIDED = sorted(REAL)
HOURS: tuple[Spans, ...] = (
    (("07:00", "11:30"), ("13:30", "17:00")),
    (("07:30", "12:00"), ("13:00", "16:30")),
    (("08:00", "14:00"),),
    (("07:00", "09:00"), ("09:00", "11:00"), ("14:00", "16:59")),
    (("00:00", "23:59"),),
)
PARSED = {hours: worktime.Hours.parse(hours) for hours in HOURS}
UNITS: tuple[worktime.Unit, ...] = ("working_day", "calendar_day", "hour")
AMOUNTS = {
    "hour": ("0.5", "1", "4", "8", "12.25", "40"),
    "working_day": ("0.062", "0.25", "0.5", "1", "2.5", "3", "5", "7", "15", "30"),
    "calendar_day": ("1", "2", "3", "5", "7", "10", "15", "30"),
}
OFTEN = {
    "hour": (4, 4, 4, 4, 2, 1),
    "working_day": (3, 3, 4, 6, 4, 5, 4, 2, 1, 0.3),
    "calendar_day": (4, 4, 4, 4, 3, 2, 1, 1),
}
LENGTHS = (1, 20, 60, 150, 480, 24 * 60, 2 * 24 * 60, 3 * 24 * 60 + 65, 5 * 24 * 60, 12 * 24 * 60)
TEMPLATE = making.started()[0]


@dataclass(frozen=True, slots=True)
class World:
    """A calendar, in both clocks' words."""

    calendar: worktime.Calendar
    diaries: dict[Spans, Diary]


@dataclass(frozen=True, slots=True)
class Case:
    hours: Spans
    received: datetime
    cut_off: int | None
    allowed: More
    breaks: tuple[Break, ...]
    more: tuple[More, ...]


def world(random: Random) -> World:
    """The decided days, some of them changed."""
    days = dict(REAL)
    for _ in range(random.choice((0, 3, 40))):
        day = date(2019, 1, 1) + timedelta(random.randrange(8 * 365))
        days[day] = random.choice(("off", "working"))
    for day in random.sample(sorted(days), random.choice((0, 0, 20))):
        del days[day]
    off = frozenset(day for day, kind in days.items() if kind == "off")
    made_up = frozenset(day for day, kind in days.items() if kind == "working")
    diaries = {hours: Diary(tuple((_clock(a), _clock(b)) for a, b in hours), off, made_up) for hours in HOURS}
    return World(worktime.Calendar(days.items(), {day.year for day in days}), diaries)


def case(random: Random) -> Case:
    """Mostly near a day that is no ordinary one, often at an hour at which something begins or ends."""
    hours = random.choice(HOURS)
    near = random.choice(DECIDED) if random.random() < 0.6 else date(2019, 1, 8) + timedelta(random.randrange(2900))
    received = _moment(random, near + timedelta(random.randrange(-6, 3)), hours)
    breaks = []
    begin = received
    for _ in range(random.choices((0, 1, 2, 3), (3, 4, 2, 1))[0]):
        begin += timedelta(minutes=random.choice(LENGTHS) * random.random() // 1)
        if random.random() < 0.4:
            begin = max(begin, _moment(random, begin.date(), hours))
        end = begin + timedelta(minutes=random.choice(LENGTHS))
        breaks.append(Break(begin, end, anew=random.random() < 0.2))
        # The next one begins behind it, or, as far as the clock is concerned, within it.
        begin = end if random.random() < 0.8 else begin
    return Case(
        hours,
        received,
        random.choice((None, None, 11 * 60, 15 * 60, 16 * 60 + 30)),
        _more(random),
        tuple(breaks),
        tuple(_more(random) for _ in range(random.choices((0, 1, 2), (5, 3, 1))[0])),
    )


def _moment(random: Random, day: date, hours: Spans) -> datetime:
    minute = random.randrange(naive_clock.DAY)
    if random.random() < 0.4:
        minute = min(max(_clock(random.choice(random.choice(hours))) + random.choice((-1, 0, 0, 1)), 0), 1439)
    return datetime.combine(day, time(*divmod(minute, 60)))


def _more(random: Random) -> More:
    unit = random.choice(("hour", "working_day", "working_day", "calendar_day"))
    return More(random.choices(AMOUNTS[unit], OFTEN[unit])[0], unit)


def _clock(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


# -- the same in the clock's words


def instant(moment: datetime) -> datetime:
    """Some second of that minute."""
    return (moment - timedelta(hours=7)).replace(second=moment.minute, tzinfo=UTC)


def said(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=None) + timedelta(hours=7)


@cache
def budget(more: More) -> Budget:
    return Budget(amount=float(more.amount), unit=next(each for each in UNITS if each == more.unit))


def pauses(breaks: Sequence[Break]) -> tuple[Pause, ...]:
    return tuple(
        Pause(kind="other", begin=instant(each.begin), end=instant(each.end), basis="", reason="", restarts=each.anew)
        for each in breaks
    )


def extensions(case: Case, tasks: tuple[str, ...] = ()) -> tuple[Extension, ...]:
    return tuple(
        Extension(
            amount=budget(more), at=instant(case.received + timedelta(hours=n)), tasks=tasks, basis="", reason="",
            apology=False, by="",
        )
        for n, more in enumerate(case.more)
    )  # fmt: skip


def clock_start(case: Case, world: World) -> datetime:
    """As intake computes it at the reception."""
    cut_off = None if case.cut_off is None else time(*divmod(case.cut_off, 60))
    return worktime.start_of_clock(instant(case.received), cut_off, world.calendar, PARSED[case.hours])


def process(case: Case, clock_at: datetime, task_at: datetime, task_allowed: More, task_hours: Spans) -> Process:
    """With one open task, which has the extensions too."""
    first, *_ = TEMPLATE.tasks
    task = replace(first, opened_at=instant(task_at), allowed=budget(task_allowed), hours=task_hours, due_at=None)
    return replace(
        TEMPLATE, hours=case.hours, clock_at=clock_at, budget=budget(case.allowed), due_at=None, tasks=(task,),
        pauses=pauses(case.breaks), extensions=extensions(case, (task.id,)),
    )  # fmt: skip


def test_the_clock_agrees_with_a_naive_one() -> None:
    """In the first cases of each block."""
    for block in range(BLOCKS):
        _agrees(block, QUICK // BLOCKS)


@pytest.mark.thorough
@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_clock_agrees_with_a_naive_one_in_100000_cases(block: int) -> None:
    _agrees(block, CASES // BLOCKS)


def _agrees(block: int, cases: int) -> None:
    """Each block makes the same cases every time."""
    random = Random(f"clock {block}")  # noqa: S311 (the same cases each time)
    worlds = [world(random) for _ in range(20)]
    for _ in range(cases):
        this, here = case(random), random.choice(worlds)
        diary = here.diaries[this.hours]
        expected = naive_clock.due(diary, this.received, this.cut_off, this.allowed, this.breaks, this.more)
        clock_at = clock_start(this, here)
        # Written in whatever order: acts are recorded late.
        ledger = random.sample(pauses(this.breaks), len(this.breaks)), random.sample(extensions(this), len(this.more))
        found = clock.due(clock_at, budget(this.allowed), this.hours, here.calendar, *ledger)
        assert said(found) == expected, this
        if random.random() < 0.1:
            changed_later(random, this, clock_at, random.choice(worlds))


def changed_later(random: Random, this: Case, clock_at: datetime, there: World) -> None:
    """The dossier and its open step, at an agency with other hours, follow another calendar; so does what is used."""
    diary, task_hours, task_allowed = there.diaries[this.hours], random.choice(HOURS), _more(random)
    task_at = this.received + timedelta(minutes=random.randrange(6 * naive_clock.DAY))
    running = process(this, clock_at, task_at, task_allowed, task_hours)
    by = By("system", "", clock_at, clock_at)
    after, _ = calendars.reschedule(running, 2026, "TB", there.calendar, by)
    start = said(clock_at)
    assert start is not None
    assert said(after.due_at) == naive_clock.due(diary, start, None, this.allowed, this.breaks, this.more), this
    assert said(after.tasks[0].due_at) == naive_clock.due(
        there.diaries[task_hours], task_at, None, task_allowed, this.breaks, this.more
    ), (this, task_at, task_allowed, task_hours)
    now = this.received + timedelta(minutes=random.randrange(9 * naive_clock.DAY))
    since = naive_clock.begin(diary, start, None, this.breaks)
    assert clock.used(after, instant(now), there.calendar) == naive_clock.counted(diary, since, now, this.breaks)
