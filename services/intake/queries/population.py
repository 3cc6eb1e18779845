"""What can be asked about look-ups in the population database."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chassis.paging import cursor_of, keys_of, page
from intake.store import IntakeStore
from intake.store.population import Lookup


class PopulationQueries:
    """`hashed`: how the log names the person of an identity number."""

    def __init__(self, store: IntakeStore, hashed: Callable[[str], str]) -> None:
        self._store = store
        self._hashed = hashed

    def lookups(
        self,
        *,
        identity: str | None,
        who: str | None,
        agency: str | None,
        dossier: str | None,
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[Lookup], str | None]:
        """The look-ups, newest first."""
        filters = {
            "person": None if identity is None else self._hashed(identity),
            "who": who,
            "agency": agency,
            "dossier": dossier,
        }
        keys = keys_of(cursor, datetime, str)
        wanted = {name: value for name, value in filters.items() if value is not None}
        found = self._store.population_lookups.page(wanted, (keys[0], keys[1]) if keys else None, limit + 1)
        return page(found, limit, lambda last: cursor_of(last.at, last.id))
