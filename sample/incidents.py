"""What happens to a dossier while it is worked on: a supplement, a fee, more time, a stop."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sample import plan
from sample.driving import NEXT, Drive, Steps, instant, wait
from sample.plan import APPLICANTS, Fate, Incident
from sample.province import at, local_day
from sample.tally import Record

AFTER = timedelta(minutes=20)
"""So long after its reception the first officer has looked into it."""
ANSWERED_AFTER = timedelta(hours=18)
FEE = 47_000
"""In đồng; no fee of the sample's procedures is as much."""
BASIS = "Nghị định 118/2025/NĐ-CP"


def happen(drive: Drive, record: Record, task: Mapping[str, Any]) -> Steps:
    """What is planned for it, before its first `task` is completed."""
    match record.planned.incident:
        case Incident.SUPPLEMENT:
            yield from _supplement(drive, record, task)
        case Incident.FEE:
            yield from _fee(drive, record, task)
        case Incident.EXTENSION if record.due_at is not None:
            body = {"amount": 1, "unit": "working_day", "reason": "Phải lấy thêm ý kiến của cơ quan khác"}
            answer = _act(drive, record, task, f"dossiers/{record.id}/extension", body, _moment(record, AFTER))
            record.due_at, record.extended = instant(answer["due_at"]), True
    if record.planned.fate is Fate.STOPPED and record.received_at is not None:
        moment = at(drive.province.days.add(local_day(record.received_at), 1), time(10))
        _act(drive, record, task, f"dossiers/{record.id}/stop", {"reason": "Người nộp hồ sơ không hợp tác"}, moment)
        record.stopped_at = moment


def _supplement(drive: Drive, record: Record, task: Mapping[str, Any]) -> Steps:
    components = record.planned.body["components"][:1]
    body = {"components": [each["code"] for each in components], "reason": "Giấy tờ không rõ, không đọc được"}
    moment = _moment(record, AFTER)
    _act(drive, record, task, f"tasks/{task['id']}/supplement-request", body, moment)
    record.supplements_asked.append(moment or datetime.now(UTC))
    if record.planned.is_unanswered:
        record.waits = "supplement"
        return
    yield NEXT
    yield from _wait_for_intake(drive, record, "supplement_asked")
    actors = record.planned.actors
    who = actors.files if actors.files in APPLICANTS else actors.receives
    _answer(drive, record, who, "supplement", {"components": components})
    yield from _wait_for_the_clock(drive, record)


def _fee(drive: Drive, record: Record, task: Mapping[str, Any]) -> Steps:
    body = {"amount": FEE, "reason": "Phí thẩm định bổ sung", "basis": BASIS}
    _act(drive, record, task, f"tasks/{task['id']}/fee-request", body, _moment(record, AFTER))
    record.fees_asked += 1
    if record.planned.is_unanswered:
        record.waits = "paused"
        return
    yield NEXT
    yield from _wait_for_intake(drive, record, "fee_asked")
    _answer(drive, record, record.planned.actors.receives, "payments", {"amount": FEE})
    yield from _wait_for_the_clock(drive, record)


def _wait_for_intake(drive: Drive, record: Record, status: str) -> Steps:
    path = f"/api/intake/v1/dossiers/{record.id}"
    what = f"intake does not know that dossier {record.id} is {status}"
    yield from wait(drive, record.planned.actors.receives, path, lambda found: found["status"] == status, what)


def _answer(drive: Drive, record: Record, who: str, act: str, body: Mapping[str, Any]) -> None:
    """What the applicant does, on the next day but before the last one ends."""
    moment = _moment(record, AFTER + ANSWERED_AFTER)
    if moment is not None:
        moment = min(moment, at(drive.last, plan.CLOSING))
    drive.api.post(who, f"/api/intake/v1/dossiers/{record.id}/{act}", body, drive.key(record, act), moment)
    record.begun_at = moment or datetime.now(UTC)


def _wait_for_the_clock(drive: Drive, record: Record) -> Steps:
    """Until workflow's clock goes on, which may have moved the due date."""
    timeline = yield from wait(
        drive,
        record.planned.actors.works,
        f"/api/workflow/v1/dossiers/{record.id}/timeline",
        lambda found: found["state"] == "running",
        f"workflow does not go on with dossier {record.id}",
    )
    due_at = instant(timeline["due_at"])
    if due_at is not None and record.due_at is not None and due_at < record.due_at:
        drive.broken.append(f"dossier {record.id}: a pause brought its due date forward, to {timeline['due_at']}")
    record.due_at = due_at


def _act(
    drive: Drive, record: Record, task: Mapping[str, Any], path: str, body: Mapping[str, Any], moment: datetime | None
) -> Any:
    who = drive.who_works(record.planned, task["agency"])
    key = drive.key(record, path.rpartition("/")[2])
    return json.loads(drive.api.post(who, f"/api/workflow/v1/{path}", body, key, moment))


def _moment(record: Record, after: timedelta) -> datetime | None:
    """So long after the reception; None for now."""
    return None if record.planned.now or record.received_at is None else record.received_at + after
