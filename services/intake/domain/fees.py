"""What a dossier owes, and what was paid of it. Plain Python; amounts are đồng.

A dossier owes bills: the first is made at filing from the procedure version, each further one by an act that asks for
more. A bill's amount never changes, since somebody may be paying it at this moment: it is paid as a whole, by one
payment, or cancelled. So a fee is neither lost nor counted twice, whatever is repeated or comes late.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chassis.errors import FieldError, Invalid
from chassis.evolving import replace
from intake.domain.vietqr import Account
from intake.inbound import Fee, Procedure

FeeKind = Literal["fee", "charge"]
Rate = Literal["standard", "online", "exempt", "asked"]
Method = Literal["transfer", "cash", "card"]
PaymentChannel = Literal["online", "counter"]

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, since people type a reference off a screen into their bank's form."""
_REFERENCE = re.compile(r"MC[2-9A-HJ-NP-Z]{12}")
_CODE = re.compile(r"(?<![A-Z0-9])(?:(?:\d{2,3}\.){1,3}[A-Z]\d{2}|[A-Z]\d{2}(?:\.\d{2}){0,3})-\d{6}-\d{4,7}(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An exemption that the applicant claims for a line. `confirmed`: what the officer found, None before that."""

    code: str
    name: str
    confirmed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`amount` is asked for, `full_amount` would be without the claim. `rate`: why it is this much; `basis`: the law
    that an exemption or a later request rests on."""

    code: str
    name: str
    kind: FeeKind
    amount: int
    full_amount: int
    rate: Rate
    basis: str | None = None
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """`number`: from 1. The first is made at filing, if the procedure asks for anything then; those that are asked for
    later have a `reason`. `reference`: what a transfer names it by. `payee`: the account that the payer was told, None
    where transfers are not taken. `told`: the sequence of workflow's event that asked for it; 0: the one-stop unit
    did."""

    number: int
    reference: str
    lines: tuple[Line, ...]
    at: datetime
    payee: Account | None
    reason: str | None = None
    cancelled: Cancellation | None = None
    told: int = 0

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The money for one bill. `id` is the same for the same transaction of the same provider, for ever. `receipt`: its
    number, of the agency and the year; `receipt_book`: the number of a paper one that was given besides. `by`: the
    officer who took it, or the provider that told of it."""

    id: str
    bill: int
    amount: int
    channel: PaymentChannel
    method: Method
    receipt: str
    paid_at: datetime
    recorded_at: datetime
    by: str
    provider: str | None = None
    transaction: str | None = None
    receipt_book: str | None = None
    reversal: Reversal | None = None


# -- what is owed ------------------------------------------------------------------------------------------------------


def check_claims(procedure: Procedure, day: date, claimed: Sequence[str]) -> list[FieldError]:
    """What is wrong with the exemptions that a filing claims."""
    offered = {exemption.code for fee in _asked_on(procedure, day) for exemption in fee.exemptions}
    wrong = []
    for index, code in enumerate(claimed):
        if code not in offered:
            wrong.append(
                FieldError(f"/exemptions/{index}", "unknown_exemption", "no fee of the procedure has this exemption")
            )
        elif code in claimed[:index]:
            wrong.append(FieldError(f"/exemptions/{index}", "repeated_exemption", "the exemption is there twice"))
    return wrong


def bills_at_filing(
    dossier: str, procedure: Procedure, day: date, claimed: Sequence[str], at: datetime, payee: Account | None, *,
    online: bool,
) -> tuple[Bill, ...]:  # fmt: skip
    """What the procedure version asks for on that day; no bill where it asks for nothing. A claimed exemption counts
    until an officer says otherwise, so that nobody pays what they need not."""
    lines = tuple(_line(fee, claimed, online=online) for fee in _asked_on(procedure, day))
    return (Bill(number=1, reference=reference_of(dossier, 1), lines=lines, at=at, payee=payee),) if lines else ()


def bills_with_claims_decided(
    dossier: str, bills: tuple[Bill, ...], confirmed: Sequence[str] | None, at: datetime
) -> tuple[Bill, ...]:
    """The bills after an officer looked at the claims; None confirms them all. What was claimed without right is asked
    for with a bill of its own, since the first may be paid already. Invalid for a code that nobody claimed."""
    require_claimed(bills, confirmed)
    found = _claimed(bills) if confirmed is None else set(confirmed)
    decided = tuple(replace(bill, lines=tuple(_decided(line, found) for line in bill.lines)) for bill in bills)
    owed = tuple(
        replace(line, amount=line.full_amount, rate="asked", basis=None, claim=None)
        for bill in decided
        for line in bill.lines
        if line.claim is not None and not line.claim.confirmed and line.full_amount
    )
    if not owed:
        return decided
    number = len(bills) + 1
    reason = "Không đủ điều kiện miễn, giảm"
    payee = bills[0].payee
    more = Bill(number=number, reference=reference_of(dossier, number), lines=owed, at=at, payee=payee, reason=reason)
    return (*decided, more)


def require_claimed(bills: Sequence[Bill], codes: Sequence[str] | None) -> None:
    """Invalid for a code of an exemption that nobody claimed."""
    claimed = _claimed(bills)
    wrong = [
        FieldError(f"/exemptions/{index}", "not_claimed", "the applicant does not claim this exemption")
        for index, code in enumerate(codes or ())
        if code not in claimed
    ]
    if wrong:
        raise Invalid("only what was claimed can be confirmed", errors=wrong)


def _claimed(bills: Sequence[Bill]) -> set[str]:
    return {line.claim.code for bill in bills for line in bill.lines if line.claim is not None}


def open_bills(bills: Sequence[Bill], payments: Sequence[Payment]) -> list[Bill]:
    """What is still to be paid, oldest first."""
    paid = {payment.bill for payment in payments if payment.reversal is None}
    return [bill for bill in bills if bill.cancelled is None and bill.amount and bill.number not in paid]


def asked_and_open(bills: Sequence[Bill], payments: Sequence[Payment]) -> list[Bill]:
    """What was asked for after the filing and is still to be paid. It has a reason; where the procedure asks for
    nothing at the filing, it may be the first bill."""
    return [bill for bill in open_bills(bills, payments) if bill.reason is not None]


def total(bills: Sequence[Bill]) -> int:
    """Everything that is or was asked for, cancelled bills left out."""
    return sum(bill.amount for bill in bills if bill.cancelled is None)


def _asked_on(procedure: Procedure, day: date) -> list[Fee]:
    return [
        fee
        for fee in procedure.fees
        if (fee.valid_from is None or fee.valid_from <= day) and (fee.valid_to is None or day < fee.valid_to)
    ]


def _line(fee: Fee, claimed: Sequence[str], *, online: bool) -> Line:
    reduced = online and fee.online_amount is not None
    full = fee.online_amount if online and fee.online_amount is not None else fee.amount
    line = Line(
        code=fee.code,
        name=fee.name,
        kind=fee.kind,
        amount=full,
        full_amount=full,
        rate="online" if reduced else "standard",
    )
    exemption = next((each for each in fee.exemptions if each.code in claimed), None)
    if exemption is None:
        return line
    claim = Claim(code=exemption.code, name=exemption.name)
    return replace(line, amount=0, rate="exempt", basis=exemption.legal_basis, claim=claim)


def _decided(line: Line, confirmed: set[str]) -> Line:
    if line.claim is None:
        return line
    return replace(line, claim=replace(line.claim, confirmed=line.claim.code in confirmed))


# -- how a transfer names it -------------------------------------------------------------------------------------------


def reference_of(dossier: str, number: int) -> str:
    """What a transfer names a dossier's bill by: 14 ASCII letters and digits, the same each time, 60 bits of SHA-256.
    An index makes sure that no two bills have the same."""
    value = int.from_bytes(hashlib.sha256(f"bill\x1f{dossier}\x1f{number}".encode()).digest()[:8], "big")
    return "MC" + "".join(_LETTERS[value >> 5 * n & 31] for n in range(12))


def order_in(text: str) -> str | None:
    """The reference or dossier code in what a payer or a bank wrote as the purpose; None where there is none.

    Banks put words around it and change the case. A text that names two different ones names none.
    """
    upper = text.upper()
    found = {*_REFERENCE.findall(upper), *_CODE.findall(upper)}
    return found.pop() if len(found) == 1 else None
