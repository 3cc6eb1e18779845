"""What can be asked about fees and payments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from chassis import store as chassis_store
from chassis.auth import Principal
from chassis.errors import NotFound
from chassis.paging import cursor_of, keys_of, page
from intake.domain.payments import Stray
from intake.domain.reconciliation import Reconciliation
from intake.store import IntakeStore
from intake.usecases.payments import of_all_agencies


class PaymentQueries:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def strays(
        self, principal: Principal, state: Literal["unmatched", "assigned", "refunded"], cursor: str | None, limit: int
    ) -> tuple[Sequence[chassis_store.Loaded[Stray]], str | None]:
        """Money that settled no bill when it came, newest first; an agency's accountants see what names its
        dossiers."""
        agency = None if of_all_agencies(principal) else principal.agency
        keys = keys_of(cursor, datetime, str)
        found = self._store.payments.page(agency, state, (keys[0], keys[1]) if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.state.arrived_at, last.id))

    def reconciliation(self, principal: Principal, id: str) -> chassis_store.Loaded[Reconciliation]:
        """The reconciliation, or NotFound, also when it is another agency's."""
        loaded = self._store.payments.reconciliations.load(id)
        if loaded is None or not (of_all_agencies(principal) or loaded.state.agency == principal.agency):
            raise NotFound(f"no reconciliation {id} for you")
        return loaded
