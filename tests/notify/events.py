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
FEE_ASKED, PAID = "intake.fee.asked.v1", "intake.fee.paid.v1"
FINISHED, PAUSED, RESUMED, RESCHEDULED, EXTENDED, STOPPED = (
    f"workflow.dossier.{verb}.v1" for verb in ("finished", "paused", "resumed", "rescheduled", "extended", "stopped")
)
POST_FAILED = "notify.post.failed.v1"
SUPPLEMENT_ASKED = "workflow.supplement.requested.v1"
APPROACHING, MISSED = "workflow.deadline.approaching.v1", "workflow.deadline.missed.v1"
TASK_OVERDUE = "workflow.task.overdue.v1"
TYPES = (
    FILED,
    RECEIVED,
    REFUSED,
    SUPPLEMENT_REQUESTED,
    WITHDRAWN,
    HANDED_OVER,
    FEE_ASKED,
    FINISHED,
    SUPPLEMENT_ASKED,
    RESUMED,
    EXTENDED,
    STOPPED,
    PAID,
    PAUSED,
    RESCHEDULED,
    POST_FAILED,
)
"""What applicants are told of."""
AGENCY_TYPES = (APPROACHING, MISSED, TASK_OVERDUE)
"""What agencies are told of."""
INSTANTS = {
    FILED: "filed_at",
    RECEIVED: "received_at",
    REFUSED: "refused_at",
    SUPPLEMENT_REQUESTED: "requested_at",
    WITHDRAWN: "withdrawn_at",
    HANDED_OVER: "handed_over_at",
    FEE_ASKED: "asked_at",
    FINISHED: "finished_at",
    SUPPLEMENT_ASKED: "requested_at",
    RESUMED: "resumed_at",
    EXTENDED: "extended_at",
    STOPPED: "stopped_at",
    PAID: "paid_at",
    PAUSED: "paused_at",
    RESCHEDULED: "due_at",
    POST_FAILED: "failed_at",
    APPROACHING: "due_at",
    MISSED: "due_at",
    TASK_OVERDUE: "due_at",
}
TOLD_OF: dict[str, dict[str, Any]] = {PAID: {"settled": True}, PAUSED: {"kind": "other"}}
"""What the event must say for anybody to be told."""
EMAIL = "hoa@example.vn"
PERSON = "person-hoa"


def event(
    event_type: str, dossier: str, sequence: int, at: datetime, *, personal: dict[str, Any] | None = None, **data: Any
) -> bytes:
    """A CloudEvent as it comes from the broker: the sample, but of this dossier, at this time, with these data."""
    made = json.loads(sample(event_type))
    made |= {"id": envelope.event_id(event_type, dossier, sequence), "subject": dossier, "sequence": sequence}
    made["data"] |= {INSTANTS[event_type]: at.isoformat(), **TOLD_OF.get(event_type, {}), **data}
    if event_type == POST_FAILED:
        made["data"]["dossier"] = dossier
    if "personal" in made["data"]:
        known = {"name": "Nguyễn Thị Hoa", "email": EMAIL, "phone": None, "person": PERSON}
        made["data"]["personal"] |= known | (personal or {})
    if event_type in (*AGENCY_TYPES, RESCHEDULED):
        made["time"] = at.isoformat()
    return json.dumps(made).encode()


def agency(id: str, email: str | None, sequence: int = 1, name: str = "Sở Xây dựng") -> bytes:
    """catalog.agency.changed"""
    made = json.loads(sample("catalog.agency.changed.v1"))
    made |= {"id": f"catalog.agency:{id}:{sequence}", "subject": id, "sequence": sequence}
    made["data"]["agency"] |= {"id": id, "name": name, "email": email}
    return json.dumps(made).encode()
