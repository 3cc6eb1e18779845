"""What a province offers: procedures as immutable versions, agencies as a tree, working calendars. Plain Python.

Words and codes: Nghị định 118/2025/NĐ-CP, Thông tư 03/2025/TT-VPCP, Nghị định 42/2022/NĐ-CP (service levels).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from catalog.checks import Wrong
from chassis.errors import FieldError, Invalid, NotFound, WrongState
from chassis.worktime import Calendar, Hours

NATIONAL_CODE = re.compile(r"\d\.\d{6}", re.ASCII)
AGENCY_ID = re.compile(r"(\d{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(\.\d{2}){0,3}", re.ASCII)
RESULT_CODE = re.compile(r"KQ\.[A-Z0-9]{2,6}\.\d{6}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
YEARS = range(1990, 2101)
REFERENCE = "@"
"""With it begins what names an agency by where it is (see `processes`), and no identifier."""

ServiceLevel = Literal[1, 2, 3, 4, "partial", "full"]
Level = Literal["province", "district", "commune"]
Unit = Literal["working_day", "calendar_day", "hour"]
Role = Literal["one_stop", "head", "expert", "leader", "clerk"]
Channel = Literal["online", "counter", "post"]
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
class Exemption:
    """A case in which nothing is paid (miễn), for example `HN`, a poor household. `legal_basis`: where that is said."""

    code: str
    name: str
    legal_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """`kind`: "fee" is phí, "charge" is lệ phí. Amounts in đồng; `online_amount`: when it is filed online, None: the
    same. It is asked for in [valid_from, valid_to), where None is without an end; the same code may come again for
    another time."""

    code: str
    name: str
    kind: Literal["fee", "charge"]
    amount: int
    online_amount: int | None = None
    exemptions: tuple[Exemption, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the process. `agency`: None is the receiving agency, "@parent" its parent, "@parent.parent" the one
    above, "@province" the topmost, "@fact:<name>" the one whose identifier that fact is, else an agency's id. The
    time is an amount, or a share (percent) of the procedure's duration; with neither, none is counted. The step that
    signs the result has `decision`.

    It comes when all (`join` "all") or one ("any") of the steps `after` are behind it, and is skipped unless
    `condition` holds: JSON Schema (2020-12) over {"facts": {…}, "outcomes": {step: outcome}}; None always holds.
    `kind`: "opinion" asks another agency, which may let its time pass; "child" is done by a process of its own, that
    of the procedure `child`."""

    id: str
    name: str
    role: Role
    agency: str | None = None
    amount: Duration | None = None
    share: int | None = None
    after: tuple[str, ...] = ()
    decision: bool = False
    kind: Literal["task", "opinion", "child"] = "task"
    join: Literal["all", "any"] = "all"
    condition: dict[str, Any] | None = None
    child: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """An answer of the form that the process asks for, by its JSON pointer (RFC 6901). It identifies nobody: it leaves
    intake with the dossier's dimensions."""

    name: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the applicant gets. `code`: `KQ.<ministry>.<6 digits>`. `template`: the text from which the result is
    printed, with fields of the dossier in it; None: it is always uploaded."""

    code: str | None
    name: str
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One version of a procedure, valid in [valid_from, valid_to). `agencies` empty: every one-stop agency of
    `levels`. `form`: what the applicant fills in, as JSON Schema (2020-12) of an object; None: nothing."""

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
    form: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """An identifier that the agency had or has besides its own."""

    id: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """`one_stop`: has a one-stop unit that receives dossiers. `hours`: daily working spans, local time.
    `inherited_levels`: levels of agencies that it took over from; it offers their procedures too."""

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
    inherited_levels: tuple[Level, ...] = ()


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
class Correction:
    """Why a version takes the place of version `of`, from the same day on. Dossiers filed under that one keep it."""

    of: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An entry of a procedure's history, never changed once it is there: a published version or a withdrawal.

    A withdrawal has its `decision`, and keeps the procedure as it was offered until then. `review`: the campaign whose
    decision made this version.
    """

    code: str
    number: int
    valid_from: date
    valid_to: date | None
    decision: str | None
    procedure: Procedure
    correction: Correction | None = None
    review: str | None = None

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


def publish(
    latest: Version | None, procedure: Procedure, *, correction: Correction | None = None, review: str | None = None
) -> Version:
    """The next version, whatever `procedure.version` says; Invalid when it would begin before the latest entry does, or
    corrects anything but the latest entry from its first day on."""
    if correction is not None:
        _check_correction(latest, procedure, correction)
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
        correction=correction,
        review=review,
    )


def _check_correction(latest: Version | None, procedure: Procedure, correction: Correction) -> None:
    wrong = Wrong()
    wrong.text("/correction/reason", correction.reason)
    if latest is None or latest.decision is not None or correction.of != latest.number:
        wrong.add("/correction/of", "not_the_latest", "the number of the latest version, which is in force or upcoming")
    elif procedure.valid_from != latest.valid_from:
        wrong.add("/valid_from", "not_from_the_same_day", f"{latest.valid_from}, as what is corrected")
    if wrong.errors:
        raise Invalid("a correction takes the place of the latest version, from its first day on", errors=wrong.errors)


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


# -- fees --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeDue:
    """What is to be paid for one dossier, in đồng, unless one of the exemptions applies."""

    code: str
    name: str
    kind: Literal["fee", "charge"]
    amount: int
    exemptions: tuple[Exemption, ...]


def fees_on(procedure: Procedure, day: date, channel: Channel) -> tuple[FeeDue, ...]:
    """The fees of a dossier that is handed in on the day through the channel."""
    return tuple(
        FeeDue(
            code=fee.code,
            name=fee.name,
            kind=fee.kind,
            amount=fee.amount if channel != "online" or fee.online_amount is None else fee.online_amount,
            exemptions=fee.exemptions,
        )
        for fee in procedure.fees
        if (fee.valid_from or date.min) <= day < (fee.valid_to or date.max)
    )


# -- what must hold of agencies and calendars by themselves (of procedures: `definitions`) -----------------------------


def agency_errors(agency: Agency) -> list[FieldError]:
    """What is wrong with an agency by itself; how it fits among the others says `Directory`."""
    wrong = Wrong()
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
    wrong = Wrong()
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
