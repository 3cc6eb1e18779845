"""Who works on a task, helps with it, follows a dossier: one function for each act. Each is one write."""

from collections.abc import Sequence

from chassis import acts
from chassis.web import Answer, Call
from workflow.domain import assignments, officers
from workflow.domain.parts import Task
from workflow.domain.processes import Process, Turn
from workflow.store import WorkflowStore
from workflow.usecases.access import by, leads, sees
from workflow.usecases.acting import Acting, Decide, Render


class AssignmentUseCases:
    def __init__(self, store: WorkflowStore, acting: Acting) -> None:
        self._store = store
        self._acting = acting

    def assign(self, call: Call, task_id: str, to: str, reason: str | None, render: Render) -> Answer:
        return self._acting.on_task(call, task_id, self.assigning(call, to, reason), render)

    def assigning(self, call: Call, to: str, reason: str | None) -> Decide:
        known = self._store.officers.known([to])

        def decide(process: Process, task: Task) -> Turn:
            who, leading = self._acting.as_leader(call, task)
            officers.require([to], known, [task.agency], self._acting.acting(call), "/to")
            return assignments.assign(process, task, to, known[to].name, reason, who, leads=leading)

        return decide

    def release(self, call: Call, task_id: str, render: Render) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            who, leading = self._acting.as_leader(call, task)
            return assignments.release(process, task, who, leads=leading)

        return self._acting.on_task(call, task_id, decide, render)

    def co_handle(self, call: Call, task_id: str, add: Sequence[str], remove: Sequence[str], render: Render) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            who, leading = self._acting.as_leader(call, task)
            known = self._store.officers.known(add)
            officers.require(add, known, [task.agency], self._acting.acting(call), "/add")
            return assignments.co_handle(process, task, add, remove, who, leads=leading)

        return self._acting.on_task(call, task_id, decide, render)

    def note(self, call: Call, task_id: str, text: str, render: Render) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            if call.principal.subject in task.co_handlers:
                return assignments.note(process, task, text, by(call), leads=False)
            who, leading = self._acting.as_leader(call, task)
            return assignments.note(process, task, text, who, leads=leading)

        return self._acting.on_task(call, task_id, decide, render)

    def follow(self, call: Call, dossier: str, add: Sequence[str], remove: Sequence[str], render: Render) -> Answer:
        """Whoever sees the dossier may follow it, and have others follow it whose agency works on it; only a leader
        takes others off."""

        def decide(process: Process) -> Turn:
            me = call.principal.subject
            if any(each != me for each in remove) and not leads(call.principal):
                raise assignments.LeaderNeeded("only a leader takes others off")
            others = [each for each in add if each != me]
            known = self._store.officers.known(others)
            officers.require(others, known, process.agencies, self._acting.acting(call), "/add")
            return assignments.follow(process, add, remove, by(call))

        return acts.change(
            self._store.processes,
            dossier,
            call,
            sees=lambda process: sees(call.principal, process),
            decide=decide,
            render=render,
        )
