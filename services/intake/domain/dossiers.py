"""The dossier as the applicant knows it: each legal transition is one function, each illegal one a named error. Plain
Python.

The states are the national portal's ten (see `Status`). Rules: Nghị định 118/2025/NĐ-CP, Thông tư 03/2025/TT-VPCP.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from enum import StrEnum
from json import dumps
from typing import Any, Literal

from chassis import hashchain, worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from intake import events
from intake.domain import contents, fees, forms
from intake.domain.parts import (
    DueChange,
    GivenResult,
    Handover,
    OfficeNumber,
    OnBehalf,
    PauseKind,
    PostItem,
    Rating,
    Standstill,
    StepDone,
    StepReturned,
    Stop,
    Supplement,
    Withdrawal,
)
from intake.domain.vietqr import Account
from intake.events import ApplicantKind, Budget, Channel, Dimensions, Personal
from intake.inbound import Agency, Procedure

CODE = re.compile(r"^((\d{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(\.\d{2}){0,3})-\d{6}-\d{4,7}$")
"""`<agency>-<YYMMDD>-<sequence>`, the old identifiers of agencies included."""


WORKFLOW = "system:workflow"
"""Who acts in a dossier's journal when workflow told of it."""


class Status(StrEnum):
    """The national portal's ten, in its order."""

    FILED = "filed"
    RECEIVED = "received"
    REFUSED = "refused"
    IN_PROCESS = "in_process"
    SUPPLEMENT_ASKED = "supplement_asked"
    FEE_ASKED = "fee_asked"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    PROCESSED = "processed"
    RETURNED = "returned"


class NotFiled(WrongState):
    code = "not_filed"
    title = "Chỉ hồ sơ mới đăng ký mới được tiếp nhận, từ chối hoặc yêu cầu bổ sung"


class NotProcessed(WrongState):
    code = "not_processed"
    title = "Hồ sơ chưa có kết quả để trả"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """`identity`: 9 or 12 digits of a person, the tax code of an organisation. `phone` in E.164."""

    kind: ApplicantKind
    name: str
    identity: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """How many sheets of paper were handed in of a component: originals, and certified or plain copies."""

    originals: int = 0
    copies: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """An officer certified that a scan is what the paper was. `pages`: None where they cannot be counted."""

    by: str
    at: datetime
    pages: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A component that came with the dossier: as a file, on paper, as a document that the electronic store holds, or on
    paper with the file that it was scanned into.

    `file`: the file's id, a reused document's own included. `reuse`: the document's id, of that `kind`; `chosen`: by
    somebody, and not found by the system. `digitised`: the one-stop unit scanned the paper. `issued_on` and `valid_to`
    (its last day): what the paper says of itself. `held`: it was uploaded although the store held it already.
    """

    code: str
    file: str | None = None
    reuse: str | None = None
    paper: Paper | None = None
    digitised: bool = False
    issued_on: date | None = None
    valid_to: date | None = None
    certified: Certified | None = None
    kind: str | None = None
    chosen: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act. `at` is when it counts, `recorded_at` when we learnt of it; `hash` chains it to the entries before."""

    act: str
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """`agencies`: the receiving one, then those it was transferred to; their officers may see it. `handled_by`: the one
    that receives and returns it, which is the receiving one or who took over from it. `due_told`: the sequence of
    workflow's news that moved the due date last, of which `due_changes` has all. `owner`: the account that filed it
    online. `secret`: opens the public tracking, with the code. `deposit`: counts what is to be brought to
    the store of documents; it is negative when that is done (see `documents`)."""

    id: str
    status: Status
    code: str | None
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    agencies: tuple[str, ...]
    handled_by: str = ""
    owner: str | None
    applicant: Applicant
    on_behalf_of: OnBehalf | None
    assisted_by: str | None
    form: dict[str, Any]
    components: tuple[Submitted, ...]
    result_return: Literal["collect", "post", "electronic"]
    secret: str
    filed_at: datetime
    bills: tuple[fees.Bill, ...] = ()
    payments: tuple[fees.Payment, ...] = ()
    post: PostItem | None = None
    office: OfficeNumber | None = None
    source: str | None = None
    supplements: tuple[Supplement, ...] = ()
    received_at: datetime | None = None
    clock_at: datetime | None = None
    budget: Budget | None = None
    due_at: datetime | None = None
    due_told: int = 0
    due_changes: tuple[DueChange, ...] = ()
    standstill: Standstill | None = None
    refused_at: datetime | None = None
    refusal_reason: str | None = None
    started_at: datetime | None = None
    steps_total: int = 0
    steps_done: tuple[StepDone, ...] = ()
    steps_returned: tuple[StepReturned, ...] = ()
    finished_at: datetime | None = None
    outcome: Literal["approved", "rejected"] | None = None
    timing: Literal["early", "on_time", "late"] | None = None
    withdrawal: Withdrawal | None = None
    stop: Stop | None = None
    results: tuple[GivenResult, ...] = ()
    handover: Handover | None = None
    rating: Rating | None = None
    deposit: int = 0
    journal: tuple[Entry, ...] = ()

    @property
    def digitised(self) -> bool:
        """Every component that came on paper was scanned, and there is a component."""
        return bool(self.components) and all(
            component.paper is None or component.digitised for component in self.components
        )

    @property
    def fee_amount(self) -> int:
        """Everything that is asked for, paid or not."""
        return fees.total(self.bills)

    @property
    def lacking(self) -> Supplement | None:
        """The supplement that was asked for and is not there yet; none when workflow went on without it."""
        last = self.supplements[-1] if self.supplements else None
        if last is None or last.given_at is not None or not self.awaits(last.told, "supplement"):
            return None
        return last

    def awaits(self, told: int, kind: PauseKind) -> bool:
        """Whether what was asked for is still waited for, as far as is known: workflow's clock has not gone on since it
        asked in its event with the sequence `told` (0: workflow did not ask)."""
        last = self.standstill
        return not told or last is None or last.sequence < told or last.kind == kind

    @property
    def halted(self) -> Standstill | None:
        """What workflow's clock stands still for; none while it goes on, and when the dossier has ended, since a pause
        that lasted until then is not told to be over."""
        said = self.standstill
        ended = self.finished_at is not None or self.stop is not None or self.withdrawal is not None
        return None if ended or said is None or said.kind is None else said

    @property
    def steps_in_all(self) -> int:
        """How many steps the process has; once it has finished, how many were really done, since some are skipped."""
        done = {step.task for step in self.steps_done}
        return len(done) if self.finished_at is not None and done else self.steps_total

    @property
    def handed_in_at(self) -> datetime:
        """Since when the dossier lies before the one-stop unit as it is now; nothing is decided on it before."""
        last = self.supplements[-1] if self.supplements else None
        return self.filed_at if last is None else last.given_at or last.asked_at

    @property
    def personal(self) -> Personal:
        return Personal(
            name=self.applicant.name, email=self.applicant.email, phone=self.applicant.phone, person=self.owner
        )

    @property
    def personal_in_full(self) -> Personal:
        """With what a result is printed from."""
        return replace(
            self.personal, identity=self.applicant.identity, address=self.applicant.address, form=self.form or None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What somebody hands in. `office_number`: what an office's own software calls it. `exemptions`: the codes of those
    that the applicant claims. `source`: the system that it was filed with, None: ours."""

    procedure: str
    agency: str
    channel: Channel
    applicant: Applicant
    on_behalf_of: OnBehalf | None
    assisted_by: str | None
    form: dict[str, Any]
    components: tuple[Submitted, ...]
    result_return: Literal["collect", "post", "electronic"]
    post: PostItem | None = None
    office_number: str | None = None
    exemptions: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when it counts, and when we learnt of it."""

    who: str
    at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """What the receipt prints: when the clock starts, and the due date (None: the procedure has none)."""

    clock_at: datetime
    budget: Budget | None
    due_at: datetime | None


Turn = tuple[Dossier, Sequence[Any]]
"""A dossier's new state, and the events that say so."""


# -- filing ------------------------------------------------------------------------------------------------------------


def check(filing: Filing, procedure: Procedure, agency: Agency, day: date, found: Sequence[FieldError] = ()) -> None:
    """Raises Invalid with every field that the procedure version or the agency does not allow, and with what was
    `found` to be wrong before."""
    wrong = [*found]
    if not offers(agency, procedure, day):
        wrong.append(FieldError("/agency", "not_offered", f"{agency.id} does not receive dossiers of {procedure.code}"))
    if filing.channel == "online" and procedure.service_level in (1, 2):
        wrong.append(
            FieldError(
                "/channel", "not_online", f"{procedure.code} is at level {procedure.service_level}: not filed online"
            )
        )
    wrong += fees.check_claims(procedure, day, filing.exemptions)
    if filing.post is not None and filing.channel != "post":
        wrong.append(FieldError("/post", "not_by_post", "only what came by post has the post's numbers"))
    if filing.applicant.kind not in procedure.applicants:
        wrong.append(
            FieldError(
                "/applicant/kind", "not_for_this_kind", f"the procedure is for {', '.join(procedure.applicants)}"
            )
        )
    wrong += check_components(filing.components, procedure)
    given = [component.code for component in filing.components]
    missing = [c for c in procedure.components if c.required and c.replaced_by_database is None and c.code not in given]
    wrong += [FieldError("/components", "missing_component", f"{component.code} is required") for component in missing]
    wrong += forms.check(procedure, filing.form)
    if wrong:
        raise Invalid("the dossier does not fit the procedure", errors=wrong)


def check_components(given: Sequence[Submitted], procedure: Procedure) -> list[FieldError]:
    """What is wrong with components that are handed in: each is one of the procedure version's, and comes once."""
    known = {component.code for component in procedure.components}
    codes = [component.code for component in given]
    wrong: list[FieldError] = []
    for index, code in enumerate(codes):
        if code not in known:
            wrong.append(
                FieldError(f"/components/{index}/code", "unknown_component", "the procedure has no such component")
            )
        elif code in codes[:index]:
            wrong.append(FieldError(f"/components/{index}/code", "repeated_component", "the component is there twice"))
    return wrong


def offers(agency: Agency, procedure: Procedure, day: date) -> bool:
    """Whether the agency receives dossiers of the procedure on that day."""
    if not agency.one_stop or day < agency.valid_from or (agency.valid_to is not None and day >= agency.valid_to):
        return False
    if not procedure.agencies:
        return not {agency.level, *agency.inherited_levels}.isdisjoint(procedure.levels)
    return not {agency.id, *agency.borne_on(day)}.isdisjoint(procedure.agencies)


def file(
    id: str,
    filing: Filing,
    procedure: Procedure,
    agency: Agency,
    by: By,
    *,
    owner: str | None,
    secret: str,
    payee: Account | None = None,
    components: Sequence[Submitted] | None = None,
) -> Turn:
    """Files a dossier that `check` accepted. A counter or post dossier is to be received in the same write. `payee`:
    the account that its fees go to. `components`: those of the filing with what the electronic store gave."""
    day, online = worktime.local_day(by.at), filing.channel == "online"
    dossier = Dossier(
        id=id,
        status=Status.FILED,
        code=None,
        dimensions=Dimensions(
            procedure=procedure.code,
            procedure_version=procedure.version,
            field=procedure.field.code,
            service_level=procedure.service_level,
            agency=agency.id,
            channel=filing.channel,
            applicant_kind=filing.applicant.kind,
        ),
        procedure_name=procedure.name,
        agency_name=agency.name,
        agencies=(agency.id,),
        handled_by=agency.id,
        owner=owner,
        applicant=filing.applicant,
        on_behalf_of=filing.on_behalf_of,
        assisted_by=filing.assisted_by,
        form=filing.form,
        components=filing.components if components is None else tuple(components),
        result_return=filing.result_return,
        secret=secret,
        filed_at=by.at,
        bills=fees.bills_at_filing(id, procedure, day, filing.exemptions, by.at, payee, online=online),
        post=filing.post,
        office=office_number(filing),
        source=filing.source,
        journal=(_entry(None, "filed", by, filing.channel),),
    )
    dossier, told = told_of_components(dossier, dossier.components, by)
    if filing.channel != "online":
        return dossier, told
    filed = events.DossierFiled(
        dimensions=dossier.dimensions, procedure_name=dossier.procedure_name, agency_name=dossier.agency_name,
        filed_at=dossier.filed_at, personal=replace(dossier.personal_in_full, form=None), **contents.told(dossier),
    )  # fmt: skip
    return dossier, (filed, *told)


def told_of_components(dossier: Dossier, given: Sequence[Submitted], by: By) -> Turn:
    """What is to be said of components that the electronic store gave, and of those scanned at the counter."""
    told: list[Any] = []
    for component in given:
        if component.reuse is not None:
            dossier = noted(dossier, "document_reused", by, f"{component.code} {component.reuse}")
            told.append(
                events.DocumentReused(
                    dimensions=dossier.dimensions,
                    component=component.code,
                    document=component.reuse,
                    kind=component.kind or "",
                    chosen=component.chosen,
                    at=by.at,
                )
            )
        if component.certified is not None:
            told.append(
                events.DocumentDigitised(
                    dimensions=dossier.dimensions,
                    component=component.code,
                    scanned=True,
                    pages=component.certified.pages,
                    digitised=dossier.digitised,
                    at=by.at,
                )
            )
    return (due_for_deposit(dossier) if told else dossier), tuple(told)


def due_for_deposit(dossier: Dossier) -> Dossier:
    """Marked, so that what it holds for the electronic store of people's documents is brought there after the write."""
    return dossier if dossier.applicant.identity is None else replace(dossier, deposit=abs(dossier.deposit) + 1)


def office_number(filing: Filing) -> OfficeNumber | None:
    """The office's number of the dossier, with the hash of all that is handed in under it but the time."""
    if filing.office_number is None:
        return None
    # What is not given is left out, so that a field that a later version adds changes no hash.
    given = asdict(filing, dict_factory=lambda fields: {name: value for name, value in fields if value is not None})
    text = dumps(given, sort_keys=True, default=str)
    return OfficeNumber(number=filing.office_number, content=hashchain.link(None, {"filing": text}))


# -- reception ---------------------------------------------------------------------------------------------------------


def promise(
    procedure: Procedure, agency: Agency, channel: Channel, received_at: datetime, calendar: worktime.Calendar
) -> Promise:
    """The due date that reception promises, from the procedure version's duration for the channel and the agency's
    hours."""
    hours = worktime.Hours.parse(agency.hours)
    cut_off = time.fromisoformat(procedure.cut_off) if procedure.cut_off and channel == "online" else None
    clock_at = worktime.start_of_clock(received_at, cut_off, calendar, hours)
    durations = procedure.durations
    if durations is None:
        return Promise(clock_at, None, None)
    budget = durations.online if channel == "online" and durations.online else durations.counter
    time_allowed = worktime.Budget.parse({"amount": budget.amount, "unit": budget.unit})
    return Promise(clock_at, budget, worktime.due(received_at, time_allowed, calendar, hours, cut_off))


def require_filed(dossier: Dossier) -> None:
    """NotFiled unless the dossier waits for its reception."""
    if dossier.status is not Status.FILED:
        raise NotFiled(f"the dossier is {dossier.status}")


def require_not_received(dossier: Dossier) -> None:
    """NotFiled unless the one-stop unit has still to decide on the dossier; it may wait for a supplement."""
    if dossier.received_at is not None or dossier.status not in (Status.FILED, Status.SUPPLEMENT_ASKED):
        raise NotFiled(f"the dossier is {dossier.status}")


def _require_handed_in(dossier: Dossier, by: By) -> None:
    if by.at < dossier.handed_in_at:
        raise Invalid("the act lies before the dossier was handed in", code="before_filing")


def receive(
    dossier: Dossier,
    code: str,
    promised: Promise,
    by: By,
    *,
    exemptions: Sequence[str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Turn:
    """The agency takes the dossier on: it gets its code and its due date. `exemptions`: which of those that are claimed
    the officer confirms, None: all; for the others the fee is asked. `facts`: of its form, what its process asks for
    (`forms.facts_of`)."""
    require_filed(dossier)
    _require_handed_in(dossier, by)
    known = dossier.bills
    dossier = noted(
        dossier,
        "received",
        by,
        code,
        status=Status.RECEIVED,
        code=code,
        bills=fees.bills_with_claims_decided(dossier.id, known, exemptions, by.at),
        received_at=by.at,
        clock_at=promised.clock_at,
        budget=promised.budget,
        due_at=promised.due_at,
    )
    received = events.DossierReceived(
        dimensions=dossier.dimensions,
        code=code,
        procedure_name=dossier.procedure_name,
        agency_name=dossier.agency_name,
        filed_at=dossier.filed_at,
        received_at=by.at,
        clock_at=promised.clock_at,
        budget=promised.budget,
        due_at=promised.due_at,
        digitised=dossier.digitised,
        personal=dossier.personal_in_full,
        facts=dict(facts or {}),
        **contents.told(dossier),
    )
    if any(component.file is not None and component.reuse is None for component in dossier.components):
        dossier = due_for_deposit(dossier)
    return restated(dossier), (received, *(fee_asked(dossier, bill) for bill in dossier.bills[len(known) :]))


def fee_asked(dossier: Dossier, bill: fees.Bill) -> events.FeeAsked:
    """The event that tells of a bill made after the filing."""
    return events.FeeAsked(
        dimensions=dossier.dimensions,
        code=dossier.code,
        amount=bill.amount,
        asked_at=bill.at,
        reason=bill.reason or "",
        personal=dossier.personal,
        requested_at=bill.at if bill.told else None,
    )


def refuse(dossier: Dossier, reason: str, by: By) -> Turn:
    """The agency does not take the dossier on, and says why (form 03)."""
    require_not_received(dossier)
    _require_handed_in(dossier, by)
    dossier = replace(dossier, status=Status.REFUSED, refused_at=by.at, refusal_reason=reason)
    refused = events.DossierRefused(
        dimensions=dossier.dimensions,
        procedure_name=dossier.procedure_name,
        agency_name=dossier.agency_name,
        filed_at=dossier.filed_at,
        refused_at=by.at,
        reason=reason,
        personal=dossier.personal,
    )
    return noted(dossier, "refused", by, reason), (refused,)


def hand_over(
    dossier: Dossier,
    to: str,
    method: Literal["collect", "post", "electronic"],
    by: By,
    *,
    signature: str | None = None,
    signed_on_paper: bool = False,
    post: PostItem | None = None,
) -> Turn:
    """The result goes to the applicant, or to whom they sent: collected against a signature, by post, or as a file."""
    wrong: list[FieldError] = []
    if method != "collect" and (signature is not None or signed_on_paper):
        wrong.append(FieldError("/signature", "not_collected", "whoever gets it by another way signs nothing here"))
    if method != "post" and post is not None:
        wrong.append(FieldError("/post", "not_by_post", "only what goes by post has the post's numbers"))
    if wrong:
        raise Invalid("the hand-over does not fit its way", errors=wrong)
    if dossier.status is not Status.PROCESSED or dossier.code is None or dossier.finished_at is None:
        raise NotProcessed(f"the dossier is {dossier.status}")
    if by.at < dossier.finished_at:
        raise Invalid("handed over before the result was there", code="before_result")
    given = Handover(at=by.at, to=to, method=method, signature=signature, signed_on_paper=signed_on_paper, post=post)
    dossier = replace(dossier, status=Status.RETURNED, handover=given)
    handed_over = events.DossierHandedOver(
        dimensions=dossier.dimensions, code=dossier.code or "", handed_over_at=by.at, method=method
    )
    return noted(dossier, "handed_over", by, method), (handed_over,)


# -- the status -------------------------------------------------------------------------------------------------------


def awaited_bills(dossier: Dossier) -> list[fees.Bill]:
    """What was asked for after the filing, is still to be paid, and keeps the dossier waiting: not what workflow asked
    for before it went on without it."""
    last = max((bill.told for bill in dossier.bills), default=0)
    asked = fees.asked_and_open(dossier.bills, dossier.payments)
    return [bill for bill in asked if bill.told in (0, last) and dossier.awaits(bill.told, "fee")]


def restated(dossier: Dossier) -> Dossier:
    """The status that the facts give, so that late and early news agree."""
    if dossier.handover is not None:
        status = Status.RETURNED
    elif dossier.finished_at is not None:
        status = Status.PROCESSED
    elif dossier.stop is not None:
        status = Status.STOPPED
    elif dossier.withdrawal is not None:
        status = Status.WITHDRAWN
    elif dossier.lacking is not None:
        status = Status.SUPPLEMENT_ASKED
    elif awaited_bills(dossier):
        status = Status.FEE_ASKED
    elif dossier.started_at is not None:
        status = Status.IN_PROCESS
    else:
        status = Status.FILED if dossier.received_at is None else Status.RECEIVED
    return dossier if dossier.status is status else replace(dossier, status=status)


# -- the journal -------------------------------------------------------------------------------------------------------


def noted(dossier: Dossier, act: str, by: By, note: str | None, **changes: Any) -> Dossier:
    """The dossier with these changes and the act in its journal."""
    previous = dossier.journal[-1].hash if dossier.journal else None
    return replace(dossier, journal=(*dossier.journal, _entry(previous, act, by, note)), **changes)


def _entry(previous: str | None, act: str, by: By, note: str | None) -> Entry:
    content: dict[str, Any] = {"act": act, "at": by.at, "recorded_at": by.recorded_at, "by": by.who, "note": note}
    return Entry(**content, hash=hashchain.link(previous, content))


def first_broken_entry(dossier: Dossier) -> int | None:
    """The index of the first journal entry that was changed, or None when all are as they were written."""
    return hashchain.first_broken((_content(entry), entry.hash) for entry in dossier.journal)


def _content(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("act", "at", "recorded_at", "by", "note")}
