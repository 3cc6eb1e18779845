"""What the prescribed papers say of a dossier's course: the content alone, which a template prints. Plain Python.

Forms 04 (apology and extension), 05 (notice of stopping) and 06 (process control slip) of Thông tư 03/2025/TT-VPCP.
What a content may hold: see `chassis.printed`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from chassis import worktime
from chassis.errors import WrongState
from chassis.printed import Printed
from workflow.domain.parts import Entry, Extension, Task, TaskState
from workflow.domain.processes import Process

EDITION = 1
"""See Printed."""
MOST_NOTE = 300

Kind = Literal["apology", "stop_notice", "control_slip"]
Naming = Callable[[str], str]
"""What an agency is called, by its identifier."""

TOLD: Mapping[str, bool] = {
    "supplement_requested": True, "supplemented": False, "fee_requested": False, "fee_paid": False,
    "fee_cancelled": True, "paused": True, "resumed": True, "extended": False, "transferred": False,
    "succeeded": False, "stopped": True, "refused": True, "withdrawn": False, "finished": False,
}  # fmt: skip
"""The acts beside the hand-overs that the slip tells of, and whether their note is a reason in somebody's words."""


_INSTEAD = {"completed": "done_again", "returned": "returned", "lapsed": "lapsed"}
"""What became of a hand-over that is not the step's last completion."""


class NothingToPrint(WrongState):
    code = "nothing_to_print"
    title = "Hồ sơ chưa có nội dung để in giấy này"


def apology(process: Process, number: int | None, naming: Naming) -> Printed[Kind]:
    """Form 04, of the extension with that number (from 1), of those with an apology; None: the last one. NothingToPrint
    when there is none."""
    given = [each for each in process.extensions if each.apology]
    if not 1 <= (wanted := len(given) if number is None else number) <= len(given):
        raise NothingToPrint("there is no such extension with an apology")
    extension = given[wanted - 1]
    content = {
        **_heading(process, naming, extension.at),
        "previous_due_at": _text(None if extension.moved is None else extension.moved.previous_due_at),
        "due_at": _text(None if extension.moved is None else extension.moved.due_at),
        "reason": extension.reason,
        "basis": extension.basis,
    }
    return Printed("apology", content, EDITION)


def stop_notice(process: Process, naming: Naming) -> Printed[Kind]:
    """Form 05. NothingToPrint unless it was stopped."""
    said = next((each for each in reversed(process.journal) if each.act == "stopped"), None)
    if process.stopped_at is None or said is None:
        raise NothingToPrint("the dossier was not stopped")
    content = {**_heading(process, naming, process.stopped_at), "stopped_at": _text(process.stopped_at)}
    return Printed("stop_notice", {**content, "reason": said.note or ""}, EDITION)


def control_slip(process: Process, naming: Naming, officers: Mapping[str, str]) -> Printed[Kind]:
    """Form 06, from the journal: every hand-over, in time or not, and what else happened. `officers`: names, by
    subject."""
    begun = [task for task in process.tasks if not task.after and task.asker is None]
    first = {
        "step": None,
        "by": None,
        "agency": naming(process.agency),
        "to": [_to(task, naming) for task in begun],
        "at": _text(process.received_at),
        "due_at": None,
        "timing": None,
        "note": None,
    }
    entries = sorted(enumerate(process.journal), key=lambda each: (each[1].at, each[0]))
    last = {each.task: n for n, each in enumerate(process.journal) if each.act == "completed"}
    handed = [
        _handed(process, task, entry, naming, officers, last=last.get(task.id) == n)
        for n, entry in entries
        if entry.act in ("completed", "returned", "lapsed") and (task := process.task(entry.task or "")) is not None
    ]
    waiting = [
        {**_to(task, naming), "opened_at": _text(task.opened_at), "due_at": _text(task.due_at),
         "officer": task.assignee_name}
        for task in process.tasks if task.state in (TaskState.OPEN, TaskState.CLAIMED)
    ]  # fmt: skip
    content = {
        **_heading(process, naming, process.received_at),
        "received_at": _text(process.received_at),
        "due_at": _text(process.due_at),
        "ended_at": _text(process.finished_at or process.stopped_at or process.withdrawn_at),
        "timing": process.timing,
        "rows": [first, *handed],
        "waiting": waiting,
        "acts": [_told(process, entry, officers) for _, entry in entries if entry.act in TOLD],
    }
    return Printed("control_slip", content, EDITION)


def people(process: Process) -> set[str]:
    """The subjects of the officers in the journal."""
    return {who for each in process.journal for who in (each.by, each.behalf) if who and not who.startswith("system:")}


def _handed(
    process: Process, task: Task, entry: Entry, naming: Naming, officers: Mapping[str, str], *, last: bool
) -> dict[str, Any]:
    """`last`: no later completion of the same step is known."""
    stands = last and task.state is TaskState.DONE and task.completed_at == entry.at
    note, following = task.note if stands else None, list[Task]()
    if task.asker is not None:
        following = [each for each in process.tasks if each.id == task.asker]
    elif entry.act == "returned":
        # As `returns` notes it: from which step, to which, and why.
        to, _, note = (entry.note or "").partition(" → ")[2].partition(": ")
        following = [each for each in process.steps if each.step == to]
    else:
        opened = [each for each in process.steps if each.opened_at == entry.at and each.id != task.id]
        following = opened or [each for each in process.steps if task.step in each.after]
    return {
        "step": task.name,
        "by": _who(entry, officers),
        "agency": naming(task.agency),
        "to": [_to(each, naming) for each in following],
        "at": _text(entry.at),
        "due_at": _text(task.due_at) if stands else None,
        "timing": _timing(task) if stands else _INSTEAD[entry.act],
        "note": _short(note),
    }


def _told(process: Process, entry: Entry, officers: Mapping[str, str]) -> dict[str, Any]:
    note = entry.note if TOLD[entry.act] else None
    if entry.act == "extended":
        note = next((each.reason for each in process.extensions if _is(each, entry)), None)
    return {"act": entry.act, "at": _text(entry.at), "by": _who(entry, officers), "note": _short(note)}


def _short(note: str | None) -> str | None:
    """What fits into a column; the journal has the rest."""
    return note if note is None or len(note) <= MOST_NOTE else f"{note[: MOST_NOTE - 1]}…"


def _is(extension: Extension, entry: Entry) -> bool:
    return (extension.at, extension.by) == (entry.at, entry.by)


def _timing(task: Task) -> worktime.Timing:
    """By the step's own due time; in time on its due day is early only before that day, as for the dossier."""
    if task.late:
        return "late"
    return "on_time" if task.completed_at is None else worktime.timing(task.completed_at, task.due_at)


def _who(entry: Entry, officers: Mapping[str, str]) -> dict[str, str | None]:
    own = None if entry.by.startswith("system:") else officers.get(entry.by, entry.by)
    return {"name": own, "behalf": None if entry.behalf is None else officers.get(entry.behalf, entry.behalf)}


def _to(task: Task, naming: Naming) -> dict[str, str]:
    return {"step": task.name, "agency": naming(task.agency)}


def _heading(process: Process, naming: Naming, at: datetime) -> dict[str, Any]:
    person = process.personal
    return {
        "agency_name": naming(process.handled_by or process.agency),
        "procedure_name": process.procedure_name,
        "procedure": process.procedure,
        "code": process.code,
        "received_at": _text(process.received_at),
        "day": worktime.local_day(at).isoformat(),
        "applicant": {
            "name": None if person is None else person.name,
            "address": None if person is None else person.address,
        },
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
