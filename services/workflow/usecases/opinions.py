"""Questions that officers ask other agencies beside the process."""

from chassis.errors import FieldError, Invalid
from chassis.web import Answer, Call
from workflow.domain import opinions
from workflow.domain.parts import Budget, Task
from workflow.domain.processes import Process, Turn
from workflow.store import WorkflowStore
from workflow.usecases.acting import Acting, Render


class OpinionUseCases:
    def __init__(self, store: WorkflowStore, acting: Acting) -> None:
        self._store = store
        self._acting = acting

    def ask(
        self, call: Call, task_id: str, agency: str, question: str, allowed: Budget, role: str | None, render: Render
    ) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            who = self._acting.as_worker(call, task)
            # Of an agency that has ended, whoever took over is asked.
            there = self._store.catalogue.agency(self._acting.acting(call)(agency))
            if there is None:
                wrong = FieldError("/agency", "unknown_agency", "an agency that is known")
                raise Invalid("there is no such agency", errors=[wrong])
            calendar = self._store.catalogue.calendar()
            asked = opinions.Question(there.id, there.hours, role or task.role, question, allowed)
            return opinions.ask(process, task, asked, calendar, who)

        return self._acting.on_task(call, task_id, decide, render)
