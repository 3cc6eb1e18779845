"""Lists of dossiers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from chassis.auth import Principal
from chassis.paging import cursor_of, keys_of, page
from workflow.store import WorkflowStore
from workflow.store.lists import Dossier, LateDossier, WantedDossiers
from workflow.usecases.access import overseen, sees_all


class DossierQueries:
    def __init__(self, store: WorkflowStore) -> None:
        self._store = store

    def dossiers(
        self, principal: Principal, wanted: WantedDossiers, *, cursor: str | None, limit: int
    ) -> tuple[Sequence[Dossier], str | None]:
        """The dossiers that the caller's agency works on or worked on; another agency's list is empty, as if it had
        none."""
        if not sees_all(principal):
            if principal.agency is None or wanted.agency not in (None, principal.agency):
                return [], None
            wanted = replace(wanted, agency=principal.agency)
        field, _ = wanted.order[0]
        keys = keys_of(cursor, str if field == "code" else datetime, str)
        after: tuple[Any, str] | None = (keys[0], keys[1]) if keys else None
        found = self._store.lists.dossiers(wanted, after, limit + 1)
        return page(found, limit, lambda last: cursor_of(getattr(last, field), last.id))

    def late(
        self,
        principal: Principal,
        now: datetime,
        *,
        agency: str | None,
        subtree: bool,
        apologised: bool,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[LateDossier], str | None]:
        """Dossiers that are late at an agency, and with `subtree` at those below it (see `access.overseen`). Without an
        agency the caller's own, and every one for who sees everything. Another agency's list is empty, as if it had
        none."""
        keys = keys_of(cursor, datetime, str)
        after = (keys[0], keys[1]) if keys else None
        agencies: list[str] | None = None
        if agency is not None or not sees_all(principal):
            asked = agency or principal.agency
            agencies = (
                [] if asked is None else sorted(overseen(principal, asked, subtree, self._store.catalogue.tree()))
            )
            if not agencies:
                return [], None
        found = self._store.lists.late(agencies, now, after, limit + 1, apologised=apologised)
        return page(found, limit, lambda last: cursor_of(last.late_from, last.id))
