"""Request bodies, query parameters and answers. What a procedure and an agency consist of is the domain's to say."""

from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation

from catalog.domain import (
    Agency,
    Alias,
    CalendarDay,
    CalendarYear,
    Component,
    Durations,
    Fee,
    FieldOfWork,
    Level,
    Procedure,
    Process,
    Result,
    ServiceLevel,
    Standing,
    Status,
    Version,
)
from catalog.store import ImportRow, Listed, StoredImport, Summary
from chassis.paging import Page, PageQuery
from chassis.web import Body

MAX_ROWS = 5_000
Word = Annotated[str, Field(max_length=200)]


# -- procedures --------------------------------------------------------------------------------------------------------


class ProcedureBody(Body):
    """A version of a procedure, in force from `valid_from` on. `agencies` empty: every one-stop agency of `levels`."""

    local_code: str | None = None
    name: str
    field: FieldOfWork
    service_level: ServiceLevel
    agencies: tuple[str, ...] = ()
    levels: tuple[Level, ...]
    applicants: tuple[Literal["citizen", "enterprise", "state_body", "organisation"], ...]
    components: tuple[Component, ...]
    durations: Durations | None = Field(description="null: the procedure has no due date")
    cut_off: str | None = Field(
        default=None, description="HH:MM; what is received later that day counts from the next working day"
    )
    supplement_rule: Literal["pause", "restart"]
    fees: tuple[Fee, ...] = ()
    process: Process
    result: Result
    essential: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None

    def procedure(self, code: str) -> Procedure:
        """The domain's procedure; its version is given when it is published."""
        return Procedure(code=code, version=0, **{name: getattr(self, name) for name in ProcedureBody.model_fields})


class ProcedureRow(ProcedureBody):
    """A procedure in an import."""

    code: str


class Withdrawal(Body):
    """Since when the procedure is withdrawn, and by whose decision."""

    on: date
    decision: Annotated[str, Field(min_length=1, max_length=500)]


class ProcedureAnswer(ProcedureBody):
    """An entry of a procedure's history. `valid_to`: where it ends, be it by itself or because the next one begins.
    `status`: that of the day that was asked for, or today's. A withdrawal shows the procedure as it was offered until
    then."""

    code: str
    version: int
    latest_version: int
    status: Status
    withdrawal: Withdrawal | None

    @classmethod
    def of(cls, version: Version, standing: Standing) -> "ProcedureAnswer":
        fields: dict[str, Any] = {name: getattr(version.procedure, name) for name in ProcedureBody.model_fields}
        fields |= {"valid_from": standing.valid_from, "valid_to": standing.valid_to}
        withdrawal = None
        if version.decision is not None:
            withdrawal = Withdrawal.model_construct(on=version.valid_from, decision=version.decision)
        return cls.model_construct(
            **fields,
            code=version.code,
            version=version.number,
            latest_version=standing.latest,
            status=standing.status,
            withdrawal=withdrawal,
        )


class ProcedureSummary(Body):
    """A procedure in a list."""

    code: str
    local_code: str | None
    name: str
    field: FieldOfWork
    service_level: ServiceLevel
    agencies: tuple[str, ...]
    levels: tuple[Level, ...]
    version: int
    status: Status
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, summary: Summary, standing: Standing) -> "ProcedureSummary":
        return cls.model_construct(
            code=summary.code,
            local_code=summary.local_code,
            name=summary.name,
            field=summary.field,
            service_level=summary.service_level,
            agencies=summary.agencies,
            levels=summary.levels,
            version=standing.number,
            status=standing.status,
            valid_from=standing.valid_from,
            valid_to=standing.valid_to,
        )


class ProcedureQuery(Body):
    """Which entry of the history."""

    on: date | None = Field(default=None, description="the version in force on this day; today if it is left out")
    version: int | None = Field(default=None, ge=1, le=1_000_000, description="this version, in force or not")


class ProceduresQuery(PageQuery):
    """Which procedures, as of today."""

    q: Word = Field(
        default="",
        description="words of the name, the field or the codes, or their beginnings; accents and đ do not matter",
    )
    field: Word | None = Field(default=None, description="the field's code")
    agency: Word | None = Field(default=None, description="what this agency offers; its identifier or an alias")
    level: Level | None = None
    status: Listed = Field(
        default="in_force", description="withdrawn: what was offered and is not any more; all: also what is not yet"
    )


class ProcedureList(Page[ProcedureSummary]):
    """Procedures by code."""


# -- agencies ----------------------------------------------------------------------------------------------------------


class AgencyBody(Body):
    """`one_stop`: it has a one-stop unit that receives dossiers. `hours`: daily working spans, local time."""

    name: str
    level: Level
    kind: Literal["people_committee", "department", "unit"]
    parent: str | None = None
    one_stop: bool
    aliases: tuple[Alias, ...] = ()
    hours: tuple[tuple[str, str], ...] = Field(description='for example [["07:00", "11:30"], ["13:30", "17:00"]]')
    email: str | None = None
    valid_from: date
    valid_to: date | None = None

    def agency(self, id: str) -> Agency:
        return Agency(id=id, **{name: getattr(self, name) for name in AgencyBody.model_fields})


class AgencyRow(AgencyBody):
    """An agency in an import."""

    id: str


class AgencyAnswer(AgencyRow):
    """An agency. `version` counts its changes."""

    version: int

    @classmethod
    def of(cls, agency: Agency, version: int) -> "AgencyAnswer":
        fields = {name: getattr(agency, name) for name in AgencyRow.model_fields}
        return cls.model_construct(**fields, version=version)


class AgencyQuery(Body):
    on: date | None = Field(
        default=None, description="of the agencies that had this alias, the one that bore it on this day"
    )


class AgenciesQuery(PageQuery):
    """Which agencies."""

    level: Level | None = None
    parent: Word | None = Field(default=None, description="those directly below this agency")
    on: date | None = Field(default=None, description="those that exist on this day; today if it is left out")


class AgencyList(Page[AgencyAnswer]):
    """Agencies by identifier."""


# -- calendars ---------------------------------------------------------------------------------------------------------


class CalendarBody(Body):
    """The deviations from Monday-to-Friday of one year, as decided in `decision`, known from `known_from` on."""

    decision: str
    known_from: date
    days: tuple[CalendarDay, ...]

    def calendar(self, year: int) -> CalendarYear:
        return CalendarYear(year=year, decision=self.decision, known_from=self.known_from, days=self.days)


class CalendarRow(CalendarBody):
    """A year's calendar in an import."""

    year: int


class CalendarAnswer(CalendarRow):
    """A year's calendar. `version` counts its changes."""

    version: int

    @classmethod
    def of(cls, calendar: CalendarYear, version: int) -> "CalendarAnswer":
        fields = {name: getattr(calendar, name) for name in CalendarRow.model_fields}
        return cls.model_construct(**fields, version=version)


# -- imports -----------------------------------------------------------------------------------------------------------


class ImportBody(Body):
    """A catalogue, or a part of one. Every row is read by itself, so that a bad one spoils only itself."""

    procedures: Annotated[list[SkipValidation[ProcedureRow]], Field(default=[], max_length=MAX_ROWS)]
    agencies: Annotated[list[SkipValidation[AgencyRow]], Field(default=[], max_length=MAX_ROWS)]
    calendars: Annotated[list[SkipValidation[CalendarRow]], Field(default=[], max_length=200)]
    dry_run: bool = Field(default=False, description="says what would happen, and changes nothing")


class ImportAnswer(Body):
    """What became of an import, row by row: accepted (it would be, in a dry run), unchanged, or rejected."""

    id: str
    state: Literal["done"]
    dry_run: bool
    total: int
    accepted: int
    rejected: int
    unchanged: int
    rows: tuple[ImportRow, ...]

    @classmethod
    def of(cls, done: StoredImport) -> "ImportAnswer":
        counts = Counter(row.status for row in done.rows)
        return cls.model_construct(
            id=done.id,
            state="done",
            dry_run=done.dry_run,
            total=len(done.rows),
            accepted=counts["accepted"],
            rejected=counts["rejected"],
            unchanged=counts["unchanged"],
            rows=done.rows,
        )
