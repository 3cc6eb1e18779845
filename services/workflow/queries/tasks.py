"""Lists of tasks."""

from collections.abc import Sequence
from datetime import datetime

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of, page
from workflow.domain.parts import OPEN, Task, TaskState
from workflow.domain.processes import Process
from workflow.store import WorkflowStore
from workflow.store.processes import Wanted
from workflow.usecases.access import ANY_AGENCY, READ_ALL


class TaskQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

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
        found = self._store.processes.page(wanted, (keys[0], keys[1]) if keys else None, limit + 1)
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
