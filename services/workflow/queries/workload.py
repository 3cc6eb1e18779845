"""Who has how much to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of, page
from chassis.worktime import ZONE, local_day
from workflow.store import WorkflowStore
from workflow.store.lists import DoneWork, Load
from workflow.usecases import access
from workflow.usecases.access import leads, sees_all

LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Row:
    """What is with an officer, and what they did lately; either may be nothing."""

    agency: str
    officer: str | None
    load: Load | None
    done: DoneWork | None

    @property
    def name(self) -> str | None:
        """The newest that is known."""
        return next((each.name for each in (self.load, self.done) if each is not None and each.name), None)


class WorkloadQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def workload(
        self, principal: Principal, *, agency: str | None, subtree: bool, now: datetime, cursor: str | None, limit: int
    ) -> tuple[Sequence[Row], str | None]:
        """The rows of at most `limit` agencies, by agency and officer, what nobody has taken before all officers.

        A leader sees their agency's and those of what is below it; who sees everything, every agency's; any other
        officer what nobody has taken, and their own row. Another agency's list is empty, as if it had none. It reads
        what is open at these agencies and what was done there lately, and no older dossier.
        """
        asked = agency or principal.agency
        keys = keys_of(cursor, str)
        if asked is None:
            return [], None
        behind = keys[0] if keys else ""
        overseen = access.overseen(principal, asked, subtree, self._store.catalogue.tree())
        wanted = sorted(each for each in overseen if each > behind)
        shown, following = page(wanted[: limit + 1], limit, cursor_of)
        rows = self._rows(shown, now) if shown else []
        if not (sees_all(principal) or leads(principal)):
            rows = [row for row in rows if row.officer in (None, principal.subject)]
        return rows, following

    def _rows(self, agencies: Sequence[str], now: datetime) -> list[Row]:
        midnight = datetime.combine(local_day(now) + timedelta(days=1), time(), ZONE)
        load = {(each.agency, each.officer): each for each in self._store.lists.load(agencies, now, midnight)}
        done = {(each.agency, each.officer): each for each in self._store.lists.done(agencies, now - LATELY)}
        found = sorted({*load, *done}, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
        return [Row(*key, load.get(key), done.get(key)) for key in found]
