"""How far an act is by which many messages are sent again."""

from chassis.store import Loaded
from notify.domain.retries import Retries, RetriesNotFound
from notify.store import NotifyStore


class RetryQueries:
    def __init__(self, store: NotifyStore) -> None:
        self._store = store

    def retries(self, id: str) -> Loaded[Retries]:
        """Raises RetriesNotFound."""
        loaded = self._store.retries.aggregates.load(id)
        if loaded is None:
            raise RetriesNotFound(f"no retries {id}")
        return loaded
