"""Answers to what was asked beside the process (see `opinions`). Plain Python."""

from chassis.errors import FieldError, Invalid
from chassis.evolving import replace
from workflow import events
from workflow.domain.parts import By, Task, TaskState
from workflow.domain.processes import Process, Turn, noted, with_task

LAPSED = "no answer in time"
"""The note of an opinion that was not given."""


def give(process: Process, task: Task, note: str | None, by: By, *, lapsed: bool = False) -> Turn:
    """The asked agency answers, and the answer is the note; or its time has passed. No step waited for it, so none
    follows."""
    if note is None:
        raise Invalid("an opinion is asked for in words", errors=[FieldError("/note", "missing", "the answer")])
    done = replace(task, state=TaskState.DONE, completed_at=by.at, outcome="completed", note=note)
    process = noted(with_task(process, done), "lapsed" if lapsed else "completed", task.id, by, None)
    given = events.OpinionGiven(
        code=process.code, task=task.id, asker=task.asker or "", agency=task.agency, given_at=by.at, lapsed=lapsed
    )
    return process, (given,)
