"""Lists of tasks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of
from workflow.domain.listing import Listed, Wanted
from workflow.domain.parts import Task
from workflow.store import WorkflowStore
from workflow.usecases.access import sees_all


class TaskQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def mine(self, principal: Principal, wanted: Wanted, at: datetime) -> Wanted:
        """Only what the caller has, helps with, or was delegated for that time: an officer's every task, or single
        ones."""
        standing = self._store.delegations.standing(principal.subject, at)
        wholly = {each.of for each in standing if each.task is None}
        single = [each for each in standing if each.task is not None and each.of not in wholly]
        return replace(
            wanted,
            persons=(principal.subject, *sorted(wholly)),
            delegators=tuple(sorted({each.of for each in single})),
            delegated=tuple(each.task for each in single if each.task is not None),
        )

    def tasks(
        self, principal: Principal, wanted: Wanted, *, cursor: str | None, limit: int
    ) -> tuple[Sequence[tuple[Listed, Task]], str | None]:
        """At most `limit` open tasks; another agency's list is empty, as if it had none.

        Those of the dossier whose earliest open task is due first come first, and a dossier's tasks stand together,
        whole on a page or not. What neither moves nor changes while somebody turns the pages is shown exactly once.
        """
        if not sees_all(principal):
            if principal.agency is None or wanted.agency not in (None, principal.agency):
                return [], None
            wanted = replace(wanted, agency=principal.agency)
        keys = keys_of(cursor, datetime, str, str)
        after, seen = ((keys[0], keys[1]), keys[2]) if keys else (None, "")
        found: list[tuple[Listed, Task]] = []
        for listed in self._store.lists.tasks(wanted, after, limit + 2):
            for task in sorted(listed.tasks, key=lambda each: each.id):
                behind = after is None or listed.id != after[1] or task.id > seen
                if behind and wanted.holds(listed, task):
                    found.append((listed, task))
        if len(found) <= limit:
            return found, None
        last, task = found[limit - 1]
        return found[:limit], cursor_of(last.next_due_at, last.id, task.id)
