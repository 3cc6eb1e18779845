"""What a dossier owes: the lines of its bills, exemptions, references, and how they are found in what payers write."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from intake.domain import dossiers, fees
from intake.domain.fees import Bill
from intake.domain.vietqr import fits_purpose
from intake.inbound import Exemption, Fee
from tests.intake import making

DAY = date(2026, 3, 4)
POOR = Exemption(code="HN", name="Hộ nghèo", legal_basis="Nghị quyết 24/2025/NQ-HĐND")
CHILD = Exemption(code="TE", name="Trẻ em", legal_basis="Luật Phí và lệ phí")


def fee(code: str = "LP1", amount: int = 100_000, **more: Any) -> Fee:
    return Fee(code=code, name="Lệ phí", kind="charge", amount=amount, **more)


def bills(*asked: Fee, claimed: tuple[str, ...] = (), online: bool = False) -> tuple[Bill, ...]:
    procedure = making.procedure(fees=asked)
    assert fees.check_claims(procedure, DAY, claimed) == []
    return fees.bills_at_filing("d1", procedure, DAY, claimed, making.FILED_AT, None, online=online)


def test_the_bill_has_a_line_for_each_fee_that_is_in_force_on_the_day() -> None:
    [bill] = bills(
        fee("A", 1),
        fee("B", 2, valid_from=date(2026, 3, 4)),
        fee("C", 4, valid_from=date(2026, 3, 5)),
        fee("D", 8, valid_to=date(2026, 3, 4)),
        fee("E", 16, valid_to=date(2026, 3, 5)),
    )
    assert ([line.code for line in bill.lines], bill.amount, bill.number) == (["A", "B", "E"], 19, 1)


def test_filing_online_may_cost_less() -> None:
    asked = fee("A", 100, online_amount=50), fee("B", 10), fee("C", 1, online_amount=0)
    [online] = bills(*asked, online=True)
    assert [(line.amount, line.rate) for line in online.lines] == [(50, "online"), (10, "standard"), (0, "online")]
    assert bills(*asked)[0].amount == 111


def test_where_nothing_is_asked_for_there_is_no_bill() -> None:
    assert bills() == ()
    assert bills(fee(valid_to=DAY)) == ()


def test_a_claimed_exemption_counts_until_an_officer_says_otherwise() -> None:
    [bill] = bills(fee("A", 100, exemptions=(POOR, CHILD)), fee("B", 10), claimed=("HN",))
    exempt, other = bill.lines
    assert (exempt.amount, exempt.full_amount, exempt.rate, exempt.basis) == (0, 100, "exempt", POOR.legal_basis)
    assert exempt.claim == fees.Claim(code="HN", name="Hộ nghèo")
    assert (other.amount, other.claim) == (10, None)
    confirmed = fees.bills_with_claims_decided("d1", (bill,), None, making.FILED_AT)
    assert [line.claim and line.claim.confirmed for line in confirmed[0].lines] == [True, None]
    assert fees.total(confirmed) == 10


def test_what_was_claimed_without_right_is_asked_for_with_a_bill_of_its_own() -> None:
    first = bills(fee("A", 100, exemptions=(POOR,)), fee("B", 10, exemptions=(CHILD,)), claimed=("HN", "TE"))
    decided = fees.bills_with_claims_decided("d1", first, ("TE",), making.FILED_AT)
    assert [bill.amount for bill in decided] == [0, 100]
    assert [line.claim and line.claim.confirmed for line in decided[0].lines] == [False, True]
    assert [(line.code, line.rate, line.claim) for line in decided[1].lines] == [("A", "asked", None)]
    assert decided[1].reference != decided[0].reference
    assert fees.open_bills(decided, ()) == [decided[1]]


def test_only_what_was_claimed_can_be_confirmed() -> None:
    first = bills(fee("A", 100, exemptions=(POOR, CHILD)), claimed=("HN",))
    with pytest.raises(Invalid) as raised:
        fees.bills_with_claims_decided("d1", first, ("HN", "TE"), making.FILED_AT)
    assert [(error.pointer, error.code) for error in raised.value.errors] == [("/exemptions/1", "not_claimed")]


def test_a_filing_claims_only_what_the_procedure_knows_and_only_once() -> None:
    procedure = making.procedure(fees=(fee(exemptions=(POOR,), valid_to=date(2026, 3, 5)),))
    found = fees.check_claims(procedure, DAY, ("HN", "XX", "HN"))
    assert [(error.pointer, error.code) for error in found] == [
        ("/exemptions/1", "unknown_exemption"),
        ("/exemptions/2", "repeated_exemption"),
    ]
    gone = fees.check_claims(procedure, date(2026, 3, 5), ("HN",))
    assert [error.code for error in gone] == ["unknown_exemption"], "the fee that had it is not asked any more"


def test_at_the_counter_the_officer_confirms_what_they_type_in() -> None:
    procedure = making.procedure(fees=(fee("A", 100, exemptions=(POOR,)),))
    filing = making.filing(channel="counter", exemptions=("HN",))
    filed, _ = dossiers.file("d1", filing, procedure, making.agency(), making.by(), owner=None, secret="2345678ABC")
    received, told = dossiers.receive(filed, "H56.30-260304-0001", making.promised(filed), making.by())
    assert [line.claim and line.claim.confirmed for line in received.bills[0].lines] == [True]
    assert (received.status, len(told)) == (dossiers.Status.RECEIVED, 1)


@given(st.text(max_size=40), st.integers(1, 9))
def test_a_reference_fits_a_transfer_and_is_the_same_each_time(dossier: str, number: int) -> None:
    reference = fees.reference_of(dossier, number)
    assert reference == fees.reference_of(dossier, number)
    assert reference != fees.reference_of(dossier, number + 1)
    assert fits_purpose(reference)
    assert fees.order_in(f"CT DEN:0123 {reference.lower()}; NGUYEN THI HOA") == reference


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("H56.30-260304-0001", "H56.30-260304-0001"),
        ("nop phi h56.30-260304-0001.", "H56.30-260304-0001"),
        ("000.17.22.H56-210531-0001", "000.17.22.H56-210531-0001"),
        ("MBVCB.1234.H56.30-260304-12345.CT tu 0123", "H56.30-260304-12345"),
        ("MC23456789ABCD H56.30-260304-0001", None),
        ("MC23456789ABCD mc23456789abcd", "MC23456789ABCD"),
        ("MC0O1I56789ABC", None),
        ("H56.30-260304-00012345", None),
        ("=cmd|' /C calc'!A0", None),
        ("", None),
    ],
)
def test_an_order_is_found_among_other_words(text: str, order: str | None) -> None:
    assert fees.order_in(text) == order
