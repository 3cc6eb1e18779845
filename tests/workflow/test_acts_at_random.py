"""Random sequences of what officers do with tasks: whatever they try, the process keeps what must always hold."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.errors import Problem
from chassis.worktime import Calendar
from tests.workflow.branching import parallel
from tests.workflow.making import RECEIVED_AT
from workflow import events
from workflow.domain import assignments, returns, tasks, undo
from workflow.domain.parts import BEHIND, OPEN, By, Task, TaskState
from workflow.domain.processes import Process, State, Turn, first_broken_entry

OFFICERS = ("an", "bình", "chi")
STEPS = ("in", "left", "right", "check", "sign", "out")
CALENDAR = Calendar()

ACTS = ("claim", "complete", "assign", "hand on", "release", "co-handle", "note", "follow", "return", "undo")


def act(name: str, process: Process, task: Task, by: By, to: str, step: str) -> Turn:
    match name:
        case "claim":
            return tasks.claim(process, task, by)
        case "complete":
            return tasks.complete(process, task, "approved" if task.decision else "completed", None, CALENDAR, by)
        case "assign" | "hand on":
            return assignments.assign(process, task, to, to, None, by, leads=name == "assign")
        case "release":
            return assignments.release(process, task, by, leads=False)
        case "co-handle":
            return assignments.co_handle(process, task, [to], [], by, leads=False)
        case "note":
            return assignments.note(process, task, "x", by, leads=False)
        case "follow":
            return assignments.follow(process, [to], [], by)
        case "return":
            return returns.send_back(process, task, step, "x", CALENDAR, by)
    return undo.undo(process, task, timedelta(minutes=5), by)


TRIES = st.tuples(
    # What leads on is tried more often, so that most sequences get far.
    st.sampled_from([*ACTS, "complete", "complete", "complete", "return", "undo", "undo"]),
    st.sampled_from(STEPS),
    st.sampled_from(OFFICERS),
    st.sampled_from(OFFICERS),
    st.sampled_from(STEPS),
    st.integers(0, 3),
)


class Told:
    """Which tasks are done and open, by the events alone: what others know of the process."""

    def __init__(self) -> None:
        self.done: dict[str, Any] = {}
        self.open: set[str] = {"d1.in"}

    def hear(self, said: Any) -> None:
        match said:
            case events.TaskCompleted(task=id, completed_at=at):
                assert id not in self.done, "a step that is done is not done again"
                self.done[id] = at
                self.open.discard(id)
            case events.TaskAssigned(task=id):
                self.open.add(id)
            case events.TaskReturned(task=id, waiting=waiting):
                for each in (id, *waiting):
                    self.done.pop(each, None)
                    self.open.discard(each)
                self.open.add(id)


@settings(deadline=None, max_examples=80)
@given(st.lists(TRIES, min_size=20, max_size=60))
def test_whatever_is_tried_the_process_keeps_what_must_hold(tries: list[tuple[str, str, str, str, str, int]]) -> None:
    process, told, now = parallel(), Told(), RECEIVED_AT
    ran: dict[tuple[str, int], int] = {}
    for name, step, who, to, back, minutes in tries:
        now += timedelta(minutes=minutes)
        by = By(who, who, now, now)
        task = next(each for each in process.tasks if each.step == step)
        before = process
        try:
            process, said = act(name, process, task, by, to, back)
        except Problem:
            continue
        for each in said:
            told.hear(each)
        if name == "complete":
            ran[task.id, task.round] = ran.get((task.id, task.round), 0) + 1
        if name == "undo" and _newest(before, task.id) == "completed":
            ran[task.id, task.round] -= 1
        _check(process, told)
        assert process.due_at == before.due_at, "none of this moves what was promised"
        assert len(process.journal) >= len(before.journal)
        assert process.journal[: len(before.journal)] == before.journal, "append-only"
    assert first_broken_entry(process) is None
    assert set(ran.values()) <= {0, 1}, "no step runs twice in a round"


def _newest(process: Process, task: str) -> str:
    return next(each.act for each in reversed(process.undoable) if each.task == task)


def _check(process: Process, told: Told) -> None:
    open_tasks = [task for task in process.tasks if task.state in OPEN]
    assert bool(open_tasks) == (process.state is State.RUNNING), "it runs, so somebody has something to do"
    assert {task.id for task in open_tasks} == told.open
    assert {task.id: task.completed_at for task in process.tasks if task.state is TaskState.DONE} == told.done
    behind = {task.step for task in process.tasks if task.state in BEHIND}
    for task in process.tasks:
        if task.state in OPEN:
            assert set(task.after) <= behind
            assert (task.assignee is not None) == (task.state is TaskState.CLAIMED)
            assert task.opened_at is not None
        if task.state is TaskState.WAITING:
            assert not set(task.after) <= behind, "what can be done is open"
            assert (task.opened_at, task.due_at, task.assignee, task.completed_at) == (None, None, None, None)
