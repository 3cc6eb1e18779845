"""What a province offers: procedures as immutable versions, agencies as a tree, working calendars. Plain Python.

Words and codes: Nghị định 118/2025/NĐ-CP, Thông tư 03/2025/TT-VPCP, Nghị định 42/2022/NĐ-CP (service levels).
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from chassis.errors import FieldError, Invalid, NotFound, WrongState
from chassis.worktime import MINUTES_PER_WORKING_DAY, Budget, Calendar, Hours

NATIONAL_CODE = re.compile(r"\d\.\d{6}", re.ASCII)
LOCAL_CODE = re.compile(r"\d\.\d{6}(\.\d{2,3}){0,4}\.[A-Z]\d{2}", re.ASCII)
AGENCY_ID = re.compile(r"(\d{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(\.\d{2}){0,3}", re.ASCII)
RESULT_CODE = re.compile(r"KQ\.[A-Z0-9]{2,6}\.\d{6}", re.ASCII)
CUT_OFF = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MAX_TEXT = 2_000
MAX_DONG = 1_000_000_000_000
MAX_SHEETS = 1_000
YEARS = range(1990, 2101)
PARENT = "@parent"

ServiceLevel = Literal[1, 2, 3, 4, "partial", "full"]
Level = Literal["province", "district", "commune"]
Unit = Literal["working_day", "calendar_day", "hour"]
Role = Literal["one_stop", "head", "expert", "leader", "clerk"]
Status = Literal["upcoming", "in_force", "superseded", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    amount: float
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """The legal duration at the counter, and online where it differs."""

    counter: Duration
    online: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOfWork:
    """Lĩnh vực."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A paper that the dossier must hold. One that a database replaces is not asked for."""

    code: str
    name: str
    originals: int = 0
    copies: int = 0
    required: bool = True
    result_code: str | None = None
    replaced_by_database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """`kind`: "fee" is phí, "charge" is lệ phí. `amount` in đồng."""

    code: str
    name: str
    kind: Literal["fee", "charge"]
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the process. `agency`: None is the receiving agency, "@parent" its parent, else an agency's id. The
    time is an amount, or a share (percent) of the procedure's duration. The step that signs the result has
    `decision`."""

    id: str
    name: str
    role: Role
    agency: str | None = None
    amount: Duration | None = None
    share: int | None = None
    after: tuple[str, ...] = ()
    decision: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the applicant gets. `code`: `KQ.<ministry>.<6 digits>`."""

    code: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One version of a procedure, valid in [valid_from, valid_to). `agencies` empty: every one-stop agency of
    `levels`."""

    code: str
    version: int
    local_code: str | None
    name: str
    field: FieldOfWork
    service_level: ServiceLevel
    agencies: tuple[str, ...]
    levels: tuple[Level, ...]
    applicants: tuple[Literal["citizen", "enterprise", "state_body", "organisation"], ...]
    components: tuple[Component, ...]
    durations: Durations | None
    cut_off: str | None
    supplement_rule: Literal["pause", "restart"]
    fees: tuple[Fee, ...]
    process: Process
    result: Result
    essential: tuple[str, ...]
    legal_basis: tuple[str, ...]
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An identifier that the agency had or has besides its own."""

    id: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """`one_stop`: has a one-stop unit that receives dossiers. `hours`: daily working spans, local time."""

    id: str
    name: str
    level: Level
    kind: Literal["people_committee", "department", "unit"]
    parent: str | None
    one_stop: bool
    aliases: tuple[Alias, ...]
    hours: tuple[tuple[str, str], ...]
    email: str | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """`working`: a make-up day, which beats the weekend rule."""

    date: date
    kind: Literal["off", "working"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYear:
    """The deviations from Monday-to-Friday of one year, as decided in `decision`, known from `known_from` on."""

    year: int
    decision: str
    known_from: date
    days: tuple[CalendarDay, ...]


# -- a procedure's history ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """From when on an entry of a procedure's history counts. Later numbers never begin before earlier ones."""

    number: int
    valid_from: date
    valid_to: date | None
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An entry of a procedure's history, never changed once it is there: a published version or a withdrawal.

    A withdrawal has its `decision`, and keeps the procedure as it was offered until then.
    """

    code: str
    number: int
    valid_from: date
    valid_to: date | None
    decision: str | None
    procedure: Procedure

    @property
    def validity(self) -> Validity:
        return Validity(
            number=self.number, valid_from=self.valid_from, valid_to=self.valid_to, withdrawn=self.decision is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an entry stands on a day among the others: its derived end, its status, the number of the latest entry."""

    number: int
    valid_from: date
    valid_to: date | None
    status: Status
    latest: int


class ProcedureUnknown(NotFound):
    code, title = "procedure_unknown", "Không có thủ tục hành chính này"


class NotInForce(NotFound):
    code, title = "procedure_not_in_force", "Thủ tục hành chính không có hiệu lực vào ngày này"


class AlreadyWithdrawn(WrongState):
    code, title = "already_withdrawn", "Thủ tục hành chính đã được bãi bỏ"


def publish(latest: Version | None, procedure: Procedure) -> Version:
    """The next version, whatever `procedure.version` says; Invalid when it would begin before the latest entry does."""
    if latest is not None and procedure.valid_from < latest.valid_from:
        raise _begins_too_early("/valid_from", latest)
    number = 1 if latest is None else latest.number + 1
    return Version(
        code=procedure.code,
        number=number,
        valid_from=procedure.valid_from,
        valid_to=procedure.valid_to,
        decision=None,
        procedure=replace(procedure, version=number),
    )


def withdraw(latest: Version, on: date, decision: str) -> Version:
    """The withdrawal as the next entry; AlreadyWithdrawn, or Invalid when it would begin before the latest entry."""
    if latest.decision is not None:
        raise AlreadyWithdrawn(f"withdrawn on {latest.valid_from}")
    if on < latest.valid_from:
        raise _begins_too_early("/on", latest)
    return Version(
        code=latest.code,
        number=latest.number + 1,
        valid_from=on,
        valid_to=None,
        decision=decision,
        procedure=latest.procedure,
    )


def _begins_too_early(pointer: str, latest: Version) -> Invalid:
    wrong = FieldError(pointer, "before_latest_version", f"version {latest.number} begins on {latest.valid_from}")
    return Invalid("history is only continued, never changed", errors=[wrong])


def offers_the_same(latest: Version | None, procedure: Procedure) -> bool:
    """Whether publishing this would change nothing."""
    return (
        latest is not None and latest.decision is None and replace(procedure, version=latest.number) == latest.procedure
    )


def counting_on(history: Iterable[Validity], day: date) -> Validity | None:
    """The entry that counts on the day, be it a version, an expired one, or a withdrawal; None before the first."""
    return max((entry for entry in history if entry.valid_from <= day), key=lambda entry: entry.number, default=None)


def status_of(entry: Validity, history: Iterable[Validity], day: date) -> Status:
    """The entry's status on the day."""
    if day < entry.valid_from:
        return "upcoming"
    counting = counting_on(history, day)
    if counting is not None and counting.number != entry.number:
        return "superseded"
    if entry.withdrawn:
        return "withdrawn"
    return "in_force" if entry.valid_to is None or day < entry.valid_to else "expired"


def end_of(entry: Validity, history: Iterable[Validity]) -> date | None:
    """The first day on which it does not count any more: its own end, or where the next entry begins."""
    following = next((other for other in history if other.number == entry.number + 1), None)
    ends = (entry.valid_to, None if following is None else following.valid_from)
    return min((end for end in ends if end is not None), default=None)


def standing(entry: Validity, history: Sequence[Validity], day: date) -> Standing:
    """How the entry stands on the day."""
    return Standing(
        number=entry.number,
        valid_from=entry.valid_from,
        valid_to=end_of(entry, history),
        status=status_of(entry, history, day),
        latest=max(other.number for other in history),
    )


# -- what must hold of each thing by itself ----------------------------------------------------------------------------


def procedure_errors(procedure: Procedure) -> list[FieldError]:
    """What is wrong with a procedure by itself; whether the agencies that it names exist says `Directory`."""
    wrong = _Wrong()
    wrong.unless(NATIONAL_CODE.fullmatch(procedure.code), "/code", "procedure_code", "a national code, like 1.012784")
    if procedure.local_code is not None:
        wrong.unless(
            LOCAL_CODE.fullmatch(procedure.local_code), "/local_code", "local_code", "a local code, like 2.002622.H56"
        )
    wrong.text("/name", procedure.name)
    wrong.text("/field/code", procedure.field.code)
    wrong.text("/field/name", procedure.field.name)
    wrong.unless(procedure.levels, "/levels", "empty", "at least one level")
    wrong.unless(procedure.applicants, "/applicants", "empty", "at least one kind of applicant")
    wrong.repeated("/levels", procedure.levels)
    wrong.repeated("/applicants", procedure.applicants)
    wrong.repeated("/agencies", procedure.agencies)
    wrong.period(procedure.valid_from, procedure.valid_to, "")
    for name, texts in (("essential", procedure.essential), ("legal_basis", procedure.legal_basis)):
        for n, text in enumerate(texts):
            wrong.text(f"/{name}/{n}", text)
    _check_components(procedure.components, wrong)
    _check_fees(procedure.fees, wrong)
    if procedure.cut_off is not None:
        wrong.unless(CUT_OFF.fullmatch(procedure.cut_off), "/cut_off", "hour", "an hour of the day, HH:MM")
    wrong.text("/result/name", procedure.result.name)
    _check_result_code("/result/code", procedure.result.code, wrong)
    if procedure.durations is not None:
        _minutes_of("/durations/counter", procedure.durations.counter, wrong)
        if procedure.durations.online is not None:
            _minutes_of("/durations/online", procedure.durations.online, wrong)
    _check_steps(procedure.process.steps, wrong)
    _check_times(procedure, wrong)
    return wrong.errors


def agency_errors(agency: Agency) -> list[FieldError]:
    """What is wrong with an agency by itself; how it fits among the others says `Directory`."""
    wrong = _Wrong()
    wrong.unless(AGENCY_ID.fullmatch(agency.id), "/id", "agency_id", "an identifier like H56.14 or 000.17.H56")
    wrong.text("/name", agency.name)
    if agency.email is not None:
        wrong.unless(_EMAIL.fullmatch(agency.email), "/email", "email", "an e-mail address")
    wrong.period(agency.valid_from, agency.valid_to, "")
    wrong.repeated("/aliases", [alias.id for alias in agency.aliases], "/id")
    for n, alias in enumerate(agency.aliases):
        pointer = f"/aliases/{n}"
        wrong.unless(AGENCY_ID.fullmatch(alias.id), f"{pointer}/id", "agency_id", "an identifier like 000.17.H56")
        wrong.unless(alias.id != agency.id, f"{pointer}/id", "repeated", "is the agency's own identifier")
        wrong.period(alias.valid_from, alias.valid_to, pointer)
    try:
        Hours.parse(agency.hours)
    except ValueError as error:
        wrong.add("/hours", "hours", str(error)[:200])
    return wrong.errors


def calendar_errors(calendar: CalendarYear) -> list[FieldError]:
    """What is wrong with a year's calendar."""
    wrong = _Wrong()
    wrong.unless(calendar.year in YEARS, "/year", "year", f"a year from {YEARS[0]} to {YEARS[-1]}")
    wrong.text("/decision", calendar.decision)
    wrong.repeated("/days", [day.date for day in calendar.days], "/date")
    for n, day in enumerate(calendar.days):
        wrong.unless(day.date.year == calendar.year, f"/days/{n}/date", "other_year", f"a day of {calendar.year}")
        wrong.text(f"/days/{n}/name", day.name)
    if not wrong.errors:
        # The arithmetic of working time is the last to say whether it can count with these days.
        Calendar([(day.date, day.kind) for day in calendar.days], [calendar.year])
    return wrong.errors


class _Wrong:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, pointer: str, code: str, message: str) -> None:
        self.errors.append(FieldError(pointer, code, message))

    def unless(self, holds: object, pointer: str, code: str, message: str) -> None:
        if not holds:
            self.add(pointer, code, message)

    def text(self, pointer: str, text: str) -> None:
        self.unless(text.strip(), pointer, "blank", "some text")
        self.unless(len(text) <= MAX_TEXT, pointer, "too_long", f"at most {MAX_TEXT} characters")
        self.unless(not _CONTROL.search(text), pointer, "control_character", "text without control characters")

    def repeated(self, pointer: str, values: Sequence[object], field: str = "") -> None:
        seen: set[object] = set()
        for n, value in enumerate(values):
            self.unless(value not in seen, f"{pointer}/{n}{field}", "repeated", "is there already")
            seen.add(value)

    def period(self, start: date | None, end: date | None, pointer: str) -> None:
        if start is not None and end is not None:
            self.unless(start < end, f"{pointer}/valid_to", "period", "a day after valid_from")


def _check_components(components: Sequence[Component], wrong: _Wrong) -> None:
    wrong.repeated("/components", [component.code for component in components], "/code")
    for n, component in enumerate(components):
        pointer = f"/components/{n}"
        wrong.text(f"{pointer}/code", component.code)
        wrong.text(f"{pointer}/name", component.name)
        for name, count in (("originals", component.originals), ("copies", component.copies)):
            wrong.unless(0 <= count <= MAX_SHEETS, f"{pointer}/{name}", "range", f"from 0 to {MAX_SHEETS}")
        _check_result_code(f"{pointer}/result_code", component.result_code, wrong)


def _check_result_code(pointer: str, code: str | None, wrong: _Wrong) -> None:
    if code is not None:
        wrong.unless(RESULT_CODE.fullmatch(code), pointer, "result_code", "a result's code, like KQ.G15.000031")


def _check_fees(fees: Sequence[Fee], wrong: _Wrong) -> None:
    wrong.repeated("/fees", [fee.code for fee in fees], "/code")
    for n, fee in enumerate(fees):
        wrong.text(f"/fees/{n}/code", fee.code)
        wrong.text(f"/fees/{n}/name", fee.name)
        wrong.unless(0 <= fee.amount <= MAX_DONG, f"/fees/{n}/amount", "range", f"from 0 to {MAX_DONG} đồng")


def _check_steps(steps: Sequence[Step], wrong: _Wrong) -> None:
    wrong.repeated("/process/steps", [step.id for step in steps], "/id")
    earlier: set[str] = set()
    for n, step in enumerate(steps):
        pointer = f"/process/steps/{n}"
        wrong.text(f"{pointer}/id", step.id)
        wrong.text(f"{pointer}/name", step.name)
        wrong.repeated(f"{pointer}/after", step.after)
        for m, name in enumerate(step.after):
            wrong.unless(name in earlier, f"{pointer}/after/{m}", "not_earlier", "the id of a step before this one")
        earlier.add(step.id)
    decisions = sum(step.decision for step in steps)
    wrong.unless(decisions == 1, "/process/steps", "decision", f"exactly one step that decides, not {decisions}")


def _check_times(procedure: Procedure, wrong: _Wrong) -> None:
    """Every step has an amount, or every step has a share; what they come to fits into the legal duration.

    Amounts are added up along the longest path, since parallel branches run at the same time.
    """
    steps = procedure.process.steps
    shares = [step.share for step in steps if step.share is not None]
    minutes = [
        None if step.amount is None else _minutes_of(f"/process/steps/{n}/amount", step.amount, wrong)
        for n, step in enumerate(steps)
    ]
    for n, step in enumerate(steps):
        wrong.unless(
            (step.amount is None) != (step.share is None),
            f"/process/steps/{n}",
            "amount_or_share",
            "an amount or a share, one of them",
        )
        if step.share is not None:
            wrong.unless(1 <= step.share <= 100, f"/process/steps/{n}/share", "range", "from 1 to 100")
    if shares and len(shares) < len(steps):
        wrong.add("/process/steps", "amount_or_share", "shares in all steps, or in none")
    elif shares:
        wrong.unless(sum(shares) == 100, "/process/steps", "shares", f"shares that come to 100, not {sum(shares)}")
        wrong.unless(
            procedure.durations, "/durations", "share_of_nothing", "a duration, since the steps have shares of it"
        )
    elif procedure.durations is not None and None not in minutes:
        allowed = _minutes_of("/durations/counter", procedure.durations.counter, _Wrong())
        longest = _longest_path(steps, [each or 0 for each in minutes])
        if allowed is not None and longest > allowed:
            wrong.add(
                "/process/steps", "amounts", f"{longest} working minutes in all, of {allowed} that the counter has"
            )


def _minutes_of(pointer: str, duration: Duration, wrong: _Wrong) -> int | None:
    """Working minutes; a calendar day holds a working day at most, which is what it counts for here."""
    try:
        budget = Budget(duration.amount, duration.unit)
    except ValueError as error:
        wrong.add(pointer, "duration", str(error)[:200])
        return None
    if budget.unit == "calendar_day":
        return int(budget.amount) * MINUTES_PER_WORKING_DAY
    return budget.working_minutes(Hours())


def _longest_path(steps: Sequence[Step], minutes: Sequence[int]) -> int:
    ends: dict[str, int] = {}
    for step, own in zip(steps, minutes, strict=True):
        ends[step.id] = own + max((ends.get(name, 0) for name in step.after), default=0)
    return max(ends.values(), default=0)


# -- agencies among each other -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Name:
    """An identifier that an agency goes by, for a time."""

    agency: str
    valid_from: date
    valid_to: date

    def overlaps(self, other: "_Name") -> bool:
        return self.agency != other.agency and self.valid_from < other.valid_to and other.valid_from < self.valid_to


class Directory:
    """All agencies, for what must hold between them and for who is meant by an identifier."""

    def __init__(self, agencies: Mapping[str, Agency]) -> None:
        self._agencies = agencies
        self._names: dict[str, list[_Name]] = defaultdict(list)
        for agency in agencies.values():
            for id, name in _names(agency):
                self._names[id].append(name)

    def errors(self, agency: Agency) -> list[FieldError]:
        """How an agency of this directory does not fit: no such parent, a circle of parents, another one's name."""
        wrong = _Wrong()
        if agency.parent is not None:
            if agency.parent not in self._agencies:
                wrong.add("/parent", "unknown_agency", "an agency that is known, or in the same import")
            elif self._is_circle(agency):
                wrong.add("/parent", "circle", "an agency that is not below this one")
        for n, (id, name) in enumerate(_names(agency)):
            pointer = "/id" if n == 0 else f"/aliases/{n - 1}/id"
            wrong.unless(
                not any(name.overlaps(other) for other in self._names[id]), pointer, "taken", "another agency has it"
            )
        return wrong.errors

    def unknown(self, procedure: Procedure) -> list[FieldError]:
        """The agencies that the procedure names and nobody knows."""
        wrong = _Wrong()
        named = [(f"/agencies/{n}", id) for n, id in enumerate(procedure.agencies)]
        steps = [(f"/process/steps/{n}/agency", step.agency) for n, step in enumerate(procedure.process.steps)]
        for pointer, id in [*named, *steps]:
            if id is not None and id != PARENT:
                wrong.unless(id in self._agencies, pointer, "unknown_agency", "an agency that is known")
        return wrong.errors

    def _is_circle(self, agency: Agency) -> bool:
        passed = {agency.id}
        above = agency.parent
        while above is not None and above in self._agencies:
            if above in passed:
                return above == agency.id
            passed.add(above)
            above = self._agencies[above].parent
        return False


def _names(agency: Agency) -> list[tuple[str, _Name]]:
    """The agency's own identifier, which is its own for ever, and then its aliases."""
    always = _Name(agency.id, date.min, date.max)
    aliases = [
        (alias.id, _Name(agency.id, alias.valid_from or date.min, alias.valid_to or date.max))
        for alias in agency.aliases
    ]
    return [(agency.id, always), *aliases]


def bearer_of(alias: str, candidates: Sequence[Agency], day: date) -> Agency | None:
    """Which of the agencies that have this alias bears it on the day; if none does, the one that bore it last."""

    def rank(agency: Agency) -> tuple[bool, date]:
        spans = [name for id, name in _names(agency)[1:] if id == alias]
        return any(span.valid_from <= day < span.valid_to for span in spans), max(span.valid_to for span in spans)

    return max(candidates, key=rank, default=None)


# -- searching ---------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """For comparing: small letters without any marks, and d for đ."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def words(*texts: str | None) -> tuple[str, ...]:
    """The folded words of the texts, each once, in order. A code with its dots is one word."""
    found = re.findall(r"\w+(?:\.\w+)*", " ".join(fold(text) for text in texts if text))
    return tuple(dict.fromkeys(found))


def words_of(procedure: Procedure) -> tuple[str, ...]:
    """What a procedure is found by."""
    return words(procedure.code, procedure.local_code, procedure.name, procedure.field.name)
