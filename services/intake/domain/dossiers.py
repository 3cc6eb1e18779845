"""The dossier as the applicant knows it: each legal transition is one function, each illegal one a named error. Plain
Python.

The states are the national portal's ten (see `Status`). Rules: Nghị định 118/2025/NĐ-CP, Thông tư 03/2025/TT-VPCP.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, Literal

from chassis import hashchain, worktime
from chassis.errors import FieldError, Invalid, WrongState
from intake import events
from intake.events import ApplicantKind, Budget, Channel, Dimensions, Personal
from intake.inbound import Agency, Procedure

CODE = re.compile(r"^((\d{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(\.\d{2}){0,3})-\d{6}-\d{4,7}$")
"""`<agency>-<YYMMDD>-<sequence>`, the old identifiers of agencies included."""


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
    title = "Chỉ hồ sơ mới đăng ký mới được tiếp nhận hoặc từ chối"


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
class Submitted:
    """A component that came with the dossier. `digitised`: the one-stop unit scanned it."""

    code: str
    originals: int = 0
    copies: int = 0
    digitised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act. `at` is when it counts, `recorded_at` when we learnt of it; `hash` chains it to the entries before."""

    act: str
    at: datetime
    recorded_at: datetime
    by: str
    note: str | None
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step of the process that the applicant may see as done."""

    task: str
    name: str
    agency: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    at: datetime
    to: str
    method: Literal["collect", "post", "electronic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`agencies`: the receiving one, then those it was transferred to; their officers may see it. `owner`: the account
    that filed it online. `secret`: opens the public tracking, with the code."""

    id: str
    status: Status
    code: str | None
    dimensions: Dimensions
    procedure_name: str
    agency_name: str
    agencies: tuple[str, ...]
    owner: str | None
    applicant: Applicant
    on_behalf_of: str | None
    assisted_by: str | None
    form: dict[str, Any]
    components: tuple[Submitted, ...]
    result_return: Literal["collect", "post", "electronic"]
    fee_amount: int
    secret: str
    filed_at: datetime
    received_at: datetime | None = None
    clock_at: datetime | None = None
    budget: Budget | None = None
    due_at: datetime | None = None
    refused_at: datetime | None = None
    refusal_reason: str | None = None
    started_at: datetime | None = None
    steps_total: int = 0
    steps_done: tuple[StepDone, ...] = ()
    finished_at: datetime | None = None
    outcome: Literal["approved", "rejected"] | None = None
    timing: Literal["early", "on_time", "late"] | None = None
    handover: Handover | None = None
    journal: tuple[Entry, ...] = ()

    @property
    def digitised(self) -> bool:
        """Every component that came on paper was scanned."""
        return bool(self.components) and all(component.digitised for component in self.components)

    @property
    def personal(self) -> Personal:
        return Personal(
            name=self.applicant.name, email=self.applicant.email, phone=self.applicant.phone, person=self.owner
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What somebody hands in."""

    procedure: str
    agency: str
    channel: Channel
    applicant: Applicant
    on_behalf_of: str | None
    assisted_by: str | None
    form: dict[str, Any]
    components: tuple[Submitted, ...]
    result_return: Literal["collect", "post", "electronic"]


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


def check(filing: Filing, procedure: Procedure, agency: Agency, day: date) -> None:
    """Raises Invalid with every field that the procedure version or the agency does not allow."""
    wrong: list[FieldError] = []
    if not offers(agency, procedure, day):
        wrong.append(FieldError("/agency", "not_offered", f"{agency.id} does not receive dossiers of {procedure.code}"))
    if filing.channel == "online" and procedure.service_level in (1, 2):
        wrong.append(
            FieldError(
                "/channel", "not_online", f"{procedure.code} is at level {procedure.service_level}: not filed online"
            )
        )
    if filing.applicant.kind not in procedure.applicants:
        wrong.append(
            FieldError(
                "/applicant/kind", "not_for_this_kind", f"the procedure is for {', '.join(procedure.applicants)}"
            )
        )
    known = {component.code: component for component in procedure.components}
    given = [component.code for component in filing.components]
    for index, code in enumerate(given):
        if code not in known:
            wrong.append(
                FieldError(f"/components/{index}/code", "unknown_component", "the procedure has no such component")
            )
        elif code in given[:index]:
            wrong.append(FieldError(f"/components/{index}/code", "repeated_component", "the component is there twice"))
    missing = [c for c in procedure.components if c.required and c.replaced_by_database is None and c.code not in given]
    wrong += [FieldError("/components", "missing_component", f"{component.code} is required") for component in missing]
    if wrong:
        raise Invalid("the dossier does not fit the procedure", errors=wrong)


def offers(agency: Agency, procedure: Procedure, day: date) -> bool:
    """Whether the agency receives dossiers of the procedure on that day."""
    if not agency.one_stop or day < agency.valid_from or (agency.valid_to is not None and day >= agency.valid_to):
        return False
    return agency.id in procedure.agencies if procedure.agencies else agency.level in procedure.levels


def file(
    id: str, filing: Filing, procedure: Procedure, agency: Agency, by: By, *, owner: str | None, secret: str
) -> Turn:
    """Files a dossier that `check` accepted. A counter or post dossier is to be received in the same write."""
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
        owner=owner,
        applicant=filing.applicant,
        on_behalf_of=filing.on_behalf_of,
        assisted_by=filing.assisted_by,
        form=filing.form,
        components=filing.components,
        result_return=filing.result_return,
        fee_amount=sum(fee.amount for fee in procedure.fees),
        secret=secret,
        filed_at=by.at,
    )
    dossier = _noted(dossier, "filed", by, filing.channel)
    if filing.channel != "online":
        return dossier, ()
    filed = events.DossierFiled(
        dimensions=dossier.dimensions,
        procedure_name=dossier.procedure_name,
        agency_name=dossier.agency_name,
        filed_at=dossier.filed_at,
        personal=dossier.personal,
    )
    return dossier, (filed,)


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


def receive(dossier: Dossier, code: str, promised: Promise, by: By) -> Turn:
    """The agency takes the dossier on: it gets its code and its due date."""
    require_filed(dossier)
    if by.at < dossier.filed_at:
        raise Invalid("received before it was filed", code="before_filing")
    dossier = replace(
        dossier,
        status=Status.RECEIVED,
        code=code,
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
        personal=dossier.personal,
    )
    return _noted(dossier, "received", by, code), (received,)


def refuse(dossier: Dossier, reason: str, by: By) -> Turn:
    """The agency does not take the dossier on, and says why (form 03)."""
    require_filed(dossier)
    if by.at < dossier.filed_at:
        raise Invalid("refused before it was filed", code="before_filing")
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
    return _noted(dossier, "refused", by, reason), (refused,)


def hand_over(dossier: Dossier, to: str, method: Literal["collect", "post", "electronic"], by: By) -> Turn:
    """The result goes to the applicant, or to whom they sent."""
    if dossier.status is not Status.PROCESSED or dossier.code is None or dossier.finished_at is None:
        raise NotProcessed(f"the dossier is {dossier.status}")
    if by.at < dossier.finished_at:
        raise Invalid("handed over before the result was there", code="before_result")
    dossier = replace(dossier, status=Status.RETURNED, handover=Handover(at=by.at, to=to, method=method))
    handed_over = events.DossierHandedOver(
        dimensions=dossier.dimensions, code=dossier.code or "", handed_over_at=by.at, method=method
    )
    return _noted(dossier, "handed_over", by, method), (handed_over,)


# -- what workflow tells -----------------------------------------------------------------------------------------------


def note_started(dossier: Dossier, started_at: datetime, steps_total: int) -> Dossier:
    """Each of these notes holds whatever the others' order of arrival; the same dossier comes back when nothing is
    new."""
    if dossier.started_at is not None:
        return dossier
    return _restated(replace(dossier, started_at=started_at, steps_total=steps_total))


def note_step_done(dossier: Dossier, step: StepDone, steps_total: int) -> Dossier:
    if any(done.task == step.task and done.at == step.at for done in dossier.steps_done):
        return dossier
    steps = sorted((*dossier.steps_done, step), key=lambda done: (done.at, done.task))
    return replace(dossier, steps_done=tuple(steps), steps_total=steps_total)


def note_transferred(dossier: Dossier, to_agency: str) -> Dossier:
    if to_agency in dossier.agencies:
        return dossier
    receiving, *others = dossier.agencies
    return replace(dossier, agencies=(receiving, *sorted((*others, to_agency))))


def note_finished(
    dossier: Dossier,
    outcome: Literal["approved", "rejected"],
    timing: Literal["early", "on_time", "late"],
    at: datetime,
) -> Dossier:
    if dossier.finished_at is not None:
        return dossier
    return _restated(replace(dossier, finished_at=at, outcome=outcome, timing=timing))


def _restated(dossier: Dossier) -> Dossier:
    """The status that the facts give, so that late and early news agree."""
    if dossier.handover is not None:
        status = Status.RETURNED
    elif dossier.finished_at is not None:
        status = Status.PROCESSED
    else:
        status = Status.IN_PROCESS
    return replace(dossier, status=status)


# -- the journal -------------------------------------------------------------------------------------------------------


def _noted(dossier: Dossier, act: str, by: By, note: str | None) -> Dossier:
    previous = dossier.journal[-1].hash if dossier.journal else None
    entry = Entry(act=act, at=by.at, recorded_at=by.recorded_at, by=by.who, note=note, hash="")
    return replace(dossier, journal=(*dossier.journal, replace(entry, hash=hashchain.link(previous, _content(entry)))))


def first_broken_entry(dossier: Dossier) -> int | None:
    """The index of the first journal entry that was changed, or None when all are as they were written."""
    return hashchain.first_broken((_content(entry), entry.hash) for entry in dossier.journal)


def _content(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("act", "at", "recorded_at", "by", "note")}


def code_of(agency: str, day: date, sequence: int) -> str:
    """`H56.14-240823-0001`; past 9,999 the number just gets longer."""
    return f"{agency}-{day:%y%m%d}-{sequence:04d}"
