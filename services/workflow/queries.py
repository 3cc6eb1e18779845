"""What can be asked of workflow."""

from collections.abc import Sequence
from datetime import datetime

from chassis.auth import Principal
from chassis.errors import NotFound
from chassis.paging import cursor_of, keys_of, page
from chassis.store import Loaded
from workflow import domain
from workflow.domain import OPEN, Process, Rescheduling, Task, TaskState
from workflow.store import Wanted, WorkflowStore
from workflow.usecases import ANY_AGENCY, READ_ALL, sees


class Queries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def process(self, principal: Principal, id: str) -> Loaded[Process]:
        """The dossier's process, or NotFound, also when it is not the caller's to see."""
        loaded = self._store.processes.load(id)
        if loaded is None or not sees(principal, loaded.state):
            raise NotFound(f"no dossier {id} for you")
        return loaded

    def tasks(
        self,
        principal: Principal,
        *,
        agency: str | None,
        assignee: str | None,
        state: TaskState | None,
        overdue_at: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[tuple[Process, Task]], str | None]:
        """Open tasks, the earliest due first; another agency's list is empty, as if it had none. A page holds the tasks
        of at most
        `limit` dossiers."""
        if not (principal.may(ANY_AGENCY) or principal.may(READ_ALL)):
            if principal.agency is None or agency not in (None, principal.agency):
                return [], None
            agency = principal.agency
        keys = keys_of(cursor, datetime, str)
        wanted = Wanted(agency=agency, assignee=assignee, overdue_at=overdue_at)
        found = self._store.page(wanted, (keys[0], keys[1]) if keys else None, limit + 1)
        shown, following = page(found, limit, lambda last: cursor_of(last.state.next_due_at, last.id))
        states = OPEN if state is None else (state,)
        return [
            (loaded.state, task)
            for loaded in shown
            for task in loaded.state.tasks
            if task.state in states
            and (agency is None or task.agency == agency)
            and (assignee is None or task.assignee == assignee)
            and (overdue_at is None or (task.due_at is not None and task.due_at < overdue_at))
        ], following

    def reschedulings(
        self, principal: Principal, year: int, cursor: str | None, limit: int
    ) -> tuple[Sequence[tuple[Process, Rescheduling]], str | None]:
        """Which due dates a change of that year's calendar moved, by dossier, of those that the caller may see. A page
        holds those of at most `limit` dossiers."""
        everything = principal.may(ANY_AGENCY) or principal.may(READ_ALL)
        if not everything and principal.agency is None:
            return [], None
        keys = keys_of(cursor, str)
        agency = None if everything else principal.agency
        found = self._store.rescheduled(year, agency, keys[0] if keys else "", limit + 1)
        shown, following = page(found, limit, lambda last: cursor_of(last.id))
        moved = [(each.state, one) for each in shown for one in each.state.reschedulings if one.year == year]
        return moved, following

    def used_minutes(self, process: Process, now: datetime) -> int:
        """Working minutes that the clock has counted."""
        return domain.used(process, now, self._store.calendar())
