"""What the prescribed papers say of a dossier: the content alone, which a template prints. Plain Python.

Forms 01, 02, 03 and 07 of Thông tư 03/2025/TT-VPCP, and the slip that goes with the result. A content holds texts,
numbers, lists and flags; instants as RFC 3339 text in UTC.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from chassis import worktime
from chassis.errors import WrongState
from chassis.printed import Printed
from intake.domain.amounts import in_words
from intake.domain.dossiers import Dossier, Submitted
from intake.domain.fees import Payment
from intake.domain.payments import bill_of
from intake.inbound import Agency, Procedure

EDITION = 1
"""Counts changes of the templates: with another edition, nothing that was printed before is found again."""

Kind = Literal["receipt", "supplement_request", "refusal", "handover", "register", "payment"]


class NothingToPrint(WrongState):
    code = "nothing_to_print"
    title = "Hồ sơ chưa có nội dung để in giấy này"


def _printed(kind: Kind, content: dict[str, Any]) -> Printed[Kind]:
    return Printed(kind, content, EDITION)


def receipt(dossier: Dossier, procedure: Procedure, agency: Agency, track_url: str) -> Printed[Kind]:
    """Form 01, the receipt with the promised day. NothingToPrint before the reception."""
    if dossier.code is None or dossier.received_at is None:
        raise NothingToPrint("the dossier was not received")
    budget = dossier.budget
    return _printed(
        "receipt",
        {
            **_heading(dossier, agency, dossier.received_at),
            "code": dossier.code,
            "secret": dossier.secret,
            "track_url": track_url,
            **_people(dossier),
            "components": _components(dossier, procedure),
            "budget": None if budget is None else {"amount": _number(budget.amount), "unit": budget.unit},
            "received_at": _text(dossier.received_at),
            "due_at": _text(dossier.due_at),
            "result_return": dossier.result_return,
            "fee_amount": dossier.fee_amount,
        },
    )


def refusal(dossier: Dossier, agency: Agency) -> Printed[Kind]:
    """Form 03, why the dossier is not received. NothingToPrint unless it was refused."""
    if dossier.refused_at is None or dossier.refusal_reason is None:
        raise NothingToPrint("the dossier was not refused")
    return _printed(
        "refusal",
        {**_heading(dossier, agency, dossier.refused_at), **_people(dossier), "reason": dossier.refusal_reason},
    )


def supplement_request(dossier: Dossier, procedure: Procedure, agency: Agency) -> Printed[Kind]:
    """Form 02, what was asked for last, and why. `agency`: the one that asks. NothingToPrint when nothing was asked
    for."""
    if not dossier.supplements:
        raise NothingToPrint("no supplement was asked for")
    asked = dossier.supplements[-1]
    names = {component.code: component.name for component in procedure.components}
    return _printed(
        "supplement_request",
        {
            **_heading(dossier, agency, asked.asked_at),
            "code": dossier.code,
            **_people(dossier),
            "components": [names.get(code, code) for code in asked.components],
            "reason": asked.reason,
            "until": None if asked.until is None else asked.until.isoformat(),
        },
    )


def handover(dossier: Dossier, agency: Agency) -> Printed[Kind]:
    """The slip that the receiver of the result signs. NothingToPrint before the result is there."""
    if dossier.code is None or dossier.finished_at is None:
        raise NothingToPrint("there is no result yet")
    given = dossier.handover
    return _printed(
        "handover",
        {
            **_heading(dossier, agency, given.at if given is not None else dossier.finished_at),
            "code": dossier.code,
            **_people(dossier),
            "outcome": dossier.outcome,
            "finished_at": _text(dossier.finished_at),
            "due_at": _text(dossier.due_at),
            "timing": dossier.timing,
            "handed_over_at": None if given is None else _text(given.at),
            "receiver": None if given is None else given.to,
            "method": dossier.result_return if given is None else given.method,
        },
    )


def payment(dossier: Dossier, agency: Agency, paid: Payment) -> Printed[Kind]:
    """The receipt (biên lai) of one payment; a reversed one is printed as void."""
    return _printed(
        "payment",
        {
            **_heading(dossier, agency, paid.recorded_at),
            "number": paid.receipt,
            "receipt_book": paid.receipt_book,
            "code": dossier.code or dossier.id,
            "payer": dossier.applicant.name,
            "address": dossier.applicant.address,
            "lines": [{"name": line.name, "amount": line.amount} for line in bill_of(dossier, paid.bill).lines],
            "amount": paid.amount,
            "in_words": in_words(paid.amount),
            "method": paid.method,
            "paid_at": _text(paid.paid_at),
            "void": paid.reversal is not None,
        },
    )


def register(agency: Agency, first: date, last: date, dossiers: Sequence[Dossier]) -> Printed[Kind]:
    """Form 07, the register of what an agency received from the first to the last day, in the order of reception."""
    rows = [
        {
            "code": dossier.code,
            "procedure": dossier.procedure_name,
            "applicant": dossier.applicant.name,
            "address": dossier.applicant.address,
            "phone": dossier.applicant.phone,
            "channel": dossier.dimensions.channel,
            "received_at": _text(dossier.received_at),
            "due_at": _text(dossier.due_at),
            "finished_at": _text(dossier.finished_at),
            "handed_over_at": None if dossier.handover is None else _text(dossier.handover.at),
            "method": None if dossier.handover is None else dossier.handover.method,
            "status": dossier.status.value,
        }
        for dossier in dossiers
    ]
    content = {"agency_name": agency.name, "first": first.isoformat(), "last": last.isoformat(), "rows": rows}
    return _printed("register", content)


def _heading(dossier: Dossier, agency: Agency, at: datetime) -> dict[str, Any]:
    return {
        "agency_name": agency.name,
        "procedure_name": dossier.procedure_name,
        "procedure": dossier.dimensions.procedure,
        "day": worktime.local_day(at).isoformat(),
    }


def _people(dossier: Dossier) -> dict[str, Any]:
    applicant = dossier.applicant
    return {
        "applicant": {
            "name": applicant.name,
            "identity": applicant.identity,
            "address": applicant.address,
            "phone": applicant.phone,
            "email": applicant.email,
        },
        "channel": dossier.dimensions.channel,
    }


def _components(dossier: Dossier, procedure: Procedure) -> list[dict[str, Any]]:
    names = {component.code: component.name for component in procedure.components}
    return [_component(names.get(given.code, given.code), given) for given in dossier.components]


def _component(name: str, given: Submitted) -> dict[str, Any]:
    return {
        "name": name,
        "originals": 0 if given.paper is None else given.paper.originals,
        "copies": 0 if given.paper is None else given.paper.copies,
        "electronic": given.file is not None or given.reuse is not None or given.digitised,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _number(amount: float) -> str:
    """As Vietnamese write numbers: 0,5 and 3."""
    return f"{amount:g}".replace(".", ",")
