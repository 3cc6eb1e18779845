"""What a process shows of its deadlines: what is to be told of them and when, and since when it is late. Plain Python.

A due date is past from its very minute on; whether a dossier counts as late is by day (see `worktime.timing`), which is
told with its end and not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chassis import worktime
from workflow.domain.parts import OPEN, Alert, Extension, Pause, Task

QUIET = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """What will have to be told at `at`. `what`: the process's id or a task's; "escalating": that the due date was
    missed is told to the next agency up."""

    kind: Literal["approaching", "missed", "escalating"]
    what: str
    due_at: datetime
    at: datetime


def pending(
    process: str, near_at: datetime | None, due_at: datetime | None, tasks: Iterable[Task], alerts: Sequence[Alert]
) -> list[Pending]:
    """What was not told yet of the due times as they are now. A due date that was missed is not approaching any more,
    so that after an outage there is one word and not two."""
    told = {(each.kind, each.what, each.due_at) for each in alerts}
    found = [
        Pending("missed", task.id, task.due_at, task.due_at)
        for task in tasks
        if task.state in OPEN and task.due_at is not None and ("missed", task.id, task.due_at) not in told
    ]
    if due_at is None:
        return found
    missed = last_missed(process, due_at, alerts)
    if missed is None:
        found.append(Pending("missed", process, due_at, due_at))
        if near_at is not None and ("approaching", process, due_at) not in told:
            found.append(Pending("approaching", process, due_at, near_at))
    elif missed.escalates_at is not None:
        found.append(Pending("escalating", process, due_at, missed.escalates_at))
    return found


def look_at(waiting: Iterable[Pending], recorded_at: datetime) -> datetime | None:
    """When a timer has to tell the first of these; None: never. `recorded_at`: when the last act was entered.

    Whoever enters acts late, from paper or from an older system, has QUIET for the next one before anybody is told of a
    step that was done long ago."""
    times = (recorded_at + QUIET if each.at <= recorded_at else each.at for each in waiting)
    return min(times, default=None)


def last_missed(what: str, due_at: datetime, alerts: Sequence[Alert]) -> Alert | None:
    """The newest word about that due date having been missed."""
    return next((each for each in reversed(alerts) if (each.kind, each.what, each.due_at) == ("missed", what, due_at)),
                None)  # fmt: skip


def apologised(extensions: Iterable[Extension]) -> bool:
    """Whether form 04 was issued in time at some moment: before or on the due day that it was about."""
    return any(each.apology and in_time(each) for each in extensions)


def in_time(extension: Extension) -> bool:
    before = None if extension.moved is None else extension.moved.previous_due_at
    return before is None or worktime.local_day(extension.at) <= worktime.local_day(before)


def late_from(due_at: datetime | None, extensions: Iterable[Extension], pause: Pause | None) -> datetime | None:
    """Since when, or from when on, what has not ended is late: since the first due date after which only it was
    extended, or else from its due date on. None: it has none, or the clock stood still before that came."""
    overrun = [
        each.moved.previous_due_at
        for each in extensions
        if not in_time(each) and each.moved is not None and each.moved.previous_due_at is not None
    ]
    if overrun:
        return min(overrun)
    if due_at is None or (pause is not None and pause.begin < due_at):
        return None
    return due_at
