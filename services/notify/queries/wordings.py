"""What editors wrote, as templates read it: in memory, and not older than a few seconds."""

import time
from collections.abc import Mapping

from chassis.store import UNAVAILABLE
from notify.domain.wordings import Wording
from notify.store import NotifyStore
from notify.store.series import id_of

SECONDS = 3.0
"""How old what is in memory may be."""


class Shelf:
    """While the store is away, what is known goes on counting: a letter is not held up by that."""

    def __init__(self, store: NotifyStore) -> None:
        self._store = store
        self._known: Mapping[str, Wording] | None = None
        self._read_at = 0.0

    def newest(self) -> Mapping[str, Wording]:
        """The newest version of whatever was ever changed, by its name."""
        if self._known is None or time.monotonic() - self._read_at > SECONDS:
            try:
                self._known = self._read(self._known or {})
            except UNAVAILABLE:
                if self._known is None:
                    raise
            self._read_at = time.monotonic()
        return self._known

    def version(self, name: str, number: int) -> Wording | None:
        return self._store.wordings.version(name, number)

    def _read(self, known: Mapping[str, Wording]) -> Mapping[str, Wording]:
        numbers = self._store.wordings.numbers()
        same = {name: wording for name, wording in known.items() if numbers.get(name) == wording.number}
        ids = [id_of(name, number) for name, number in numbers.items() if name not in same]
        fresh = self._store.wordings.versions(ids) if ids else {}
        return {**same, **{wording.name: wording for wording in fresh.values()}}
