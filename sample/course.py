"""One dossier's way through the province, act by act over the API."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sample import plan
from sample.driving import NEXT, Drive, Steps, instant, wait
from sample.incidents import happen
from sample.load import Failed
from sample.plan import ENDED, Fate
from sample.province import at, local_day, stamp
from sample.tally import Record

TWICE_EVERY = 20
"""As offices whose connection broke do, every so many filings are sent again."""


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
        record.received_at, record.due_at = filed_at, instant(answer["due_at"])
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
    record.received_at, record.due_at = moment, instant(answer["due_at"])


def _work(drive: Drive, record: Record) -> Steps:
    """Completes the tasks in the process's order, all of them or the share that is planned."""
    planned = record.planned
    path = f"/api/workflow/v1/dossiers/{record.id}/timeline"
    unknown = f"workflow does not know dossier {record.id}"
    timeline = yield from wait(drive, planned.actors.works, path, lambda _: True, unknown)
    if instant(timeline["due_at"]) != record.due_at:
        promised = record.due_at and stamp(record.due_at)
        drive.broken.append(f"dossier {record.id}: due {promised} was promised, and workflow has {timeline['due_at']}")
    tasks = {task["id"]: task for task in timeline["tasks"]}
    open_tasks = [task["id"] for task in timeline["tasks"] if task["state"] == "open"]
    record.begun_at = record.received_at
    yield from happen(drive, record, tasks[open_tasks[0]])
    if record.stopped_at is not None or record.waits is not None:
        return
    moments = _moments(drive, record, len(tasks))
    state = timeline["state"]
    while moments and open_tasks:
        yield NEXT
        task, moment = tasks[open_tasks[0]], moments.pop(0)
        who = drive.who_works(planned, task["agency"])
        body = {"outcome": planned.outcome if task["decision"] else "completed"}
        path = f"/api/workflow/v1/tasks/{task['id']}/completion"
        answer = json.loads(drive.api.post(who, path, body, drive.key(record, task["step"]), moment))
        open_tasks, state = answer["open_tasks"], answer["state"]
        record.steps_done += 1
        record.transferred |= task["agency"] != planned.agency
        if state == "finished":
            record.finished_at = moment or datetime.now(UTC)
    if planned.fate in ENDED and state != "finished":
        raise Failed(f"dossier {record.id} has all its {len(tasks)} steps behind it and is {state}")


def _moments(drive: Drive, record: Record, steps: int) -> list[datetime | None]:
    """When each step is completed that is completed at all; None for now."""
    planned, received_at = record.planned, record.begun_at
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
    yield from wait(
        drive,
        record.planned.actors.receives,
        f"/api/intake/v1/dossiers/{record.id}",
        lambda found: found["status"] == "processed" and instant(found["due_at"]) == record.due_at,
        f"intake does not know that dossier {record.id} is finished, and when it was due",
    )


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
    return drive.api.post(who, f"/api/intake/v1{path}", body, drive.key(record, act), moment)
