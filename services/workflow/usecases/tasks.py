"""What officers do with tasks: one function for each act. Each is one write."""

from collections.abc import Callable

from chassis import acts
from chassis.errors import NotFound
from chassis.web import Answer, Call
from chassis.worktime import local_day
from workflow.domain import tasks
from workflow.domain.parts import Outcome, Task
from workflow.domain.processes import Process, Turn
from workflow.store import WorkflowStore
from workflow.usecases.access import ANY_AGENCY, by


class TaskUseCases:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def claim(self, call: Call, task_id: str, render: Callable[[Process, int], Answer]) -> Answer:
        return self._act(call, task_id, lambda process, task: tasks.claim(process, task, by(call)), render)

    def complete(
        self, call: Call, task_id: str, outcome: Outcome, note: str | None, render: Callable[[Process, int], Answer]
    ) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            return tasks.complete(process, task, outcome, note, self._store.catalogue.calendar(), by(call))

        return self._act(call, task_id, decide, render)

    def _act(
        self,
        call: Call,
        task_id: str,
        decide: Callable[[Process, Task], Turn],
        render: Callable[[Process, int], Answer],
    ) -> Answer:
        """An act on a task of the officer's own agency; any other task answers as if it were not there."""

        def mine(process: Process) -> bool:
            task = process.task(task_id)
            if task is None:
                return False
            # Whoever took over acts from the first minute of that day on, even before the task shows it.
            agency = self._store.catalogue.successions().acting(task.agency, local_day(call.occurred_at))
            return call.principal.may(ANY_AGENCY) or call.principal.agency == agency

        def on_task(process: Process) -> Turn:
            task = process.task(task_id)
            if task is None:
                raise NotFound(f"no task {task_id} for you")
            return decide(process, task)

        dossier = task_id.partition(".")[0]
        return acts.change(self._store.processes, dossier, call, sees=mine, decide=on_task, render=render)
