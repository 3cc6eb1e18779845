"""What catalog publishes. Each event carries the whole thing as it now is, so that a local copy needs nothing else.

Subjects and sequences: a procedure's code and its version; an agency's id and its count of changes; a calendar's year
and its count.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from catalog.domain import Agency, CalendarDay, CalendarYear, Procedure, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedurePublished:
    """A version of a procedure is valid from its `valid_from` on. Earlier versions stay as they are."""

    TYPE: ClassVar[str] = "catalog.procedure.published.v1"
    procedure: Procedure


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
class CalendarChanged:
    """The deviations from Monday-to-Friday of one year, as decided in `decision`, known from `known_from` on."""

    TYPE: ClassVar[str] = "catalog.calendar.changed.v1"
    year: int
    decision: str
    known_from: date
    days: tuple[CalendarDay, ...]


PUBLISHED = (ProcedurePublished, ProcedureWithdrawn, AgencyChanged, CalendarChanged)


def of_version(version: Version) -> ProcedurePublished | ProcedureWithdrawn:
    """What is told of an entry of a procedure's history."""
    if version.decision is None:
        return ProcedurePublished(procedure=version.procedure)
    return ProcedureWithdrawn(code=version.code, version=version.number, on=version.valid_from)


def of_calendar(calendar: CalendarYear) -> CalendarChanged:
    """What is told of a year's calendar."""
    return CalendarChanged(
        year=calendar.year, decision=calendar.decision, known_from=calendar.known_from, days=calendar.days
    )
