"""What is not done goes to the agency that is competent for it. Plain Python."""

from collections.abc import Collection

from chassis.errors import FieldError, Invalid
from chassis.evolving import replace
from workflow import events
from workflow.domain.parts import OPEN, UNDONE, By, Task
from workflow.domain.processes import Process, Turn, noted, require_running, with_tasks
from workflow.domain.successions import given_to
from workflow.domain.told import task_assigned
from workflow.inbound import Agency


def transfer(process: Process, tasks: Collection[Task], agency: Agency, reason: str, by: By) -> Turn:
    """These tasks, open or not yet, are the agency's from now on; its officers see the dossier. What is with an officer
    is with nobody then. Times that were promised stay; a step that opens later runs in the agency's own hours.

    A step that another dossier does, or a step that is behind, stays where it is.
    """
    to = agency.id
    require_running(process)
    going = {task.id: task for task in tasks if task.state in UNDONE and task.kind != "child"}
    left = sorted({task.agency for task in going.values()} - {to})
    if not left:
        wrong = FieldError("/to", "nothing_to_transfer", "nothing that is left to do is at another agency")
        raise Invalid("there is nothing to transfer", errors=[wrong])
    if any(task.opened_at is not None and by.at < task.opened_at for task in going.values()):
        raise Invalid("the act lies before the task was opened", code="before_opening")
    moved = tuple(given_to(task, to, agency.hours) if task.id in going else task for task in process.tasks)
    agencies = (*process.agencies, to) if to not in process.agencies else process.agencies
    process = with_tasks(replace(process, agencies=agencies), moved)
    process = noted(process, "transferred", None, by, f"{', '.join(left)} → {to}: {reason}")
    transferred = [
        events.DossierTransferred(
            code=process.code, from_agency=agency, to_agency=to, transferred_at=by.at, basis="competence"
        )
        for agency in left
        if any(task.agency == agency and task.state in OPEN for task in going.values())
    ]
    assigned = [
        replace(task_assigned(process, task), assigned_at=by.at)
        for task in process.tasks
        if task.id in going and task.state in OPEN
    ]
    return process, (*transferred, *assigned)
