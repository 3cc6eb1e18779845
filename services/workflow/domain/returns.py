"""A dossier goes back to an earlier step, with the reason. Plain Python."""

from chassis import worktime
from chassis.errors import FieldError, Invalid, WrongState
from chassis.evolving import replace
from workflow.domain import clock
from workflow.domain.competence import OpinionOnly, decides
from workflow.domain.parts import OPEN, By, Task, TaskState
from workflow.domain.processes import Process, Turn, noted, require_running, with_tasks
from workflow.domain.tasks import require_handed_to, require_opened
from workflow.domain.undo import behind, remember, taken_back

STAYS = (TaskState.WAITING, TaskState.CLOSED)


class AlreadyDecided(WrongState):
    code = "already_decided"
    title = "Hồ sơ đã có quyết định, không thể trả lại bước trước"


class DoneByAnotherDossier(WrongState):
    code = "done_by_another_dossier"
    title = "Có bước do hồ sơ khác đang thực hiện, không thể trả lại qua bước đó"


def send_back(process: Process, task: Task, to: str, reason: str, calendar: worktime.Calendar, by: By) -> Turn:
    """Whoever has the task sends the dossier back to the step `to` before it, which opens again for its agency and
    role: another round of it, with its whole time from now on. What comes after that step waits again; what was done
    there stays in the journal. Parallel steps that do not come after it go on, and the dossier's due date stays.

    Not by who is asked for an opinion (OpinionOnly); not after the decision, which is recalled instead; and not across
    a step that a dossier of its own is doing, since that one could not be taken up again. When one has done a step,
    another one does the next round. Raises Invalid when `to` is not a step before this one that is done.
    """
    require_handed_to(task, by)
    require_running(process)
    require_opened(task, by)
    if not decides(task):
        raise OpinionOnly("an opinion is given, and nothing else")
    if any(each.decision and each.state is TaskState.DONE for each in process.tasks):
        raise AlreadyDecided("it was decided")
    target = next((each for each in process.tasks if each.step == to), None)
    later = behind(process, to)
    if target is None or target.state is not TaskState.DONE or task.step not in later:
        wrong = FieldError("/to", "not_an_earlier_step", "must be a step before this one that is done")
        raise Invalid("there is no such earlier step", errors=[wrong])
    redone = [each for each in process.tasks if each.step in later and each.state not in STAYS]
    if any(each.kind == "child" and each.state in OPEN for each in redone):
        raise DoneByAnotherDossier("a step in between is being done by a dossier of its own")
    again = replace(_waiting(target), state=TaskState.OPEN, opened_at=by.at)
    again = replace(again, due_at=clock.task_due(process, again, calendar))
    changed = {again.id: again} | {each.id: _waiting(each) for each in redone}
    after = with_tasks(process, tuple(changed.get(each.id, each) for each in process.tasks))
    after = noted(after, "returned", task.id, by, f"{task.step} → {to}: {reason}")
    left = sorted({each.agency for each in redone if each.state in OPEN})
    return remember(process, after, "returned", task.id, by), taken_back(after, again, redone, left, by.at, "return")


def _waiting(task: Task) -> Task:
    return replace(
        task,
        state=TaskState.WAITING,
        opened_at=None,
        due_at=None,
        assignee=None,
        assignee_name=None,
        completed_at=None,
        outcome=None,
        note=None,
        co_handlers=(),
        round=task.round + 1,
    )
