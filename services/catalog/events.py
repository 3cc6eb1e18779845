"""What catalog publishes. Each event carries the whole thing as it now is, so that a local copy needs nothing else.

Subjects and sequences: a procedure's code and its version; an agency's id and its count of changes; a calendar's year
and its count; an agency's targets for a year and their count; a list's essential service and its count.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from catalog.domain import Agency, CalendarDay, CalendarYear, Correction, Procedure, Version
from catalog.essentials.domain import EssentialService
from catalog.successions import Succession


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    """A version of a procedure is valid from its `valid_from` on. Earlier versions stay as they are; with `correction`
    it takes the place of one of them."""

    TYPE: ClassVar[str] = "catalog.procedure.published.v1"
    procedure: Procedure
    correction: Correction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureWithdrawn:
    """From `on` on, nothing is filed under the procedure any more. The withdrawal is a version too."""

    TYPE: ClassVar[str] = "catalog.procedure.withdrawn.v1"
    code: str
    version: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    TYPE: ClassVar[str] = "catalog.agency.changed.v1"
    agency: Agency


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencySucceeded:
    """From `on` on, `successors` are there in the place of `predecessors`, and `takes_over`, one of them, answers for
    what is open at them and for what is sent to their identifiers. The subject is the succession."""

    TYPE: ClassVar[str] = "catalog.agency.succeeded.v1"
    predecessors: tuple[str, ...]
    successors: tuple[str, ...]
    takes_over: str
    on: date
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanged:
    """The deviations from Monday-to-Friday of one year, as decided in `decision`, known from `known_from` on."""

    TYPE: ClassVar[str] = "catalog.calendar.changed.v1"
    year: int
    decision: str
    known_from: date
    days: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSet:
    """What the `decision` assigns to an agency for a year: indicator → percent, and as `demands` indicator → how many
    dossiers it is to receive. The subject is `<agency>/<year>`."""

    TYPE: ClassVar[str] = "catalog.target.set.v1"
    agency: str
    year: int
    decision: str
    indicators: dict[str, float]
    demands: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EssentialChanged:
    """How a service on a list of essential services stands now. The subject is `<list>/<id>`."""

    TYPE: ClassVar[str] = "catalog.essential.changed.v1"
    service: EssentialService


PUBLISHED = (
    ProcedurePublished,
    ProcedureWithdrawn,
    AgencyChanged,
    AgencySucceeded,
    CalendarChanged,
    TargetSet,
    EssentialChanged,
)


def of_version(version: Version) -> ProcedurePublished | ProcedureWithdrawn:
    """What is told of an entry of a procedure's history."""
    if version.decision is None:
        return ProcedurePublished(procedure=version.procedure, correction=version.correction)
    return ProcedureWithdrawn(code=version.code, version=version.number, on=version.valid_from)


def of_calendar(calendar: CalendarYear) -> CalendarChanged:
    """What is told of a year's calendar."""
    return CalendarChanged(
        year=calendar.year, decision=calendar.decision, known_from=calendar.known_from, days=calendar.days
    )


def of_succession(succession: Succession) -> AgencySucceeded:
    """What is told of a succession."""
    return AgencySucceeded(
        predecessors=succession.predecessors,
        successors=succession.successors,
        takes_over=succession.takes_over,
        on=succession.on,
        decision=succession.decision,
    )
