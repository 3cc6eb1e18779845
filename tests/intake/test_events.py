"""What intake publishes is what its contract samples say, and it reads what catalog and workflow publish."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from chassis.consume import Done, Later
from chassis.envelope import outgoing
from intake import events
from intake.domain import dossiers as domain
from tests.intake import making
from tests.support.samples import check_each, sample
from tests.support.services import Running

CATALOG = ("procedure.published", "procedure.withdrawn", "agency.changed", "calendar.changed")
WORKFLOW = ("dossier.started", "task.completed", "dossier.transferred", "dossier.finished")
DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def body(data: Any, sequence: int, at: datetime) -> bytes:
    return outgoing(data, subject=DOSSIER, sequence=sequence, time=at, trace=TRACE).body.encode()


def test_published_events_are_the_samples() -> None:
    """One dossier, from the filing to the hand-over; and what a refusal would have said."""
    filing = making.filing(components=(domain.Submitted(code="TP1", originals=1, digitised=True),))
    dossier, (filed,) = domain.file(
        DOSSIER, filing, making.procedure(), making.agency(), making.by(), owner="person-hoa", secret="2345678ABC"
    )
    received_by = making.by(1)
    promised = making.promised(dossier)
    received, (taken,) = domain.receive(dossier, "H56.30-260304-0001", promised, received_by)
    _, (refused,) = domain.refuse(dossier, "Không thuộc thẩm quyền giải quyết", received_by)
    started = domain.note_started(received, received_by.at, 4)
    processed = domain.note_finished(started, "approved", "early", received_by.at + timedelta(hours=4))
    handed_over_by = making.by(6)
    _, (handed_over,) = domain.hand_over(processed, "Trần Văn Bình", "collect", handed_over_by)

    check_each(
        events.PUBLISHED,
        [
            body(filed, 1, dossier.filed_at),
            body(taken, 2, received_by.at),
            body(refused, 2, received_by.at),
            body(handed_over, 3, handed_over_by.at),
        ],
    )


@pytest.mark.parametrize("name", CATALOG)
def test_it_keeps_what_catalog_publishes(intake: Running, name: str) -> None:
    for collection in ("procedures", "agencies", "calendars"):
        intake.database[collection].delete_many({})
    assert intake.hear([sample(f"catalog.{name}.v1")]) == [Done()]


@pytest.mark.parametrize("name", WORKFLOW)
def test_it_reads_what_workflow_publishes(intake: Running, name: str) -> None:
    assert intake.hear([sample(f"workflow.{name}.v1")]) == [Later("dossier_unknown")]
