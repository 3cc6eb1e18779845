"""Request bodies, query parameters and answers. What a procedure and an agency consist of is the domain's to say."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from catalog.calendars import CalendarVersion, DayChange
from catalog.domain import (
    Agency,
    Alias,
    CalendarDay,
    CalendarYear,
    Component,
    Correction,
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
from catalog.forms import Form
from catalog.store import Listed, StoredSuccession, Summary
from catalog.successions import Succession
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
    form: Form | None = Field(
        default=None,
        description="JSON Schema (2020-12) of the object that the applicant fills in, at most 200 kB, with no `$id` "
        "and only `$ref`s within itself; null: there is nothing to fill in",
    )
    valid_from: date
    valid_to: date | None = None

    def procedure(self, code: str) -> Procedure:
        """The domain's procedure; its version is given when it is published."""
        return Procedure(code=code, version=0, **{name: getattr(self, name) for name in ProcedureBody.model_fields})


class Publication(ProcedureBody):
    """A version to be published."""

    correction: Correction | None = Field(
        default=None,
        description="takes the place of the latest version, `of`, from that version's first day on; dossiers that were "
        "filed under it keep it",
    )


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
    then. `review`: the campaign whose decision made this version."""

    code: str
    version: int
    latest_version: int
    status: Status
    withdrawal: Withdrawal | None
    correction: Correction | None
    review: str | None

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
            correction=version.correction,
            review=version.review,
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
    """Which procedures, as of today or of another day."""

    on: date | None = Field(default=None, description="the catalogue of this day; today's if it is left out")

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
    inherited_levels: tuple[Level, ...] = Field(
        default=(), description="levels of agencies that it took over from: it offers their procedures besides its own"
    )

    def agency(self, id: str) -> Agency:
        return Agency(id=id, **{name: getattr(self, name) for name in AgencyBody.model_fields})


class AgencyRow(AgencyBody):
    """An agency in an import."""

    id: str


class AgencyAnswer(AgencyRow):
    """An agency. `version` counts its changes; `succeeded_by`: who takes over from it when it ends."""

    version: int
    succeeded_by: str | None

    @classmethod
    def of(cls, agency: Agency, version: int, succession: Succession | None = None) -> "AgencyAnswer":
        fields = {name: getattr(agency, name) for name in AgencyRow.model_fields}
        successor = None if succession is None else succession.takes_over
        return cls.model_construct(**fields, version=version, succeeded_by=successor)


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


# -- successions -------------------------------------------------------------------------------------------------------

Decision = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Members = Annotated[tuple[Word, ...], Field(min_length=1, max_length=1_000)]


class SuccessionBody(Body):
    """From `on` on, `successors` are there in the place of `predecessors`. All of them must be known, the former in
    force until that day, the latter on it."""

    predecessors: Members
    successors: Members
    takes_over: Word | None = Field(
        default=None, description="the successor that takes over what is open; needed when there are several"
    )
    on: date
    decision: Decision

    def succession(self) -> Succession:
        """The domain's succession. Without `takes_over` it is the only successor."""
        takes_over = self.takes_over
        if takes_over is None:
            takes_over = self.successors[0] if len(self.successors) == 1 else ""
        return Succession(
            predecessors=self.predecessors,
            successors=self.successors,
            takes_over=takes_over,
            on=self.on,
            decision=self.decision,
        )


class SuccessionAnswer(Body):
    """A succession, as it was decided."""

    id: str
    predecessors: tuple[str, ...]
    successors: tuple[str, ...]
    takes_over: str
    on: date
    decision: str

    @classmethod
    def of(cls, stored: StoredSuccession) -> "SuccessionAnswer":
        names = [name for name in cls.model_fields if name != "id"]
        return cls.model_construct(id=stored.id, **{name: getattr(stored.succession, name) for name in names})


class SuccessionsQuery(PageQuery):
    """Which successions."""

    agency: Word | None = Field(default=None, description="those of which this agency is a predecessor or a successor")


class SuccessionList(Page[SuccessionAnswer]):
    """Successions, the latest day first."""


class SuccessionRow(Body):
    """A succession in a file."""

    predecessors: Members
    successors: Members
    takes_over: Word | None = None


class ReorganisationFile(Body):
    """A reorganisation: the agencies that it makes, and who takes over from whom on the day `on`, by `decision`."""

    on: date
    decision: Decision
    agencies: Annotated[tuple[AgencyRow, ...], Field(max_length=5_000)] = ()
    successions: Annotated[tuple[SuccessionRow, ...], Field(min_length=1, max_length=5_000)]

    def made(self) -> list[Agency]:
        return [row.agency(row.id) for row in self.agencies]

    def all(self) -> list[Succession]:
        return [
            SuccessionBody(**row.model_dump(), on=self.on, decision=self.decision).succession()
            for row in self.successions
        ]


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


class CalendarPut(CalendarBody):
    """What a decision makes of a year's calendar."""

    dry_run: bool = Field(default=False, description="says which days would change, and changes nothing")


class CalendarAnswer(CalendarRow):
    """A year's calendar. `version` counts its changes."""

    version: int

    @classmethod
    def of(cls, calendar: CalendarYear, version: int) -> "CalendarAnswer":
        fields = {name: getattr(calendar, name) for name in CalendarRow.model_fields}
        return cls.model_construct(**fields, version=version)


class CalendarChange(CalendarAnswer):
    """A year's calendar after a decision, and the days on which work begins or ends by it. In a dry run `version` is
    that of the calendar that still counts, 0 without one."""

    dry_run: bool
    days_changed: int
    changes: tuple[DayChange, ...]

    @classmethod
    def told(
        cls, calendar: CalendarYear, version: int, changes: Sequence[DayChange], *, dry_run: bool
    ) -> "CalendarChange":
        fields = {name: getattr(calendar, name) for name in CalendarRow.model_fields}
        return cls.model_construct(
            **fields, version=version, dry_run=dry_run, days_changed=len(changes), changes=tuple(changes)
        )


class CalendarVersionView(CalendarBody):
    """A version of a year's calendar; `changed_at`: when it was entered."""

    version: int
    changed_at: datetime

    @classmethod
    def of(cls, version: CalendarVersion) -> "CalendarVersionView":
        same = {name: getattr(version, name) for name in (*CalendarBody.model_fields, "changed_at")}
        return cls.model_construct(version=version.number, **same)


class CalendarHistory(Page[CalendarVersionView]):
    """Every version of a year's calendar, the first one first."""
