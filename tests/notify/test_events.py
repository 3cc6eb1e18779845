"""The contract samples of what notify publishes."""

from datetime import UTC, datetime
from typing import Any

from chassis.envelope import EventData, outgoing
from notify import events
from tests.support.samples import check_each

AT = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)
MESSAGE = "5f1c2a7e-9b1d-8c4e-8a52-2f0d6b7c9e11"
ABOUT: dict[str, Any] = {
    "dossier": "0198f3a1-6c00-8000-9000-00000000d001",
    "code": "H56.30-260304-0001",
    "agency": "H56.30",
    "channel": "email",
    "template": "received",
    "at": AT,
}

CONSIGNMENT: dict[str, Any] = {
    "dossier": "0198f3a1-6c00-8000-9000-00000000d001",
    "code": "H56.30-260304-0001",
    "agency": "H56.30",
    "order": "H56.30-260304-0001-1",
    "tracking": "EB123456789VN",
}


def test_samples() -> None:
    published: list[EventData] = [
        events.MessageSent(**ABOUT, attempts=2),
        events.MessageFailed(**ABOUT, attempts=13, reason="given_up"),
        events.PostDelivered(**CONSIGNMENT, delivered_at=AT),
        events.PostFailed(**CONSIGNMENT, failed_at=AT, returned=False),
    ]
    bodies = [outgoing(data, subject=MESSAGE, sequence=1, time=AT).body.encode() for data in published]
    check_each(events.PUBLISHED, bodies)
