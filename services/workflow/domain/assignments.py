"""Who works on a task: given to an officer by a leader, handed on, given back, helped with, followed. Plain Python."""

from collections.abc import Iterable

from chassis.errors import FieldError, Forbidden, Invalid, WrongState
from chassis.evolving import replace
from workflow.domain.parts import By, Task, TaskState
from workflow.domain.processes import Process, Turn, noted, require_running, with_task
from workflow.domain.tasks import TaskUnclaimed, require_handed_to, require_open, require_opened
from workflow.domain.undo import remember

MOST_CO_HANDLERS = 20
MOST_FOLLOWERS = 50
MOST_NOTES = 200
"""On one dossier: its journal is one document with it, and more is a mistake, or a script."""


class LeaderNeeded(Forbidden):
    code = "leader_needed"
    title = "Chỉ lãnh đạo cơ quan hoặc người đang xử lý được thực hiện việc này"


class NotAHandler(Forbidden):
    code = "not_a_handler"
    title = "Chỉ người xử lý, người phối hợp hoặc lãnh đạo được ghi ý kiến"


class TooManyNotes(WrongState):
    code = "too_many_notes"
    title = "Hồ sơ đã có quá nhiều ghi chú"


def assign(process: Process, task: Task, to: str, to_name: str, reason: str | None, by: By, *, leads: bool) -> Turn:
    """The task is given to the officer `to`: by a leader of the agency, or handed on by whoever has it. To the one who
    has it already, nothing changes. A delegate keeps nothing beyond the period, so gives nothing to themselves.

    Raises LeaderNeeded, TaskClaimed for somebody else's task, TaskNotOpen, Invalid.
    """
    _require_hers(task, by, leads)
    require_running(process)
    require_opened(task, by)
    if task.state is TaskState.CLAIMED and task.assignee == to:
        return process, ()
    if by.behalf is not None and to == by.who:
        wrong = FieldError("/to", "oneself", "another officer, or the one in whose stead you act")
        raise Invalid("a delegate gives the work to somebody else", errors=[wrong])
    others = tuple(each for each in task.co_handlers if each != to)
    given = replace(task, state=TaskState.CLAIMED, assignee=to, assignee_name=to_name, co_handlers=others)
    note = f"{task.assignee or '–'} → {to}"
    after = noted(with_task(process, given), "assigned", task.id, by, f"{note}: {reason}" if reason else note)
    return remember(process, after, "assigned", task.id, by), ()


def release(process: Process, task: Task, by: By, *, leads: bool) -> Turn:
    """Nobody has the task any more, and any officer of the agency may take it. Raises TaskUnclaimed when nobody had
    it, and what `assign` raises."""
    if task.state is TaskState.OPEN:
        raise TaskUnclaimed("nobody has taken the task")
    _require_hers(task, by, leads)
    require_running(process)
    require_opened(task, by)
    free = replace(task, state=TaskState.OPEN, assignee=None, assignee_name=None)
    return noted(with_task(process, free), "released", task.id, by, task.assignee), ()


def co_handle(process: Process, task: Task, add: Iterable[str], remove: Iterable[str], by: By, *, leads: bool) -> Turn:
    """Officers who help with an open task, and may note. Raises as `assign` does."""
    _require_hers(task, by, leads)
    kept = _changed(task.co_handlers, add, remove)
    if kept == task.co_handlers:
        return process, ()
    if len(kept) > MOST_CO_HANDLERS:
        raise Invalid("too many", errors=[FieldError("/add", "too_many", f"at most {MOST_CO_HANDLERS} help")])
    changed = with_task(process, replace(task, co_handlers=kept))
    return noted(changed, "co_handlers_changed", task.id, by, _difference(task.co_handlers, kept)), ()


def note(process: Process, task: Task, text: str, by: By, *, leads: bool) -> Turn:
    """Whoever has the open task or helps with it writes something into the journal, and so may a leader; of one that
    nobody has, any officer of the agency. Also while the clock stands still."""
    require_open(task)
    theirs = {by.who, by.behalf} & {task.assignee, *task.co_handlers}
    if task.state is TaskState.CLAIMED and not theirs and not leads:
        raise NotAHandler("the task is with somebody else")
    if sum(entry.act == "noted" for entry in process.journal) >= MOST_NOTES:
        raise TooManyNotes(f"a dossier has {MOST_NOTES} notes at most")
    return noted(process, "noted", task.id, by, text), ()


def follow(process: Process, add: Iterable[str], remove: Iterable[str], by: By) -> Turn:
    """Officers in whose list the dossier stands, whoever works on it, and after its end."""
    kept = _changed(process.followers, add, remove)
    if kept == process.followers:
        return process, ()
    if len(kept) > MOST_FOLLOWERS:
        raise Invalid("too many", errors=[FieldError("/add", "too_many", f"at most {MOST_FOLLOWERS} follow")])
    note = _difference(process.followers, kept)
    return noted(replace(process, followers=kept), "followers_changed", None, by, note), ()


def _require_hers(task: Task, by: By, leads: bool) -> None:
    """The caller is a leader, or has the open task."""
    require_open(task)
    if leads:
        return
    require_handed_to(task, by)
    if task.state is TaskState.OPEN:
        raise LeaderNeeded("a leader of the agency gives out what nobody has taken")


def _changed(present: tuple[str, ...], add: Iterable[str], remove: Iterable[str]) -> tuple[str, ...]:
    gone = set(remove)
    return tuple(each for each in dict.fromkeys((*present, *add)) if each not in gone)


def _difference(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    added = [f"+{each}" for each in after if each not in before]
    removed = [f"-{each}" for each in before if each not in after]
    return " ".join((*added, *removed))
