"""Giving one's work to another for a period, and taking it back. Each is one write."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chassis import acts
from chassis.auth import Principal
from chassis.errors import FieldError, Forbidden, NotFound
from chassis.web import Answer, Call
from workflow.domain import delegations, officers
from workflow.domain.assignments import LeaderNeeded
from workflow.domain.children import dossier_of
from workflow.domain.delegations import Delegation
from workflow.domain.officers import Officer
from workflow.domain.tasks import TaskUnclaimed, require_open
from workflow.store import WorkflowStore
from workflow.usecases.access import by, leads
from workflow.usecases.acting import Acting

Render = Callable[[Delegation, int], Answer]


class NoAgency(Forbidden):
    code = "no_agency"
    title = "Tài khoản không thuộc cơ quan nào"


@dataclass(frozen=True, slots=True)
class Wish:
    """`of` None: the caller. `begins` None: now."""

    of: str | None
    to: str
    begins: datetime | None
    ends: datetime
    reason: str


class DelegationUseCases:
    def __init__(self, store: WorkflowStore, acting: Acting) -> None:
        self._store = store
        self._acting = acting

    def delegate(self, call: Call, wish: Wish, render: Render) -> Answer:
        """All that the officer has and gets in the period. A leader may do it for an officer of their agency who cannot
        come; their own delegate may not: it is not transitive."""
        self._acting.met(call)
        id = call.id_for_new("delegation")
        if (first := acts.first_answer(self._store.delegations.load(id), call)) is not None:
            return first
        me = call.principal
        if wish.of not in (None, me.subject) and not leads(me):
            raise LeaderNeeded("only a leader delegates another's work")
        of = self._officer(call, wish.of)
        return self._add(call, id, of, wish, None, render)

    def delegate_task(self, call: Call, task_id: str, wish: Wish, render: Render) -> Answer:
        """One task, by whoever has it or by a leader of the agency."""
        self._acting.met(call)
        id = call.id_for_new("delegation")
        if (first := acts.first_answer(self._store.delegations.load(id), call)) is not None:
            return first
        loaded = self._store.processes.load(dossier_of(task_id))
        task = None if loaded is None else loaded.state.task(task_id)
        if task is None or not self._acting.is_for(call, task.agency):
            raise NotFound(f"no task {task_id} for you")
        require_open(task)
        if task.assignee is None:
            raise TaskUnclaimed("nobody has taken the task")
        if task.assignee != call.principal.subject and not leads(call.principal):
            raise LeaderNeeded("the task is with somebody else")
        of = self._store.officers.known([task.assignee]).get(task.assignee) or Officer(
            id=task.assignee, name=task.assignee_name or "", agency=task.agency, roles=(), seen_at=call.now
        )
        return self._add(call, id, of, wish, task_id, render)

    def revoke(self, call: Call, id: str, render: Render) -> Answer:
        """By the delegator, the delegate, or a leader of their agency; to anybody else it is not there."""
        return acts.change(
            self._store.delegations,
            id,
            call,
            sees=lambda delegation: self._concerns(call.principal, call, delegation),
            decide=lambda delegation: (delegations.revoke(delegation, by(call)), ()),
            render=render,
        )

    def _add(self, call: Call, id: str, of: Officer, wish: Wish, task: str | None, render: Render) -> Answer:
        begins = wish.begins or call.now
        delegations.check(of.id, wish.to, begins, wish.ends, call.now)
        known = self._store.officers.known([wish.to])
        officers.require([wish.to], known, [of.agency], self._acting.acting(call), "/to")
        made = Delegation(
            id=id,
            of=of.id,
            of_name=of.name,
            to=wish.to,
            to_name=known[wish.to].name,
            agency=of.agency,
            roles=of.roles,
            task=task,
            begins=begins,
            ends=wish.ends,
            reason=wish.reason,
            made_by=call.principal.subject,
            made_at=call.now,
            parties=(of.id, wish.to),
        )
        return acts.create(self._store.delegations, id, made, (), call, render)

    def _officer(self, call: Call, id: str | None) -> Officer:
        """The caller, or an officer of the agency that the caller leads."""
        me = call.principal
        if id is None or id == me.subject:
            if me.agency is None:
                raise NoAgency("only officers of an agency delegate")
            return Officer(
                id=me.subject, name=me.name, agency=me.agency, roles=tuple(sorted(me.roles)), seen_at=call.now
            )
        found = self._store.officers.known([id]).get(id)
        if found is None or not self._acting.is_for(call, found.agency):
            wrong = FieldError("/of", "not_an_officer", "is not known as an officer of the agency")
            raise officers.NotAnOfficer("not an officer of the agency", errors=[wrong])
        return found

    def _concerns(self, who: Principal, call: Call, delegation: Delegation) -> bool:
        return who.subject in delegation.parties or (leads(who) and self._acting.is_for(call, delegation.agency))
