"""Whose word counts about a dossier's clock and its end: those who have a step of it to do now. Plain Python."""

from chassis.errors import Forbidden, WrongState
from workflow.domain.parts import OPEN, By, Task, TaskState
from workflow.domain.processes import Process
from workflow.domain.tasks import TaskClaimed


class NotYourTurn(Forbidden):
    """The caller sees the dossier, and no step of it is open at the caller's agency."""

    code = "not_your_turn"
    title = "Hồ sơ hiện không có bước nào đang xử lý tại cơ quan của ông/bà"


class OpinionOnly(WrongState):
    """The task is an opinion: whoever gives it decides nothing else."""

    code = "opinion_only"
    title = "Cơ quan được lấy ý kiến không thực hiện thao tác này"


def decides(task: Task) -> bool:
    """Whether those who have the task have a say in the dossier's clock and its end: not by an opinion, nor by what a
    dossier of its own does, since they act on that one."""
    return task.kind == "task"


def having_a_say(process: Process) -> list[Task]:
    """The steps whose officers have a say now: what is open. While only opinions and child dossiers are waited for,
    those who go on with it afterwards, and who did something of it at the agency that handles it."""
    own = [task for task in process.steps if decides(task)]
    here = process.handled_by or process.agency
    return [task for task in own if task.state in OPEN] or [
        task
        for task in own
        if task.state is TaskState.WAITING or (task.state is TaskState.DONE and task.agency == here)
    ]


def require_hand(task: Task, leads: bool, by: By) -> None:
    """The task is with the officer, or with nobody; or the officer leads whoever has it. Raises TaskClaimed."""
    if not leads and task.state is TaskState.CLAIMED and task.assignee not in (by.who, by.behalf):
        raise TaskClaimed(f"the task is with {task.assignee}")
