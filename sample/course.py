"""One dossier's way through the province, act by act over the API."""

import json
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sample import plan
from sample.client import Api, Refused
from sample.load import Failed
from sample.plan import ENDED, MIGRATION, Fate
from sample.province import Province, at, local_day, stamp
from sample.tally import Record

NEXT = 0.0
POLL_SECONDS = 0.4
WAIT_SECONDS = 120
TWICE_EVERY = 20
"""As offices whose connection broke do, every so many filings are sent again."""

Steps = Generator[float, None, None]
"""Yields whenever another dossier may go first: how many seconds it has to wait."""


@dataclass(slots=True)
class Drive:
    """What all courses share. `run`: the name that keys are made from; `last`: the last working day before today."""

    api: Api
    run: str
    province: Province
    last: date
    agencies: Mapping[str, str]
    broken: list[str] = field(default_factory=list)
    """Promises that the system did not keep, besides counts."""


def lead(drive: Drive, record: Record) -> Steps:
    """From the filing to where the plan ends. Raises Failed, client.Refused, client.Unreachable."""
    planned = record.planned
    _file(drive, record)
    yield NEXT
    if planned.fate is Fate.WAITING:
        return
    if planned.channel == "online":
        _receive_or_refuse(drive, record)
        yield NEXT
    if planned.fate is Fate.REFUSED:
        return
    yield from _work(drive, record)
    if planned.fate in ENDED:
        yield from _wait_for_the_result(drive, record)
    if planned.fate is Fate.RETURNED:
        _hand_over(drive, record)


def _file(drive: Drive, record: Record) -> None:
    planned = record.planned

    def send() -> bytes:
        return _post(drive, record, planned.actors.files, "/dossiers", planned.body, "filing", planned.filed_at)

    filed_at = planned.filed_at or datetime.now(UTC)
    first = send()
    if planned.number % TWICE_EVERY == 0 and send() != first:
        drive.broken.append(f"dossier {planned.number}: the same filing with the same key got another answer")
    answer = json.loads(first)
    record.id, record.filed_at = answer["id"], filed_at
    if planned.channel != "online":
        record.received_at, record.due_at = filed_at, _instant(answer["due_at"])
    wanted = "filed" if planned.channel == "online" else "received"
    if answer["status"] != wanted:
        drive.broken.append(f"dossier {record.id}: filed by {planned.channel}, it is {answer['status']}")


def _receive_or_refuse(drive: Drive, record: Record) -> None:
    planned = record.planned
    moment = planned.received_at or datetime.now(UTC)
    if planned.fate is Fate.REFUSED:
        reason = {"reason": "Hồ sơ không thuộc thẩm quyền giải quyết của cơ quan"}
        path = f"/dossiers/{record.id}/refusal"
        _post(drive, record, planned.actors.receives, path, reason, "refusal", planned.received_at)
        record.refused_at = moment
        return
    path = f"/dossiers/{record.id}/reception"
    answer = json.loads(_post(drive, record, planned.actors.receives, path, {}, "reception", planned.received_at))
    record.received_at, record.due_at = moment, _instant(answer["due_at"])


def _work(drive: Drive, record: Record) -> Steps:
    """Completes the tasks in the process's order, all of them or the share that is planned."""
    planned = record.planned
    timeline: Any = None
    path = f"/api/workflow/v1/dossiers/{record.id}/timeline"
    deadline = time.monotonic() + WAIT_SECONDS
    while (timeline := _found(drive, planned.actors.works, path)) is None:
        yield _poll(deadline, f"workflow does not know dossier {record.id}")
    if _instant(timeline["due_at"]) != record.due_at:
        promised = record.due_at and stamp(record.due_at)
        drive.broken.append(f"dossier {record.id}: due {promised} was promised, and workflow has {timeline['due_at']}")
    tasks = {task["id"]: task for task in timeline["tasks"]}
    open_tasks = [task["id"] for task in timeline["tasks"] if task["state"] == "open"]
    moments = _moments(drive, record, len(tasks))
    state = timeline["state"]
    while moments and open_tasks:
        yield NEXT
        task, moment = tasks[open_tasks[0]], moments.pop(0)
        who = planned.actors.works
        if drive.agencies.get(who) != task["agency"]:
            who = MIGRATION
        body = {"outcome": planned.outcome if task["decision"] else "completed"}
        path = f"/api/workflow/v1/tasks/{task['id']}/completion"
        answer = json.loads(drive.api.post(who, path, body, _key(drive, record, task["step"]), moment))
        open_tasks, state = answer["open_tasks"], answer["state"]
        record.steps_done += 1
        record.transferred |= task["agency"] != planned.agency
        if state == "finished":
            record.finished_at = moment or datetime.now(UTC)
    if planned.fate in ENDED and state != "finished":
        raise Failed(f"dossier {record.id} has all its {len(tasks)} steps behind it and is {state}")


def _moments(drive: Drive, record: Record, steps: int) -> list[datetime | None]:
    """When each step is completed that is completed at all; None for now."""
    planned, received_at = record.planned, record.received_at
    if received_at is None:
        raise Failed(f"dossier {record.id} was never received")
    share = 1.0 if planned.fate in ENDED else planned.done
    if planned.now:
        return [None] * int(steps * share)
    if planned.fate in ENDED:
        end = plan.finish(planned, drive.province, received_at, record.due_at, drive.last)
    else:
        end = max(at(drive.last, plan.CLOSING), received_at)
    return [*plan.steps_between(drive.province, received_at, end, steps)[: int(steps * share)]]


def _wait_for_the_result(drive: Drive, record: Record) -> Steps:
    deadline = time.monotonic() + WAIT_SECONDS
    path = f"/api/intake/v1/dossiers/{record.id}"
    while drive.api.get(record.planned.actors.receives, path)["status"] != "processed":
        yield _poll(deadline, f"intake does not know that dossier {record.id} is finished")


def _hand_over(drive: Drive, record: Record) -> None:
    planned, finished_at = record.planned, record.finished_at
    if finished_at is None:
        raise Failed(f"dossier {record.id} was never finished")
    moment = None
    if not planned.now:
        days = drive.province.days
        later = days.add(local_day(finished_at), int(planned.chance * 4))
        moment = max(at(min(later, drive.last), plan.CLOSING), finished_at + timedelta(minutes=5))
    body = {"to": planned.applicant["name"], "method": planned.result_return}
    handed_over_at = moment or datetime.now(UTC)
    _post(drive, record, planned.actors.receives, f"/dossiers/{record.id}/handover", body, "handover", moment)
    record.handed_over_at = handed_over_at


def _post(
    drive: Drive, record: Record, who: str, path: str, body: Mapping[str, Any], act: str, moment: datetime | None
) -> bytes:
    return drive.api.post(who, f"/api/intake/v1{path}", body, _key(drive, record, act), moment)


def _key(drive: Drive, record: Record, act: str) -> str:
    return f"{drive.run}:{record.planned.number}:{act}"


def _found(drive: Drive, who: str, path: str) -> Any:
    """None while it is not there."""
    try:
        return drive.api.get(who, path)
    except Refused as refused:
        if refused.status != 404:
            raise
        return None


def _poll(deadline: float, what: str) -> float:
    if time.monotonic() > deadline:
        raise Failed(f"{what} after {WAIT_SECONDS} s")
    return POLL_SECONDS


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
