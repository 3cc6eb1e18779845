"""Questions about the course of a dossier."""

from collections.abc import Sequence
from datetime import datetime

from chassis.auth import Principal
from chassis.errors import NotFound
from chassis.paging import cursor_of, keys_of, page
from chassis.store import Loaded
from workflow.domain import children
from workflow.domain.accounts import Account, account
from workflow.domain.parts import Rescheduling
from workflow.domain.processes import Process
from workflow.store import WorkflowStore
from workflow.usecases.access import ANY_AGENCY, READ_ALL, sees


class ProcessQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def process(self, principal: Principal, id: str) -> Loaded[Process]:
        """The dossier's process, or NotFound, also when it is not the caller's to see. Who sees a dossier sees the
        children of it too."""
        loaded = self._store.processes.load(id)
        if loaded is None or not (sees(principal, loaded.state) or self._sees_above(principal, loaded.state)):
            raise NotFound(f"no dossier {id} for you")
        return loaded

    def children(self, process: Process) -> Sequence[Process]:
        """The child dossiers that did or do its steps, in the process's order, the newest round last."""
        ids = children.links(process.tasks)
        found = self._store.processes.load_many(ids) if ids else {}
        return [found[id].state for id in ids if id in found]

    def parent(self, process: Process) -> Process | None:
        """The dossier of which this one does a step."""
        if process.parent is None:
            return None
        found = self._store.processes.load(children.dossier_of(process.parent))
        return None if found is None else found.state

    def _sees_above(self, principal: Principal, process: Process) -> bool:
        if process.parent is None:
            return False
        above = self._store.processes.load_many(children.above(process.id))
        return any(sees(principal, each.state) for each in above.values())

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
        found = self._store.processes.rescheduled(year, agency, keys[0] if keys else "", limit + 1)
        shown, following = page(found, limit, lambda last: cursor_of(last.id))
        moved = [(each.state, one) for each in shown for one in each.state.reschedulings if one.year == year]
        return moved, following

    def account(self, process: Process, now: datetime) -> Account:
        """The deadline's account."""
        known = self._store.catalogue.listed()
        return account(process, now, known.calendar, known.years)
