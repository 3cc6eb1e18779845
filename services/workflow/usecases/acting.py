"""Acts on tasks: on which, as whom. What every act on a task has in common, whichever it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chassis import acts
from chassis.errors import NotFound, Problem
from chassis.web import Answer, Call
from chassis.worktime import local_day
from workflow.domain.children import dossier_of
from workflow.domain.delegations import Delegation, covers
from workflow.domain.officers import Officer
from workflow.domain.parts import By, Task
from workflow.domain.processes import Process, Turn
from workflow.store import WorkflowStore
from workflow.usecases.access import LEADER, acts_for, by, has_role_for, leads, require_role

Decide = Callable[[Process, Task], Turn]
Render = Callable[[Process, int], Answer]


@dataclass(frozen=True, slots=True)
class TaskAct:
    """An act on one task, by a call of its own."""

    call: Call
    task: str
    decide: Decide
    render: Render


class Acting:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def on_task(self, call: Call, task_id: str, decide: Decide, render: Render) -> Answer:
        """An act on a task of the officer's own agency; any other task answers as if it were not there."""
        wanted = self._alteration(TaskAct(call, task_id, decide, render))
        return acts.change(
            self._store.processes, wanted.id, call, sees=wanted.sees, decide=wanted.decide, render=render
        )

    def on_tasks(self, many: Sequence[TaskAct]) -> list[Answer | Problem]:
        """Each as `on_task` does it: its answer, or what `on_task` would raise."""
        return acts.change_many(self._store.processes, [self._alteration(each) for each in many])

    def as_worker(self, call: Call, task: Task) -> By:
        """The caller, who does the step: for themselves, or in the stead of whoever has the task, or the role that it
        needs, and delegated it. RoleMissing when neither."""
        me = by(call)
        if task.assignee == me.who or (task.assignee is None and has_role_for(call.principal, task)):
            return me
        for each in self._delegations(call, task):
            if covers(each, task):
                return _instead(me, each)
        require_role(call.principal, task)
        return me

    def as_leader(self, call: Call, task: Task) -> tuple[By, bool]:
        """The caller, who says by whom the step is done, and whether as a leader of the agency: for themselves, or in
        the stead of a leader, or of whoever has the task."""
        me = by(call)
        if leads(call.principal) or task.assignee == me.who:
            return me, leads(call.principal)
        found = self._delegations(call, task)
        for each in found:
            if LEADER in each.roles and each.task in (None, task.id):
                return _instead(me, each), True
        theirs = next((each for each in found if task.assignee is not None and covers(each, task)), None)
        return (me if theirs is None else _instead(me, theirs)), False

    def in_the_stead_of(self, call: Call, task: Task, officer: str | None) -> By:
        """The caller, in the stead of this officer if there is a delegation for it now."""
        me = by(call)
        if officer is None:
            return me
        found = self._delegations(call, task)
        theirs = next((each for each in found if each.of == officer and each.task in (None, task.id)), None)
        return me if theirs is None else _instead(me, theirs)

    def met(self, call: Call) -> None:
        """That an officer was here is known from now on, so that work can be given to them by name."""
        who = call.principal
        if who.kind == "person" and who.agency is not None:
            roles = tuple(sorted(who.roles))
            self._store.officers.note(
                Officer(id=who.subject, name=who.name, agency=who.agency, roles=roles, seen_at=call.now)
            )

    def is_for(self, call: Call, agency: str) -> bool:
        return acts_for(call.principal, agency, self._store.catalogue.successions(), call.occurred_at)

    def acting(self, call: Call) -> Callable[[str], str]:
        """Who acts for an agency now."""
        known, day = self._store.catalogue.successions(), local_day(call.occurred_at)
        return lambda agency: known.acting(agency, day)

    def _delegations(self, call: Call, task: Task) -> list[Delegation]:
        acting = self.acting(call)
        found = self._store.delegations.standing(call.principal.subject, call.occurred_at)
        return [each for each in found if acting(each.agency) == acting(task.agency)]

    def _alteration(self, wanted: TaskAct) -> acts.Alteration[Process]:
        self.met(wanted.call)

        def mine(process: Process) -> bool:
            task = process.task(wanted.task)
            return task is not None and self.is_for(wanted.call, task.agency)

        def on_task(process: Process) -> Turn:
            task = process.task(wanted.task)
            if task is None:
                raise NotFound(f"no task {wanted.task} for you")
            return wanted.decide(process, task)

        return acts.Alteration(dossier_of(wanted.task), wanted.call, mine, on_task, wanted.render)


def _instead(me: By, delegation: Delegation) -> By:
    return replace(me, behalf=delegation.of, behalf_name=delegation.of_name)
