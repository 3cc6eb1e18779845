"""A dossier's way through its procedure's process: the aggregate and its journal. Plain Python.

The due date is never stored bare: it is what the budget, counted from the clock's start in the agency's hours and the
calendar, without the pauses and with the extensions, gives (`clock.due`), and `clock` explains it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from chassis import hashchain
from chassis.errors import WrongState
from workflow.domain.parts import OPEN, UNDONE, Alert, Budget, By, Entry, Extension, Pause, Rescheduling, Task

NO_DUE = datetime(9999, 12, 31, tzinfo=UTC)
"""Sorts tasks without a due time behind all others."""
SYSTEM = "system:workflow"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A dossier being worked on. `agencies`: whose officers may see it. `queues`: agencies with an open task;
    `next_due_at`: the earliest due time of an open task (lists are sorted by it). `clock_at`: when the clock
    started. `handled_by`: the receiving agency, or who took over from it. While it runs, `involved` are that one and
    the agencies of what is not done, and `last_due_at` is the latest of its due date and its open tasks'.
    `next_alert_at`: when a timer has to look at it again. `facts`: what its conditions ask for, from the form."""

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
    tasks: tuple[Task, ...]
    queues: tuple[str, ...] = ()
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
    next_alert_at: datetime = NO_DUE
    facts: dict[str, Any] = field(default_factory=dict)
    journal: tuple[Entry, ...] = ()

    @property
    def pause(self) -> Pause | None:
        """The one that lasts."""
        return self.pauses[-1] if self.pauses and self.pauses[-1].end is None else None

    def task(self, id: str) -> Task | None:
        return next((task for task in self.tasks if task.id == id), None)


Turn = tuple[Process, Sequence[Any]]
"""A process's new state, and the events that say so."""


def require_running(process: Process) -> None:
    if process.state is not State.RUNNING:
        raise NotRunning(f"the process is {process.state}")


def with_task(process: Process, changed: Task) -> Process:
    return with_tasks(process, tuple(changed if task.id == changed.id else task for task in process.tasks))


def with_tasks(process: Process, tasks: tuple[Task, ...]) -> Process:
    open_tasks = [task for task in tasks if task.state in OPEN]
    dues = [task.due_at for task in open_tasks if task.due_at is not None]
    left = {task.agency for task in tasks if task.state in UNDONE}
    return replace(
        process,
        tasks=tasks,
        queues=tuple(sorted({task.agency for task in open_tasks})),
        next_due_at=min(dues, default=NO_DUE),
        involved=tuple(sorted({*left, process.handled_by or process.agency})) if left else (),
        last_due_at=max((*dues, process.due_at) if process.due_at else dues, default=None) if left else None,
    )


def ended_at(process: Process) -> datetime | None:
    """When the clock stopped for good."""
    return process.withdrawn_at if process.state is State.WITHDRAWN else process.finished_at


# -- the journal -------------------------------------------------------------------------------------------------------


def noted(process: Process, act: str, task: str | None, by: By, note: str | None) -> Process:
    previous = process.journal[-1].hash if process.journal else None
    entry = Entry(act=act, task=task, at=by.at, recorded_at=by.recorded_at, by=by.who, note=note, hash="")
    return replace(process, journal=(*process.journal, replace(entry, hash=hashchain.link(previous, _content(entry)))))


def first_broken_entry(process: Process) -> int | None:
    """The index of the first journal entry that was changed, or None when all are as they were written."""
    return hashchain.first_broken((_content(entry), entry.hash) for entry in process.journal)


def _content(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("act", "task", "at", "recorded_at", "by", "note")}
