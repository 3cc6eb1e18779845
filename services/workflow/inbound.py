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
    """`agency`: None is the receiving agency, "@parent" its parent. `amount`, or `share` in percent of the budget.
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
class Procedure:
    """A version of a procedure, as dossiers are worked on by it."""

    code: str
    version: int
    process: Process
    result: Result
    supplement_rule: Literal["pause", "restart"] = "pause"


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
    date: date
    kind: Literal["off", "working"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierWithdrawn:
    """intake.dossier.withdrawn; `received_at` is None for a dossier that never had a process."""

    received_at: datetime | None
    withdrawn_at: datetime
