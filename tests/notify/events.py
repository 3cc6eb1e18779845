"""The events that notify consumes, made from their publishers' contract samples."""

import json
from datetime import datetime
from typing import Any

from chassis import envelope
from tests.support.samples import sample

FILED, RECEIVED, REFUSED, SUPPLEMENT_REQUESTED, WITHDRAWN, HANDED_OVER = (
    f"intake.dossier.{verb}.v1"
    for verb in ("filed", "received", "refused", "supplement_requested", "withdrawn", "handed_over")
)
FINISHED = "workflow.dossier.finished.v1"
TYPES = (FILED, RECEIVED, REFUSED, SUPPLEMENT_REQUESTED, WITHDRAWN, HANDED_OVER, FINISHED)
INSTANTS = {
    FILED: "filed_at",
    RECEIVED: "received_at",
    REFUSED: "refused_at",
    SUPPLEMENT_REQUESTED: "requested_at",
    WITHDRAWN: "withdrawn_at",
    HANDED_OVER: "handed_over_at",
    FINISHED: "finished_at",
}
EMAIL = "hoa@example.vn"
PERSON = "person-hoa"


def event(
    event_type: str, dossier: str, sequence: int, at: datetime, *, personal: dict[str, Any] | None = None, **data: Any
) -> bytes:
    """A CloudEvent as it comes from the broker: the sample, but of this dossier, at this time, with these data."""
    made = json.loads(sample(event_type))
    made |= {"id": envelope.event_id(event_type, dossier, sequence), "subject": dossier, "sequence": sequence}
    made["data"] |= {INSTANTS[event_type]: at.isoformat(), **data}
    if "personal" in made["data"]:
        known = {"name": "Nguyễn Thị Hoa", "email": EMAIL, "phone": None, "person": PERSON}
        made["data"]["personal"] |= known | (personal or {})
    return json.dumps(made).encode()
