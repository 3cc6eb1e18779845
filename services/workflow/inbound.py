"""Workflow's own reading of what catalog and intake publish: only the fields that it uses."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    amount: float
    unit: Literal["working_day", "calendar_day", "hour"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`agency`: where it is done, see `domain.references`. `amount`, or `share` in percent of the budget.
    `condition`: JSON Schema over {"facts": …, "outcomes": …}. `child`: the procedure whose own process does it."""

    id: str
    name: str
    role: str
    agency: str | None
    amount: Duration | None
    share: int | None
    after: tuple[str, ...]
    decision: bool
    kind: Literal["task", "opinion", "child"] = "task"
    join: Literal["all", "any"] = "all"
    condition: dict[str, Any] | None = None
    child: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`template`: the text from which it is printed; None: it is always uploaded."""

    name: str
    code: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    counter: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A version of a procedure, as dossiers are worked on by it. `durations` None: no due date. `components` None in a
    copy that was made before they were read."""

    code: str
    version: int
    process: Process
    result: Result
    supplement_rule: Literal["pause", "restart"] = "pause"
    name: str = ""
    durations: Durations | None = None
    valid_from: date | None = None
    components: tuple[Component, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    procedure: Procedure


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: str
    name: str
    parent: str | None
    hours: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencySucceeded:
    """catalog.agency.succeeded: from `on` on, `takes_over` acts for each of the predecessors."""

    predecessors: tuple[str, ...]
    takes_over: str
    on: date
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """`name` is empty in a copy that was made before it was read."""

    date: date
    kind: Literal["off", "working"]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    """`decision` is empty in a copy that was made before it was read."""

    year: int
    days: tuple[CalendarDay, ...]
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    procedure: str
    procedure_version: int
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """Who the applicant is, and what the form says, for what is printed. `person`: the account that filed it. All but
    the name is None in what intake published before it was asked for."""

    name: str
    person: str | None = None
    identity: str | None = None
    address: str | None = None
    form: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived:
    """intake.dossier.received"""

    dimensions: Dimensions
    code: str
    procedure_name: str
    received_at: datetime
    clock_at: datetime
    budget: Duration | None
    due_at: datetime | None
    facts: dict[str, Any] = field(default_factory=dict)
    personal: Personal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn:
    """intake.dossier.withdrawn; `received_at` is None for a dossier that never had a process."""

    received_at: datetime | None
    withdrawn_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOpened:
    """workflow.child.opened"""

    task: str
    child: str
    procedure: str
    opened_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """workflow.child.ended; `task`: of its parent."""

    task: str
    child: str
    state: Literal["finished", "stopped"]
    outcome: Literal["approved", "rejected"] | None
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCalledOff:
    """workflow.child.called_off"""

    task: str
    child: str
    procedure: str
    agency: str
    called_off_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierSupplemented:
    """intake.dossier.supplemented; `code` is None when the one-stop unit had asked for it before it received the
    dossier."""

    code: str | None
    supplemented_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePaid:
    """intake.fee.paid; `requested_at`: when workflow asked for it, None for any other fee."""

    paid_at: datetime
    requested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeCancelled:
    """intake.fee.cancelled; `requested_at` as in FeePaid. `reason` is empty in what intake published before it said."""

    cancelled_at: datetime
    reason: str = ""
    requested_at: datetime | None = None
