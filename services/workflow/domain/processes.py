"""A dossier's way through its procedure's process: the aggregate and its journal. Plain Python.

The due date is never stored bare: it is what the budget, counted from the clock's start in the agency's hours and the
calendar, without the pauses and with the extensions, gives (`clock.due`), and `clock` explains it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from chassis import hashchain
from chassis.errors import WrongState
from chassis.evolving import replace
from workflow.domain import asked, deadlines, listing
from workflow.domain.parts import (
    OPEN,
    UNDONE,
    Alert,
    Budget,
    By,
    Entry,
    Extension,
    Issued,
    Pause,
    Rescheduling,
    Task,
    Undoable,
)
from workflow.inbound import Personal

NO_DUE = datetime(9999, 12, 31, tzinfo=UTC)
"""Sorts tasks without a due time behind all others."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
SYSTEM = "system:workflow"
ALERT_SHARE = 0.8


class State(StrEnum):
    """Of a process: it runs, with pauses, until its last step is done, it is stopped, or the applicant withdraws the
    dossier."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


class NotRunning(WrongState):
    code = "not_running"
    title = "Hồ sơ đang tạm dừng hoặc đã kết thúc xử lý"


@dataclass(frozen=True, kw_only=True)
class Process:
    """A dossier being worked on. `agencies`: whose officers may see it. `queues`: agencies with an open task;
    `lists`: the lists of tasks that it is on (see `listing`); `worked_at`: when a task of it was done last;
    `next_due_at`: the earliest due time of an open task (lists are sorted by it). `clock_at`: when the clock
    started. `promised_due_at`: what the receipt says, None in a process from before that was kept. `handled_by`: the
    receiving agency, or who took over from it. While it runs, `involved` are that one and the agencies of what is not
    done, and `last_due_at` is the latest of its due date and its open tasks'.
    `near_at`: when `alert_share` of its time is used and it is told that the due date comes near; `next_alert_at`:
    when a timer has to look at it again; `late_from`: since when, or from when on, it is late, None once it has ended
    (a child dossier is never told of, and never late). `apologised`: form 04 was issued in time. `facts`: what its
    conditions ask for, from the form.
    `parent`: of a child dossier, the task that it does; `lineage`: the procedures of the dossiers above it, the
    outermost first. `lapses_at`: the earliest due time of an open opinion. `followers`: officers' subjects. `undoable`:
    the newest acts that may be taken back, none once it has ended. `personal`:
    of the applicant, for what is printed; no event, list or log has it. `results`: what was given out, the oldest
    first."""

    id: str
    state: State
    code: str
    procedure: str
    procedure_version: int
    procedure_name: str
    result_name: str
    agency: str
    agencies: tuple[str, ...]
    hours: tuple[tuple[str, str], ...]
    received_at: datetime
    clock_at: datetime
    budget: Budget | None
    due_at: datetime | None
    promised_due_at: datetime | None = None
    tasks: tuple[Task, ...]
    queues: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    worked_at: datetime | None = None
    next_due_at: datetime = NO_DUE
    outcome: Literal["approved", "rejected"] | None = None
    finished_at: datetime | None = None
    timing: Literal["early", "on_time", "late"] | None = None
    withdrawn_at: datetime | None = None
    handled_by: str = ""
    involved: tuple[str, ...] = ()
    last_due_at: datetime | None = None
    reschedulings: tuple[Rescheduling, ...] = ()
    stopped_at: datetime | None = None
    supplement_rule: Literal["pause", "restart"] = "pause"
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()
    alerts: tuple[Alert, ...] = ()
    alert_share: float = ALERT_SHARE
    near_at: datetime | None = None
    next_alert_at: datetime = NO_DUE
    late_from: datetime | None = None
    apologised: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    lineage: tuple[str, ...] = ()
    lapses_at: datetime | None = None
    followers: tuple[str, ...] = ()
    undoable: tuple[Undoable, ...] = ()
    personal: Personal | None = None
    results: tuple[Issued, ...] = ()
    journal: tuple[Entry, ...] = ()

    @property
    def pause(self) -> Pause | None:
        """The one that lasts."""
        return self.pauses[-1] if self.pauses and self.pauses[-1].end is None else None

    @property
    def steps(self) -> tuple[Task, ...]:
        """The tasks without the opinions that were asked for beside the process."""
        return tuple(task for task in self.tasks if task.asker is None)

    def task(self, id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == id), None)


class AlreadyEnded(WrongState):
    code = "already_ended"
    title = "Hồ sơ đã kết thúc xử lý"


Turn = tuple[Process, Sequence[Any]]
"""A process's new state, and the events that say so."""


def require_running(process: Process) -> None:
    if process.state is not State.RUNNING:
        raise NotRunning(f"the process is {process.state}")


def require_not_ended(process: Process) -> None:
    if process.state not in (State.RUNNING, State.PAUSED):
        raise AlreadyEnded(f"the process is {process.state}")


def with_task(process: Process, changed: Task) -> Process:
    return with_tasks(process, tuple(changed if task.id == changed.id else task for task in process.tasks))


def with_tasks(process: Process, tasks: tuple[Task, ...]) -> Process:
    tasks = asked.closed(tasks)
    open_tasks = [task for task in tasks if task.state in OPEN]
    dues = [task.due_at for task in open_tasks if task.due_at is not None]
    left = {task.agency for task in tasks if task.state in UNDONE}
    watched = left if process.parent is None else set[str]()
    waiting: list[deadlines.Pending] = []
    if watched and process.state is State.RUNNING:
        waiting = deadlines.pending(process.id, process.near_at, process.due_at, tasks, process.alerts)
    return replace(
        process,
        tasks=tasks,
        queues=tuple(sorted({task.agency for task in open_tasks})),
        lists=listing.keys(process.procedure, open_tasks),
        worked_at=max((task.completed_at for task in tasks if task.completed_at is not None), default=None),
        # While the clock stands still nothing is overdue.
        next_due_at=NO_DUE if process.state is State.PAUSED else min(dues, default=NO_DUE),
        involved=tuple(sorted({*left, process.handled_by or process.agency})) if left else (),
        last_due_at=max((*dues, process.due_at) if process.due_at else dues, default=None) if left else None,
        undoable=process.undoable if left else (),
        lapses_at=asked.lapses_at(tasks),
        near_at=process.near_at if left else None,
        next_alert_at=deadlines.look_at(waiting, process.journal[-1].recorded_at if process.journal else NEVER)
        or NO_DUE,
        late_from=deadlines.late_from(process.due_at, process.extensions, process.pause) if watched else None,
        apologised=deadlines.apologised(process.extensions),
    )


def ended_at(process: Process) -> datetime | None:
    """When the clock stopped for good."""
    ends = {State.WITHDRAWN: process.withdrawn_at, State.STOPPED: process.stopped_at}
    return ends.get(process.state, process.finished_at)


# -- the journal -------------------------------------------------------------------------------------------------------


def noted(process: Process, act: str, task: str | None, by: By, note: str | None) -> Process:
    return replace(process, journal=continued(process.journal, act, task, by, note))


def continued(journal: tuple[Entry, ...], act: str, task: str | None, by: By, note: str | None) -> tuple[Entry, ...]:
    """The journal with one more entry."""
    previous = journal[-1].hash if journal else None
    entry = Entry(
        act=act, task=task, at=by.at, recorded_at=by.recorded_at, by=by.who, note=note, hash="", behalf=by.behalf
    )
    return (*journal, replace(entry, hash=hashchain.link(previous, _content(entry))))


class Journalled(Protocol):
    @property
    def journal(self) -> tuple[Entry, ...]: ...


def first_broken_entry(of: Journalled) -> int | None:
    """The index of the first journal entry that was changed, or None when all are as they were written."""
    return hashchain.first_broken((_content(entry), entry.hash) for entry in of.journal)


def _content(entry: Entry) -> dict[str, Any]:
    content = {name: getattr(entry, name) for name in ("act", "task", "at", "recorded_at", "by", "note")}
    # What an entry does not say is not in its hash, so that entries from before there were delegations still hold.
    return content if entry.behalf is None else {**content, "behalf": entry.behalf}
