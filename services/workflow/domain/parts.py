"""What a process is made of: its tasks, the pauses and extensions of its clock, its journal's entries. Plain Python."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from chassis import worktime

Outcome = Literal["completed", "approved", "rejected"]
Spans = tuple[tuple[str, str], ...]
"""Working hours as agencies have them: (("07:00", "11:30"), ("13:30", "17:00"))."""


class TaskState(StrEnum):
    """Waiting for the steps before it, open for the agency's officers, claimed by one of them, done; or skipped, since
    its condition did not hold; or closed, since the dossier ended before it was done."""

    WAITING = "waiting"
    OPEN = "open"
    CLAIMED = "claimed"
    DONE = "done"
    SKIPPED = "skipped"
    CLOSED = "closed"


OPEN = (TaskState.OPEN, TaskState.CLAIMED)
UNDONE = (TaskState.WAITING, *OPEN)
BEHIND = (TaskState.DONE, TaskState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time that the procedure version allows."""

    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]

    def allowed(self) -> worktime.Budget:
        return worktime.Budget.parse({"amount": self.amount, "unit": self.unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A result document that a decision names, by its id; `sha256` is its file's. `kind`: the result's code."""

    id: str
    name: str
    kind: str | None
    sha256: str
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A result document that was given out with the end of the process, or in the place of another. `ended`: it is not
    in force any more since `ended_at`, for what `reason` and on what `basis`; `replaced_by`: the one in its place."""

    paper: Paper
    outcome: Literal["approved", "rejected"]
    issued_at: datetime
    ended: Literal["recalled", "replaced"] | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: str | None = None
    basis: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One step of one dossier. `id` is the dossier's id and the step's.

    It opens when all (`join` "all") or one ("any") of the steps `after` are behind it and `condition` holds (see
    `conditions`). `child`: the procedure whose own process does the step. `round`: 2 when it was returned to once.
    `assignee` and `co_handlers`, who help with it, are officers' subjects. `asker`: of an opinion that was asked for
    beside the process, the task whose officer asked the `question`; no step waits for it. `hours`: those of the
    agency that does it, in which its time runs; None: the receiving agency's. `paper`: the result document that its
    decision names."""

    id: str
    step: str
    name: str
    role: str
    agency: str
    after: tuple[str, ...]
    decision: bool
    allowed: Budget | None
    state: TaskState = TaskState.WAITING
    opened_at: datetime | None = None
    due_at: datetime | None = None
    assignee: str | None = None
    assignee_name: str | None = None
    completed_at: datetime | None = None
    outcome: Outcome | None = None
    note: str | None = None
    kind: Literal["task", "opinion", "child"] = "task"
    join: Literal["all", "any"] = "all"
    condition: dict[str, Any] | None = None
    child: str | None = None
    round: int = 1
    co_handlers: tuple[str, ...] = ()
    asker: str | None = None
    question: str | None = None
    hours: Spans | None = None
    paper: Paper | None = None

    @property
    def late(self) -> bool:
        """Done after the step's own due time."""
        return self.completed_at is not None and self.due_at is not None and self.completed_at > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a line of the ledger did to the due date when it was entered."""

    previous_due_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in [begin, end) that the clock does not count; `end` None: it lasts. `basis`: the legal basis. `moved`:
    what its end did to the due date.

    `restarts`: with its end the clock starts anew instead of going on. `number`: of requests of this kind, from 1.
    """

    kind: Literal["supplement", "fee", "other"]
    begin: datetime
    end: datetime | None = None
    basis: str
    reason: str
    restarts: bool = False
    number: int = 1
    components: tuple[str, ...] = ()
    amount: int | None = None
    until: date | None = None
    by: str = ""
    moved: Moved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More time. `apology`: form 04 was issued with it; `tasks`: the open tasks that got it too."""

    amount: Budget
    at: datetime
    basis: str
    reason: str
    apology: bool
    by: str
    tasks: tuple[str, ...] = ()
    moved: Moved | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """That a deadline comes near, or was missed, was told once. `what`: the process's id or a task's; `due_at`: the due
    time it was about, since a due date that moved gets alerts of its own. `told`: the agencies that it went to.
    `escalates_at`: when the next agency up hears of it."""

    kind: Literal["approaching", "missed"]
    what: str
    due_at: datetime
    at: datetime
    told: tuple[str, ...] = ()
    escalates_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One act. `at` is when it counts, `recorded_at` when we learnt of it; `hash` chains it to the entries before.
    `behalf`: in whose stead `by` acted."""

    act: str
    task: str | None
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str
    behalf: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoable:
    """An act that `by` may take back for some minutes, in the stead of `behalf` as it was done. `entry`: its place in
    the journal; `before`: the tasks that it changed, as they were."""

    act: Literal["claimed", "assigned", "completed", "returned"]
    task: str
    by: str
    at: datetime
    recorded_at: datetime
    entry: int
    before: tuple[Task, ...]
    behalf: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescheduling:
    """A due date that moved. `year`: of the calendar that was changed by `decision`."""

    year: int
    decision: str
    previous_due_at: datetime | None
    due_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when it counts, and when we learnt of it. `behalf`: in whose stead, by a delegation of that officer,
    who is called `behalf_name`."""

    who: str
    name: str
    at: datetime
    recorded_at: datetime
    behalf: str | None = None
    behalf_name: str = ""
