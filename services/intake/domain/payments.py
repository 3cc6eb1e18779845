"""What happens to a dossier's fees: asked for, paid, reversed. Each act is one function, each illegal one a named
error.

Money that arrives and settles no bill is a `Stray`: kept, listed, and placed or given back by hand. Plain Python.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chassis.errors import FieldError, Invalid, NotFound, WrongState
from chassis.evolving import replace
from intake import events
from intake.domain import fees
from intake.domain.dossiers import (
    WORKFLOW,
    By,
    Dossier,
    Status,
    Turn,
    awaited_bills,
    fee_asked,
    noted,
    restated,
)
from intake.domain.fees import Bill, Cancellation, Line, Method, Payment, Reversal
from intake.domain.vietqr import Account, fits_purpose, payload
from intake.inbound import FeeRequested

CLOSED = frozenset({Status.REFUSED, Status.WITHDRAWN, Status.STOPPED})
"""Nothing is paid for such a dossier any more; what comes all the same is to be given back."""
ASKED_CODE = "asked-in-process"
"""The code of a line that workflow asks for: no fee of the procedure version has it."""
MAY_ASK = frozenset({Status.RECEIVED, Status.IN_PROCESS, Status.FEE_ASKED})
"""When more may be asked for: while the dossier is processed."""

Why = Literal["unknown_order", "amount_differs", "already_paid", "nothing_due", "dossier_closed", "contradicts"]
"""Why a payment settled no bill. `contradicts`: its transaction was told before, with another amount."""


class FeeNotAskable(WrongState):
    code = "fee_not_askable"
    title = "Chỉ yêu cầu nộp phí, lệ phí khi hồ sơ đang được giải quyết"


class DossierClosed(WrongState):
    code = "dossier_closed"
    title = "Hồ sơ đã kết thúc, không thu phí, lệ phí nữa"


class NothingDue(WrongState):
    code = "nothing_due"
    title = "Hồ sơ không còn khoản phí, lệ phí nào phải nộp"


class BillSettled(WrongState):
    code = "bill_settled"
    title = "Khoản thu này đã nộp hoặc đã hủy"


class AlreadyReversed(WrongState):
    code = "already_reversed"
    title = "Khoản nộp này đã được hoàn hoặc hủy trước đó"


class PaymentPlaced(WrongState):
    code = "payment_placed"
    title = "Khoản tiền này đã được ghi cho một hồ sơ"


class NotUnmatched(WrongState):
    code = "not_unmatched"
    title = "Khoản tiền này đã được xử lý hoặc đang được xử lý"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Money that a provider or a bank's file tells of. `id`: the same for the same transaction of the same provider.
    `order`: a bill's reference or a dossier's code, None where the payer named none; `text`: what was sent as such."""

    id: str
    provider: str
    transaction: str
    order: str | None
    text: str
    amount: int
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """An officer is about to place the stray with this dossier."""

    dossier: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A payment that settled no bill when it arrived. `dossier` and `agency`: whose order it names, None when nobody's.

    `assigned`: an officer, or a later message, placed it with the dossier `placed`. `refunded`: it was given back.
    """

    id: str
    state: Literal["unmatched", "assigned", "refunded"]
    why: Why
    provider: str
    transaction: str
    text: str
    amount: int
    paid_at: datetime
    arrived_at: datetime
    dossier: str | None
    agency: str | None
    placing: Placing | None = None
    placed: str | None = None
    done_at: datetime | None = None
    done_by: str | None = None
    reason: str | None = None


# -- paying ------------------------------------------------------------------------------------------------------------


def due(dossier: Dossier) -> list[Bill]:
    """The bills that are to be paid now, oldest first; none of a dossier that was refused, withdrawn or stopped."""
    return [] if dossier.status in CLOSED else fees.open_bills(dossier.bills, dossier.payments)


def purpose(dossier: Dossier, bill: Bill) -> str:
    """What a transfer for the bill is to name: the dossier's code, for its first bill, where it has one that fits."""
    if bill.number == 1 and dossier.code is not None and fits_purpose(dossier.code):
        return dossier.code
    return bill.reference


def vietqr(dossier: Dossier, bill: Bill) -> str | None:
    """The text of the bill's QR code; None when it is not to be paid, or not by a transfer."""
    if bill.payee is None or bill not in due(dossier):
        return None
    return payload(bill.payee, bill.amount, purpose(dossier, bill))


def judge(dossier: Dossier | None, order: str | None, amount: int) -> Bill | Why:
    """The bill that money for this order settles, or why it settles none. The dossier is the one that the order
    names."""
    if dossier is None:
        return "unknown_order"
    named = [bill for bill in dossier.bills if order in (bill.reference, dossier.code)]
    if dossier.status in CLOSED:
        return "dossier_closed"
    open_now = [bill for bill in due(dossier) if bill in named]
    if not open_now:
        paid = {payment.bill for payment in dossier.payments if payment.reversal is None}
        return "already_paid" if any(bill.number in paid for bill in named) else "nothing_due"
    return next((bill for bill in open_now if bill.amount == amount), "amount_differs")


def payable(dossier: Dossier, amount: int, number: int | None) -> Bill:
    """The bill that an officer takes this amount for: the one of that number, or the oldest of that amount.

    Raises DossierClosed, NothingDue, and Invalid for another amount.
    """
    if dossier.status in CLOSED:
        raise DossierClosed(f"the dossier is {dossier.status}")
    open_now = [bill for bill in due(dossier) if number in (None, bill.number)]
    if not open_now:
        raise NothingDue("there is nothing to be paid" if number is None else f"bill {number} is not to be paid")
    if found := next((bill for bill in open_now if bill.amount == amount), None):
        return found
    asked = ", ".join(str(bill.amount) for bill in open_now)
    wrong = FieldError("/amount", "amount_differs", f"a bill is paid as a whole: {asked} đồng")
    raise Invalid("no bill is of this amount", errors=[wrong])


def online_payment(arrived: Arrived, bill: Bill, receipt: str, by: By) -> Payment:
    return Payment(
        id=arrived.id,
        bill=bill.number,
        amount=arrived.amount,
        channel="online",
        method="transfer",
        receipt=receipt,
        paid_at=min(arrived.paid_at, by.recorded_at),
        recorded_at=by.recorded_at,
        by=by.who,
        provider=arrived.provider,
        transaction=arrived.transaction,
    )


def counter_payment(id: str, bill: Bill, method: Method, receipt: str, receipt_book: str | None, by: By) -> Payment:
    return Payment(
        id=id,
        bill=bill.number,
        amount=bill.amount,
        channel="counter",
        method=method,
        receipt=receipt,
        receipt_book=receipt_book,
        paid_at=by.at,
        recorded_at=by.recorded_at,
        by=by.who,
    )


def pay(dossier: Dossier, payment: Payment, by: By) -> Turn:
    """The dossier with a payment for a bill that `judge` or `payable` gave."""
    requested_at = _waited_for_since(dossier, payment.bill)
    dossier = noted(
        replace(dossier, payments=(*dossier.payments, payment)), "fee_paid", by, f"{payment.receipt}: {payment.amount}"
    )
    dossier = _restated(dossier)
    paid = events.FeePaid(
        dimensions=dossier.dimensions,
        code=dossier.code,
        payment=payment.id,
        amount=payment.amount,
        channel=payment.channel,
        paid_at=payment.paid_at,
        provider=payment.provider,
        settled=not due(dossier),
        requested_at=requested_at,
    )
    return dossier, (paid,)


def _waited_for_since(dossier: Dossier, number: int) -> datetime | None:
    """When workflow asked for the bill of this number, if it may still wait for it; None: it did not ask, or the bill
    was paid once, with which its clock went on for good, whatever a reversal says and whichever is heard of first."""
    if any(payment.bill == number for payment in dossier.payments):
        return None
    return next((bill.at for bill in dossier.bills if bill.told and bill.number == number), None)


def reverse(dossier: Dossier, payment_id: str, reason: str, by: By) -> Turn:
    """The payment counts no more: it was given back, or was a mistake. Its bill is to be paid again, until it is
    cancelled; its receipt's number stays used. Raises NotFound, AlreadyReversed."""
    payment = payment_of(dossier, payment_id)
    if payment.reversal is not None:
        raise AlreadyReversed(f"reversed at {payment.reversal.at:%Y-%m-%dT%H:%M:%SZ}")
    if by.at < payment.paid_at:
        raise Invalid("reversed before it was paid", code="before_payment")
    gone = replace(payment, reversal=Reversal(at=by.at, by=by.who, reason=reason))
    payments = tuple(gone if each is payment else each for each in dossier.payments)
    dossier = noted(replace(dossier, payments=payments), "fee_reversed", by, f"{payment.receipt}: {reason}")
    told = events.FeeReversed(
        dimensions=dossier.dimensions,
        code=dossier.code,
        payment=payment.id,
        amount=payment.amount,
        channel=payment.channel,
        paid_at=payment.paid_at,
        reversed_at=by.at,
    )
    return _restated(dossier), (told,)


def payment_of(dossier: Dossier, payment_id: str) -> Payment:
    """The dossier's payment of this id, or NotFound."""
    found = next((payment for payment in dossier.payments if payment.id == payment_id), None)
    if found is None:
        raise NotFound("the dossier has no such payment")
    return found


def bill_of(dossier: Dossier, number: int) -> Bill:
    """The dossier's bill of this number, or NotFound."""
    found = next((bill for bill in dossier.bills if bill.number == number), None)
    if found is None:
        raise NotFound("the dossier has no such bill")
    return found


# -- asking for more ---------------------------------------------------------------------------------------------------


def ask(dossier: Dossier, lines: Sequence[Line], reason: str, payee: Account | None, by: By) -> Turn:
    """An officer asks for a fee that was not known at filing: the dossier waits for it (the national portal's status
    6)."""
    if dossier.status not in MAY_ASK or dossier.received_at is None:
        raise FeeNotAskable(f"the dossier is {dossier.status}")
    if by.at < dossier.received_at:
        raise Invalid("asked before the dossier was received", code="before_reception")
    dossier, bill = _billed(dossier, lines, reason, payee, by)
    return _restated(dossier), (fee_asked(dossier, bill),)


def note_requested(
    dossier: Dossier, told: FeeRequested, sequence: int, payee: Account | None, recorded_at: datetime
) -> Turn:
    """A fee that workflow asks for while its clock stands still, in its event with this sequence: one bill, however
    often and late it is told. Nobody is asked to pay for a dossier that is closed; its bill is there and not due."""
    if any(bill.told == sequence for bill in dossier.bills):
        return dossier, ()
    name = " ".join(told.reason.split())
    line = Line(
        code=ASKED_CODE, name=name, kind="fee", amount=told.amount, full_amount=told.amount, rate="asked",
        basis=told.basis,
    )  # fmt: skip
    by = By(WORKFLOW, told.requested_at, recorded_at)
    dossier, bill = _billed(dossier, [line], told.reason, payee, by, told=sequence)
    return restated(dossier), () if dossier.status in CLOSED else (fee_asked(dossier, bill),)


def _billed(
    dossier: Dossier, lines: Sequence[Line], reason: str, payee: Account | None, by: By, told: int = 0
) -> tuple[Dossier, Bill]:
    number = len(dossier.bills) + 1
    bill = Bill(
        number=number,
        reference=fees.reference_of(dossier.id, number),
        lines=tuple(lines),
        at=by.at,
        payee=payee,
        reason=reason,
        told=told,
    )
    dossier = replace(dossier, bills=(*dossier.bills, bill))
    return noted(dossier, "fee_asked", by, f"{bill.amount}: {reason}"), bill


def cancel(dossier: Dossier, number: int, reason: str, by: By) -> Turn:
    """The bill is not to be paid: it was a mistake, or the fee is remitted. Raises NotFound, BillSettled, Invalid."""
    bill = bill_of(dossier, number)
    if bill not in fees.open_bills(dossier.bills, dossier.payments):
        raise BillSettled(f"bill {number} is not open")
    if by.at < bill.at:
        raise Invalid("cancelled before it was asked for", code="before_request")
    gone = replace(bill, cancelled=Cancellation(at=by.at, by=by.who, reason=reason))
    bills = tuple(gone if each is bill else each for each in dossier.bills)
    dossier = noted(replace(dossier, bills=bills), "fee_cancelled", by, f"{bill.amount}: {reason}")
    dossier = _restated(dossier)
    cancelled = events.FeeCancelled(
        dimensions=dossier.dimensions,
        code=dossier.code,
        amount=bill.amount,
        cancelled_at=by.at,
        awaited=bool(awaited_bills(dossier)),
        reason=reason,
        requested_at=_waited_for_since(dossier, number),
    )
    return dossier, (cancelled,)


def _restated(dossier: Dossier) -> Dossier:
    """A fee changes the state of a dossier only while it is processed; it never opens one that is closed."""
    return restated(dossier) if dossier.status in MAY_ASK else dossier


# -- money that settles no bill ----------------------------------------------------------------------------------------

PLACING_LASTS = timedelta(minutes=5)
"""An officer who began to place a stray, and whose request died, does not keep others from it for longer."""


def stray_of(arrived: Arrived, id: str, why: Why, dossier: Dossier | None, agency: str | None, now: datetime) -> Stray:
    """`agency`: who sees it, when its order names no dossier."""
    return Stray(
        id=id,
        state="unmatched",
        why=why,
        provider=arrived.provider,
        transaction=arrived.transaction,
        text=arrived.text,
        amount=arrived.amount,
        paid_at=min(arrived.paid_at, now),
        arrived_at=now,
        dossier=None if dossier is None else dossier.id,
        agency=agency if dossier is None else dossier.dimensions.agency,
    )


def begin_placing(stray: Stray, dossier: str, by: By) -> Stray:
    """An officer is about to place it with the dossier; nobody else may do anything else with it now. NotUnmatched."""
    _require_unmatched(stray, by.recorded_at, dossier)
    return replace(stray, placing=Placing(dossier=dossier, by=by.who, at=by.recorded_at))


def end_placing(stray: Stray, dossier: str) -> Stray:
    """The dossier did not take it; the same stray comes back when that is not what it waits for."""
    if stray.state != "unmatched" or stray.placing is None or stray.placing.dossier != dossier:
        return stray
    return replace(stray, placing=None)


def placed(stray: Stray, dossier: str, by: str, now: datetime) -> Stray:
    """It counts in this dossier; the same stray comes back when that is known."""
    if stray.state != "unmatched":
        return stray
    return replace(stray, state="assigned", placing=None, placed=dossier, done_at=now, done_by=by)


def refund(stray: Stray, reason: str, by: By) -> Stray:
    """The money was given back to whoever sent it. NotUnmatched."""
    _require_unmatched(stray, by.recorded_at, None)
    return replace(stray, state="refunded", placing=None, done_at=by.at, done_by=by.who, reason=reason)


def arrived_of(stray: Stray) -> Arrived:
    return Arrived(
        id=stray.id,
        provider=stray.provider,
        transaction=stray.transaction,
        order=None,
        text=stray.text,
        amount=stray.amount,
        paid_at=stray.paid_at,
    )


def _require_unmatched(stray: Stray, now: datetime, dossier: str | None) -> None:
    if stray.state != "unmatched":
        raise NotUnmatched(f"the payment is {stray.state}")
    begun = stray.placing
    if begun is not None and begun.dossier != dossier and now - begun.at < PLACING_LASTS:
        raise NotUnmatched("somebody is placing the payment with a dossier at this moment")
