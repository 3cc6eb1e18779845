"""What officers do with tasks: one function for each act. Each is one write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chassis import acts
from chassis.errors import Problem, Unavailable
from chassis.web import Answer, Call
from workflow.domain import returns, tasks, undo
from workflow.domain.bulks import Bulk
from workflow.domain.parts import Outcome, Task
from workflow.domain.processes import Process, Turn
from workflow.store import WorkflowStore
from workflow.usecases.acting import Acting, Decide, Render, TaskAct
from workflow.usecases.results import ResultUseCases


@dataclass(frozen=True, slots=True)
class Item:
    """One of many acts: `version` is the one of the dossier that was seen."""

    task: str
    version: int | None


class TaskUseCases:
    """`undo_within`: how long an act can be taken back."""

    def __init__(self, store: WorkflowStore, acting: Acting, results: ResultUseCases, undo_within: timedelta) -> None:
        self._store = store
        self._acting = acting
        self._results = results
        self._undo_within = undo_within

    def claim(self, call: Call, task_id: str, render: Render) -> Answer:
        return self._acting.on_task(call, task_id, self.claiming(call), render)

    def complete(
        self, call: Call, task_id: str, outcome: Outcome, note: str | None, result: str | None, render: Render
    ) -> Answer:
        return self._acting.on_task(call, task_id, self.completing(call, outcome, note, result), render)

    def send_back(self, call: Call, task_id: str, to: str, reason: str, render: Render) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            who = self._acting.as_worker(call, task)
            return returns.send_back(process, task, to, reason, self._store.catalogue.calendar(), who)

        return self._acting.on_task(call, task_id, decide, render)

    def undo(self, call: Call, task_id: str, render: Render) -> Answer:
        def decide(process: Process, task: Task) -> Turn:
            found = undo.newest(process, task)
            who = self._acting.in_the_stead_of(call, task, None if found is None else found.behalf)
            return undo.undo(process, task, self._undo_within, who)

        return self._acting.on_task(call, task_id, decide, render)

    def claiming(self, call: Call) -> Decide:
        return lambda process, task: tasks.claim(process, task, self._acting.as_worker(call, task))

    def completing(self, call: Call, outcome: Outcome, note: str | None, result: str | None) -> Decide:
        """`result`: the id of the document that a decision names."""

        def decide(process: Process, task: Task) -> Turn:
            who = self._acting.as_worker(call, task)
            tasks.require_open(task)
            decided = self._results.decided(process, task, outcome, result)
            return tasks.complete(process, decided, outcome, note, self._store.catalogue.calendar(), who)

        return decide

    def many(
        self,
        call: Call,
        items: Sequence[Item],
        decide: Callable[[int], Decide],
        shown: Callable[[Process, int, str], Answer],
        answer: Callable[[Sequence[Answer | Problem]], Answer],
    ) -> Answer:
        """The `items`' acts, each as if it came by itself; a bad one spoils only itself. The answer to a repetition is
        the first answer. One of which an act could not be decided now is not kept, so that it may be when it comes
        again; what was done is known by the items' own keys.

        `decide(n)` is the n-th act; `shown` answers it, `answer` the whole.
        """
        id = call.id_for_new("bulk")
        if (first := acts.first_answer(self._store.bulks.load(id), call)) is not None:
            return first
        wanted: list[TaskAct] = []
        for n, item in enumerate(items):
            # No header can say such a key, so that it is nobody else's.
            own = replace(call, key=f"{call.key}\n{n}", if_match=item.version)
            wanted.append(TaskAct(own, item.task, decide(n), _shown(shown, item.task)))
        outcomes = self._acting.on_tasks(wanted)
        whole = answer(outcomes)
        if any(isinstance(outcome, Unavailable) for outcome in outcomes):
            return whole
        bulk = Bulk(id=id, by=call.principal.subject, at=call.now, acts=len(items))
        return acts.create(self._store.bulks, id, bulk, (), call, lambda _, __: whole)


def _shown(shown: Callable[[Process, int, str], Answer], task: str) -> Render:
    return lambda process, version: shown(process, version, task)
