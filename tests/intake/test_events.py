"""What intake publishes is what its contract samples say, and it reads what catalog and workflow publish."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chassis.consume import Done, Later
from chassis.envelope import outgoing
from intake import events
from intake.domain import documents, fees, life, payments, progress
from intake.domain import dossiers as domain
from tests.intake import making
from tests.support.samples import check_each, sample
from tests.support.services import Running

CATALOG = ("procedure.published", "procedure.withdrawn", "agency.changed", "agency.succeeded", "calendar.changed")
WORKFLOW = ("dossier.started", "task.completed", "dossier.transferred", "dossier.rescheduled", "dossier.finished")
DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"
DOCUMENT = "0198f3a1-6c00-8000-9000-0000000000d1"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def body(data: Any, sequence: int, at: datetime) -> bytes:
    return outgoing(data, subject=DOSSIER, sequence=sequence, time=at, trace=TRACE).body.encode()


def test_published_events_are_the_samples() -> None:
    """One dossier, from the filing to the hand-over; and what a refusal would have said."""
    filing = making.filing(components=(domain.Submitted(code="TP1", paper=domain.Paper(originals=1), digitised=True),))
    dossier, (filed,) = domain.file(
        DOSSIER, filing, making.procedure(), making.agency(), making.by(), owner="person-hoa", secret="2345678ABC"
    )
    received_by = making.by(1)
    promised = making.promised(dossier)
    received, (taken,) = domain.receive(dossier, "H56.30-260304-0001", promised, received_by)
    _, (refused,) = domain.refuse(dossier, "Không thuộc thẩm quyền giải quyết", received_by)
    started = progress.note_started(received, received_by.at, 4)
    processed = progress.note_finished(started, "approved", "early", received_by.at + timedelta(hours=4))
    asked, (requested,) = life.ask_supplement(
        dossier, ["TP2"], "Bổ sung hợp đồng thuê địa điểm", date(2026, 3, 10), {"TP1", "TP2"}, received_by
    )
    lease = domain.Submitted(code="TP2", paper=domain.Paper(copies=1))
    _, (supplemented,) = life.supplement(asked, [lease], None, making.by(2))
    _, (withdrawn,) = life.withdraw(received, "Không còn nhu cầu", making.by(2))
    handed_over_by = making.by(6)
    returned, (handed_over,) = domain.hand_over(processed, "Trần Văn Bình", "collect", handed_over_by)

    _, (rated,) = life.rate(returned, 5, "Rất hài lòng", making.by(7))

    digitised_by, lookup = making.by(3), making.lookup()
    _, (digitised,) = documents.digitise(received, "TP1", making.file(), None, None, digitised_by)
    reusing = domain.Submitted(code="TP2", reuse=DOCUMENT, kind="KQ.G12.001041", chosen=True)
    _, (_, reused) = domain.file(
        DOSSIER, replace(filing, components=(*filing.components, reusing)), making.procedure(), making.agency(),
        making.by(), owner="person-hoa", secret="2345678ABC",
    )  # fmt: skip

    fee_by = making.by(4)
    line = fees.Line(code="PTD", name="Phí thẩm định", kind="fee", amount=20_000, full_amount=20_000, rate="asked")
    to_be_paid, (fee_asked,) = payments.ask(started, [line], "Phải thẩm định tại chỗ", None, fee_by)
    bill = to_be_paid.bills[-1]
    arrived = payments.Arrived(
        id="5d0f3c52-8a53-8b6e-9c2f-000000000001", provider="napas", transaction="FT26063000001", order=bill.reference,
        text=bill.reference, amount=bill.amount, paid_at=fee_by.at,
    )  # fmt: skip
    payment = payments.online_payment(arrived, bill, "H56.30-BL26-000001", fee_by)
    paid, (fee_paid,) = payments.pay(to_be_paid, payment, fee_by)
    _, (fee_cancelled,) = payments.cancel(to_be_paid, bill.number, "Không phải thẩm định tại chỗ", making.by(5))
    _, (fee_reversed,) = payments.reverse(paid, payment.id, "Ngân hàng hủy giao dịch", making.by(5))

    check_each(
        events.PUBLISHED,
        [
            body(fee_asked, 3, fee_by.at),
            body(fee_paid, 4, fee_by.at),
            body(fee_reversed, 5, making.by(5).at),
            body(fee_cancelled, 4, making.by(5).at),
            body(digitised, 3, digitised_by.at),
            body(reused, 2, dossier.filed_at),
            outgoing(lookup.told, subject=lookup.id, sequence=1, time=lookup.at, trace=TRACE).body.encode(),
            body(filed, 1, dossier.filed_at),
            body(taken, 2, received_by.at),
            body(refused, 2, received_by.at),
            body(handed_over, 3, handed_over_by.at),
            body(requested, 2, received_by.at),
            body(supplemented, 3, making.by(2).at),
            body(withdrawn, 3, making.by(2).at),
            body(rated, 4, making.by(7).at),
        ],
    )


@pytest.mark.parametrize("name", CATALOG)
def test_it_keeps_what_catalog_publishes(intake: Running, name: str) -> None:
    for collection in ("procedures", "agencies", "calendars", "successions"):
        intake.database[collection].delete_many({})
    assert intake.hear([sample(f"catalog.{name}.v1")]) == [Done()]


@pytest.mark.parametrize("name", WORKFLOW)
def test_it_reads_what_workflow_publishes(intake: Running, name: str) -> None:
    assert intake.hear([sample(f"workflow.{name}.v1")]) == [Later("dossier_unknown")]
