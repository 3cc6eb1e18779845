"""What officers do with a dossier as a whole: its clock stops and goes on, it gets more time, it ends, it goes to
another agency. One function for each act; each is one write."""

from collections.abc import Callable, Sequence
from datetime import date

from chassis import acts
from chassis.errors import FieldError, Invalid
from chassis.web import Answer, Call
from workflow.domain import competence, endings, extensions, pauses, tasks, transfers
from workflow.domain.parts import OPEN, UNDONE, Budget, By, Task
from workflow.domain.processes import Process, Turn, ended_at
from workflow.inbound import Agency
from workflow.store import WorkflowStore
from workflow.usecases.access import RoleMissing, by, sees
from workflow.usecases.acting import Acting, Render


class TransitionUseCases:
    def __init__(self, store: WorkflowStore, acting: Acting) -> None:
        self._store = store
        self._acting = acting

    def ask_supplement(
        self,
        call: Call,
        task_id: str,
        *,
        components: Sequence[str],
        reason: str,
        until: date | None,
        basis: str | None,
        render: Render,
    ) -> Answer:
        def decide(process: Process, task: Task, who: By) -> Turn:
            known = self._components(process)
            return pauses.ask_supplement(process, task, components, reason, until, basis, known, who)

        return self._on_task(call, task_id, decide, render)

    def ask_fee(self, call: Call, task_id: str, *, amount: int, reason: str, basis: str, render: Render) -> Answer:
        def decide(process: Process, task: Task, who: By) -> Turn:
            return pauses.ask_fee(process, task, amount, reason, basis, who)

        return self._on_task(call, task_id, decide, render)

    def pause(self, call: Call, id: str, *, reason: str, basis: str, render: Render) -> Answer:
        return self._on_dossier(call, id, lambda process, who: pauses.pause(process, reason, basis, who), render)

    def resume(self, call: Call, id: str, *, reason: str, render: Render) -> Answer:
        def decide(process: Process, who: By) -> Turn:
            return pauses.resume(process, reason, self._store.catalogue.calendar(), who)

        return self._on_dossier(call, id, decide, render)

    def extend(
        self, call: Call, id: str, *, amount: Budget, reason: str, basis: str | None, apology: bool, render: Render
    ) -> Answer:
        def decide(process: Process, who: By) -> Turn:
            calendar = self._store.catalogue.calendar()
            return extensions.extend(process, amount, reason, basis, apology, calendar, who)

        return self._on_dossier(call, id, decide, render)

    def stop(self, call: Call, id: str, *, reason: str, basis: str | None, render: Render) -> Answer:
        def decide(process: Process, who: By) -> Turn:
            return endings.stop(process, reason, basis, self._store.catalogue.calendar(), who)

        return self._on_dossier(call, id, decide, render)

    def refuse(self, call: Call, id: str, *, reason: str, basis: str, render: Render) -> Answer:
        def decide(process: Process, who: By) -> Turn:
            return endings.refuse(process, reason, basis, self._store.catalogue.calendar(), who)

        return self._on_dossier(call, id, decide, render)

    def transfer(self, call: Call, id: str, *, to: str, task: str | None, reason: str, render: Render) -> Answer:
        """What is not done of it at the caller's agency, or one open task of it, goes to the agency `to`, or to whoever
        took over from that one."""

        def decide(process: Process, who: By) -> Turn:
            left = UNDONE if task is None else OPEN
            mine = [each for each in process.tasks if each.state in left and self._acting.is_for(call, each.agency)]
            going = [each for each in mine if task in (None, each.id)]
            if task is not None and not going:
                wrong = FieldError("/task", "no_such_task", "your agency has no such open task")
                raise Invalid("there is nothing to transfer", errors=[wrong])
            for each in going:
                self._hand(call, each)
            return transfers.transfer(process, going, self._agency(call, to), reason, who)

        return self._on_dossier(call, id, decide, render)

    def _components(self, process: Process) -> frozenset[str] | None:
        version = self._store.catalogue.procedure(f"{process.procedure}/{process.procedure_version}")
        if version is None or version.components is None:
            return None
        return frozenset(each.code for each in version.components)

    def _agency(self, call: Call, id: str) -> Agency:
        found = self._store.catalogue.agency(self._acting.acting(call)(id))
        if found is None:
            wrong = FieldError("/to", "unknown_agency", "there is no such agency")
            raise Invalid("the agency is not known", errors=[wrong])
        return found

    def _on_task(self, call: Call, task_id: str, decide: Callable[[Process, Task, By], Turn], render: Render) -> Answer:
        """An act of those who have this open step to do."""

        def on_task(process: Process, task: Task) -> Turn:
            who = self._hand(call, task)
            tasks.require_open(task)
            if not competence.decides(task):
                raise competence.OpinionOnly("an opinion is given, and nothing else")
            tasks.require_opened(task, who)
            return decide(process, task, who)

        return self._acting.on_task(call, task_id, on_task, render)

    def _on_dossier(self, call: Call, id: str, decide: Callable[[Process, By], Turn], render: Render) -> Answer:
        """An act of those who have some open step of the dossier to do."""
        self._acting.met(call)

        def seen(process: Process) -> bool:
            # Who took over today, before the dossier shows it. What a child dossier does is seen in that one.
            return sees(call.principal, process) or any(
                self._acting.is_for(call, task.agency)
                for task in process.tasks
                if task.state in OPEN and task.kind != "child"
            )

        def on_dossier(process: Process) -> Turn:
            return decide(process, self._whose_turn(call, process))

        return acts.change(self._store.processes, id, call, sees=seen, decide=on_dossier, render=render)

    def _whose_turn(self, call: Call, process: Process) -> By:
        """The caller, as whoever has a say in the dossier. Raises NotYourTurn, RoleMissing, TaskClaimed."""
        if ended_at(process) is not None:
            # Nobody has, which the act itself says better.
            return by(call)
        refusal: RoleMissing | tasks.TaskClaimed | None = None
        for task in competence.having_a_say(process):
            if self._acting.is_for(call, task.agency):
                try:
                    return self._hand(call, task)
                except (RoleMissing, tasks.TaskClaimed) as why:
                    refusal = why
        if refusal is not None:
            raise refusal
        raise competence.NotYourTurn("no step is open at your agency")

    def _hand(self, call: Call, task: Task) -> By:
        """The caller, as whoever has this task to do: its officer, anybody of the role when it is with nobody, or who
        leads them. Raises RoleMissing, TaskClaimed."""
        who, leading = self._acting.as_leader(call, task)
        if not leading:
            who = self._acting.as_worker(call, task)
        competence.require_hand(task, leading, who)
        return who
