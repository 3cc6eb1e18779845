"""Lists of tasks and of dossiers, and who has how much to do."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from chassis.paging import PageQuery
from workflow.domain.processes import State
from workflow.queries.workload import Row
from workflow.schemas.fields import Identifier, Instant
from workflow.schemas.tasks import TaskView
from workflow.store.lists import Dossier, LateDossier

CodeBeginning = Annotated[
    str, StringConstraints(min_length=3, max_length=50, pattern=r"^[A-Za-z0-9.-]+$", to_upper=True)
]


class TasksQuery(PageQuery):
    """`assignee`: an officer's subject, or `me`; whoever has the task, or helps with it. `overdue`: only what is past
    its due time. `due_before`: only what is due before then. What waits in a paused dossier is in neither."""

    agency: Identifier | None = None
    role: Identifier | None = None
    assignee: Identifier | None = None
    state: Literal["open", "claimed"] | None = None
    procedure: Identifier | None = None
    kind: Literal["task", "opinion", "child"] | None = None
    overdue: bool = False
    due_before: Instant | None = None


class TaskPage(BaseModel):
    items: list[TaskView]
    next: str | None


class DossiersQuery(PageQuery):
    """`agency`: that received it or was given it. `due_before`: of those that have not ended. `q`: what its code begins
    with, three characters or more. `follower`: `me`."""

    agency: Identifier | None = None
    state: State | None = None
    due_before: Instant | None = None
    q: CodeBeginning | None = None
    follower: Literal["me"] | None = None


class DossierView(BaseModel):
    """A dossier in a list. `at`: the agencies at which it lies now."""

    id: str
    code: str
    state: State
    procedure: str
    procedure_name: str
    agency: str
    at: tuple[str, ...]
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    timing: str | None

    @classmethod
    def of(cls, dossier: Dossier) -> "DossierView":
        same = {name: getattr(dossier, name) for name in cls.model_fields if name != "at"}
        return cls(**same, at=dossier.queues)


class DossierPage(BaseModel):
    items: list[DossierView]
    next: str | None


class LateQuery(PageQuery):
    """`agency`: that the applicants wait for, the caller's own without it; who sees everything gets every agency's.
    `subtree`: also what is below it. `apology`: those with a form 04 in time instead of those without."""

    agency: Identifier | None = None
    subtree: bool = False
    apology: bool = False


class LateView(BaseModel):
    """A dossier that is late. `agency`: that the applicant waits for; `at`: the agencies at which it lies now.
    `late_from`: the due date that was missed; `due_at` is another one when it was extended after that. `apology`: form
    04 was issued in time for some due date of it."""

    id: str
    code: str
    state: State
    procedure: str
    procedure_name: str
    agency: str
    at: tuple[str, ...]
    received_at: datetime
    due_at: datetime | None
    late_from: datetime
    apology: bool

    @classmethod
    def of(cls, dossier: LateDossier) -> "LateView":
        same = {name: getattr(dossier, name) for name in cls.model_fields.keys() - {"agency", "at", "apology"}}
        return cls(**same, agency=dossier.handled_by, at=dossier.queues, apology=dossier.apologised)


class LatePage(BaseModel):
    items: list[LateView]
    next: str | None


class WorkloadQuery(PageQuery):
    """`agency`: the caller's own without it. `subtree`: also what is below it."""

    agency: Identifier | None = None
    subtree: bool = False


class WorkloadView(BaseModel):
    """What is with an officer now, and what they did lately. `officer` null: what nobody has taken.

    `open`: tasks nobody works on yet. `claimed`: tasks that somebody has. `paused`: those of both whose dossier waits
    for the applicant. `overdue`, `due_today`: those of both that are past their own due time, or will be by the end of
    the day. `done`: in the last seven days, to the minute. Helping with a colleague's task does not count.
    """

    agency: str
    officer: str | None
    name: str | None
    open: int
    claimed: int
    paused: int
    overdue: int
    due_today: int
    done: int

    @classmethod
    def of(cls, row: Row) -> "WorkloadView":
        counts = {name: getattr(row.load, name, 0) for name in ("open", "claimed", "paused", "overdue", "due_today")}
        return cls(
            agency=row.agency, officer=row.officer, name=row.name, **counts, done=row.done.done if row.done else 0
        )


class WorkloadPage(BaseModel):
    """A page holds the rows of at most `limit` agencies."""

    items: list[WorkloadView]
    next: str | None
