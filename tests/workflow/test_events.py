"""What workflow publishes is what its contract samples say, and it reads what catalog and intake publish."""

from datetime import date, datetime
from typing import Any

import pytest

from chassis import worktime
from chassis.consume import Done, Later
from chassis.envelope import outgoing
from tests.support.samples import check_each, sample
from tests.support.services import Running
from tests.workflow import making
from workflow import events
from workflow.domain import calendars, course

CATALOG = ("procedure.published", "agency.changed", "agency.succeeded", "calendar.changed")
DOSSIER = "0198f3a1-6c00-8000-9000-00000000d001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_published_events_are_the_samples() -> None:
    """A dossier goes to the parent agency, is decided there and comes back; of each type, the first that is said."""
    begun_at = making.RECEIVED_AT
    process, began = course.start(
        DOSSIER, making.received(10), making.land(), making.agency(), making.CALENDAR, making.by().recorded_at
    )
    said: list[tuple[Any, datetime]] = [(data, begun_at) for data in began]
    off = worktime.Calendar([(date(2026, 3, 10), "off")], [2026])
    _, moved = calendars.reschedule(process, 2026, "Thông báo 12/TB", off, making.by(1))
    said += [(data, making.by(1).at) for data in moved]
    for n, step in enumerate(("s1", "s2", "s3", "s4"), 1):
        process, more = making.complete(process, step, making.by(n))
        said += [(data, making.by(n).at) for data in more]
    bodies: dict[str, bytes] = {}
    for sequence, (data, at) in enumerate(said, 1):
        event = outgoing(data, subject=DOSSIER, sequence=sequence, time=at, trace=TRACE)
        bodies.setdefault(data.TYPE, event.body.encode())
    check_each(events.PUBLISHED, list(bodies.values()))


@pytest.mark.parametrize("name", CATALOG)
def test_it_keeps_what_catalog_publishes(workflow: Running, name: str) -> None:
    for collection in ("procedures", "agencies", "calendars", "successions"):
        workflow.database[collection].delete_many({})
    assert workflow.hear([sample(f"catalog.{name}.v1")]) == [Done()]


def test_it_reads_what_intake_publishes(workflow: Running) -> None:
    """The sample's procedure and agency are those of the small province, so that it starts at once."""
    received = sample("intake.dossier.received.v1")
    assert workflow.hear([received]) == [Done()]
    workflow.database["procedures"].delete_many({})
    with_unknown_version = received.replace(b'"procedure_version": 1', b'"procedure_version": 7')
    assert with_unknown_version != received
    assert workflow.hear([with_unknown_version]) == [Later("procedure_not_here_yet")]
