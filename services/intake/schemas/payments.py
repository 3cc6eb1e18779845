"""The bodies and answers of the routes about fees and payments."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chassis.paging import PageQuery
from chassis.web import Body
from intake.domain import payments
from intake.domain.dossiers import Dossier
from intake.domain.fees import Bill, Cancellation, FeeKind, Line, Method, Payment, PaymentChannel, Reversal
from intake.domain.payments import Placing, Stray, Why
from intake.domain.reconciliation import MAX_AMOUNT, TRANSACTION, Missing, Reconciliation, Result, RowResult
from intake.domain.vietqr import Account
from intake.schemas.fields import Identifier, Instant, Text
from intake.schemas.fields import Line as TextLine

Amount = Annotated[int, Field(gt=0, le=MAX_AMOUNT)]
"""In đồng."""
Provider = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class LineBody(Body):
    """`basis`: the law that it is asked for by."""

    code: Identifier
    name: TextLine
    kind: FeeKind = "fee"
    amount: Amount
    basis: TextLine | None = None

    def line(self) -> Line:
        return Line(
            code=self.code,
            name=self.name,
            kind=self.kind,
            amount=self.amount,
            full_amount=self.amount,
            rate="asked",
            basis=self.basis,
        )


class FeeRequestBody(Body):
    lines: Annotated[tuple[LineBody, ...], Field(min_length=1, max_length=20)]
    reason: Text


class ReasonBody(Body):
    reason: Text


class PaymentBody(Body):
    """`bill`: its number, where two are of the same amount. `receipt_book`: the number of a paper receipt."""

    amount: Amount
    method: Method = "cash"
    receipt_book: TextLine | None = None
    bill: Annotated[int, Field(ge=1, le=1000)] | None = None


class PlacementBody(Body):
    dossier: Identifier
    bill: Annotated[int, Field(ge=1, le=1000)] | None = None


class CallbackBody(BaseModel):
    """What a provider tells. `transaction`: the provider's own name of it. `order`: the purpose of the transfer, which
    holds a bill's reference or a dossier's code. Fields that are not named here are not read."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    transaction: Annotated[str, StringConstraints(pattern=f"^{TRANSACTION}$")]
    order: Annotated[str, StringConstraints(max_length=500)]
    amount: Amount
    paid_at: Instant
    currency: Literal["VND"] = "VND"
    status: Literal["paid", "failed"] = "paid"


class CallbackAnswer(BaseModel):
    """The same whatever became of the money, and however often it is told: the provider has nothing more to do.
    `payment`: what it is called here; null for one that failed."""

    transaction: str
    result: Literal["recorded", "ignored"]
    payment: str | None


class StraysQuery(PageQuery):
    state: Literal["unmatched", "assigned", "refunded"] = "unmatched"


class QrQuery(Body):
    """`bill`: its number; without it the oldest that is to be paid."""

    bill: Annotated[int, Field(ge=1, le=1000)] | None = None


class ReconciliationQuery(BaseModel):
    """`from` and `to`: the days that the file is of, both included; without them, those of its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    dry_run: bool = False


class FeeView(BaseModel):
    """`amount`: all that is asked for, in đồng, paid or not. `vietqr`: the text of the QR code for the oldest bill that
    is to be paid, null where there is none or transfers are not taken. `lines`: of all bills that count."""

    amount: int
    vietqr: str | None
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, dossier: Dossier) -> "FeeView | None":
        """None where nothing was ever asked for."""
        if not dossier.bills:
            return None
        first = next(iter(payments.due(dossier)), None)
        return cls(
            amount=dossier.fee_amount,
            vietqr=payments.vietqr(dossier, first) if first is not None else None,
            lines=tuple(line for bill in dossier.bills if bill.cancelled is None for line in bill.lines),
        )


class BillView(BaseModel):
    """`purpose`: what a transfer names it by. `due`: it is to be paid now."""

    number: int
    amount: int
    due: bool
    purpose: str
    vietqr: str | None
    payee: Account | None
    lines: tuple[Line, ...]
    at: datetime
    reason: str | None
    cancelled: Cancellation | None

    @classmethod
    def of(cls, dossier: Dossier, bill: Bill) -> "BillView":
        return cls(
            number=bill.number,
            amount=bill.amount,
            due=bill in payments.due(dossier),
            purpose=payments.purpose(dossier, bill),
            vietqr=payments.vietqr(dossier, bill),
            payee=bill.payee,
            lines=bill.lines,
            at=bill.at,
            reason=bill.reason,
            cancelled=bill.cancelled,
        )


class PaymentView(BaseModel):
    id: str
    bill: int
    amount: int
    channel: PaymentChannel
    method: Method
    receipt: str
    receipt_book: str | None
    paid_at: datetime
    provider: str | None
    transaction: str | None
    reversal: Reversal | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentView":
        return cls(**{name: getattr(payment, name) for name in cls.model_fields})


class FeeAccount(BaseModel):
    """What a dossier owes and what was paid: `amount` is asked for, `paid` counts, `due` is to be paid now."""

    dossier: str
    code: str | None
    amount: int
    paid: int
    due: int
    bills: tuple[BillView, ...]
    payments: tuple[PaymentView, ...]

    @classmethod
    def of(cls, dossier: Dossier) -> "FeeAccount":
        return cls(
            dossier=dossier.id,
            code=dossier.code,
            amount=dossier.fee_amount,
            paid=sum(payment.amount for payment in dossier.payments if payment.reversal is None),
            due=sum(bill.amount for bill in payments.due(dossier)),
            bills=tuple(BillView.of(dossier, bill) for bill in dossier.bills),
            payments=tuple(PaymentView.of(payment) for payment in dossier.payments),
        )


class Receipt(BaseModel):
    """What a receipt (biên lai) says. `number`: of the agency and the year; `reversed`: it is void."""

    number: str
    receipt_book: str | None
    agency: str
    agency_name: str
    dossier: str
    code: str | None
    procedure: str
    procedure_name: str
    payer: str
    lines: tuple[Line, ...]
    amount: int
    method: Method
    paid_at: datetime
    issued_at: datetime
    reversed: bool

    @classmethod
    def of(cls, dossier: Dossier, payment: Payment) -> "Receipt":
        return cls(
            number=payment.receipt,
            receipt_book=payment.receipt_book,
            agency=dossier.dimensions.agency,
            agency_name=dossier.agency_name,
            dossier=dossier.id,
            code=dossier.code,
            procedure=dossier.dimensions.procedure,
            procedure_name=dossier.procedure_name,
            payer=dossier.applicant.name,
            lines=payments.bill_of(dossier, payment.bill).lines,
            amount=payment.amount,
            method=payment.method,
            paid_at=payment.paid_at,
            issued_at=payment.recorded_at,
            reversed=payment.reversal is not None,
        )


class Paid(BaseModel):
    """What taking, placing or reversing a payment answers."""

    dossier: str
    code: str | None
    status: str
    version: int
    due: int
    payment: PaymentView

    @classmethod
    def of(cls, dossier: Dossier, payment: Payment, version: int) -> "Paid":
        return cls(
            dossier=dossier.id,
            code=dossier.code,
            status=dossier.status,
            version=version,
            due=sum(bill.amount for bill in payments.due(dossier)),
            payment=PaymentView.of(payment),
        )


class StrayView(BaseModel):
    """Money that settled no bill when it came. `text`: the purpose as it was sent. `dossier`: whose bill it names."""

    id: str
    version: int
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
    placing: Placing | None
    placed: str | None
    done_at: datetime | None
    done_by: str | None
    reason: str | None

    @classmethod
    def of(cls, stray: Stray, version: int) -> "StrayView":
        same = {name: getattr(stray, name) for name in cls.model_fields if name != "version"}
        return cls(version=version, **same)


class StrayPage(BaseModel):
    items: list[StrayView]
    next: str | None


class ReconciliationView(BaseModel):
    """`counts`: how many rows had each result. `missing`: recorded here, and not in the file. `clean`: every row is
    matched or known, and nothing is missing."""

    id: str
    dry_run: bool
    provider: str
    first: Annotated[date, Field(serialization_alias="from")]
    last: Annotated[date, Field(serialization_alias="to")]
    at: datetime
    sha256: str
    clean: bool
    counts: dict[Result, int]
    rows: tuple[RowResult, ...]
    missing: tuple[Missing, ...]

    @classmethod
    def of(cls, done: Reconciliation, *, dry_run: bool = False) -> "ReconciliationView":
        same: dict[str, Any] = {
            name: getattr(done, name) for name in cls.model_fields if name not in ("dry_run", "rows", "missing")
        }
        return cls(**same, dry_run=dry_run, rows=done.rows, missing=done.missing)
