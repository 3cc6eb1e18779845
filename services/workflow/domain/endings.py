"""How a process ends otherwise than by its last step. Plain Python."""

from dataclasses import replace
from datetime import datetime

from workflow.domain.parts import BEHIND, By, TaskState
from workflow.domain.processes import Process, State, noted, with_task


def withdraw(process: Process, withdrawn_at: datetime, recorded_at: datetime) -> Process:
    """The applicant took the dossier back: what is not done is closed. The same process when it knew of it.

    Of a withdrawal and an end the earlier one counts, and the end when both are of the same instant; intake and the
    statistics have the same rule, so that all agree whatever they hear of first. An end that came later is undone.
    """
    if process.withdrawn_at is not None:
        return process
    by = By("system:intake", "", withdrawn_at, recorded_at)
    if process.finished_at is not None and process.finished_at <= withdrawn_at:
        return noted(replace(process, withdrawn_at=withdrawn_at), "withdrawn_too_late", None, by, None)
    for task in process.tasks:
        if task.state not in BEHIND:
            process = with_task(process, replace(task, state=TaskState.CLOSED))
    process = replace(
        process, state=State.WITHDRAWN, withdrawn_at=withdrawn_at, outcome=None, finished_at=None, timing=None
    )
    return noted(process, "withdrawn", None, by, None)
