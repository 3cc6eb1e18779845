"""How a process ends otherwise than by its last step. Plain Python."""

from datetime import datetime

from chassis import worktime
from chassis.errors import Invalid
from chassis.evolving import replace
from workflow import events
from workflow.domain import limits, pauses
from workflow.domain.course import ended
from workflow.domain.parts import BEHIND, By, TaskState
from workflow.domain.processes import Process, State, Turn, noted, require_not_ended, with_tasks


def withdraw(process: Process, withdrawn_at: datetime, recorded_at: datetime) -> Process:
    """The applicant took the dossier back: what is not done is closed. The same process when it knew of it.

    Of a withdrawal and an end, be it a decision or a stop, the earlier one counts, and the end when both are of the
    same instant; intake and the statistics have the same rule, so that all agree whatever they hear of first. An end
    that came later is undone. A pause that lasts is left as it is: what it waits for may have come before, and be heard
    of later.
    """
    if process.withdrawn_at is not None:
        return process
    by = By("system:intake", "", withdrawn_at, recorded_at)
    end = process.finished_at or process.stopped_at
    if end is not None and end <= withdrawn_at:
        return noted(replace(process, withdrawn_at=withdrawn_at), "withdrawn_too_late", None, by, None)
    process = replace(
        process,
        state=State.WITHDRAWN,
        withdrawn_at=withdrawn_at,
        outcome=None,
        finished_at=None,
        timing=None,
        stopped_at=None,
    )
    return noted(_closed(process), "withdrawn", None, by, None)


def stop(process: Process, reason: str, basis: str | None, calendar: worktime.Calendar, by: By) -> Turn:
    """The agency ends its work without a decision (form 05), for instance since what it asked for never came."""
    process = _ending(process, calendar, by)
    process = _closed(replace(process, state=State.STOPPED, stopped_at=by.at))
    stopped = events.DossierStopped(
        code=process.code,
        procedure=process.procedure,
        procedure_version=process.procedure_version,
        agency=process.agency,
        stopped_at=by.at,
        due_at=process.due_at,
        reason=reason,
        basis=basis or limits.one_stop_decree(worktime.local_day(by.at)),
    )
    return noted(process, "stopped", None, by, f"{stopped.basis}: {reason}"), (stopped,)


def refuse(process: Process, reason: str, basis: str, calendar: worktime.Calendar, by: By) -> Turn:
    """The agency refuses what is applied for before its last step: the dossier is decided, and the answer is no."""
    previous = None if process.pause is None else process.due_at
    process = noted(_ending(process, calendar, by), "refused", None, by, f"{basis}: {reason}")
    process, finished = ended(process, "rejected", by.at, by)
    return _closed(process), (replace(finished, refusal=reason, previous_due_at=previous),)


def _ending(process: Process, calendar: worktime.Calendar, by: By) -> Process:
    """With its clock's account closed, when it may end at that time."""
    require_not_ended(process)
    done = [task.completed_at for task in process.tasks if task.completed_at is not None]
    opened = [task.opened_at for task in process.tasks if task.opened_at is not None]
    ledger = [each.end or each.begin for each in process.pauses] + [each.at for each in process.extensions]
    if by.at < max([process.received_at, *done, *opened, *ledger]):
        raise Invalid("the act lies before what was done already", code="before_last_act")
    return pauses.ended(process, calendar, by.at)


def _closed(process: Process) -> Process:
    """What is not done will not be."""
    return with_tasks(
        process,
        tuple(task if task.state in BEHIND else replace(task, state=TaskState.CLOSED) for task in process.tasks),
    )
