"""What partner systems are asked and answer, until it is kept with the row."""

from collections.abc import Iterable
from threading import Lock

from notify.domain.repairs import Exchange


class Exchanges:
    """What was sent and answered of rows on the way, until it is kept with them. Thread-safe."""

    def __init__(self) -> None:
        self._of: dict[str, list[Exchange]] = {}
        self._lock = Lock()

    def add(self, id: str, exchange: Exchange) -> None:
        with self._lock:
            self._of.setdefault(id, []).append(exchange)

    def peek(self, id: str) -> list[Exchange]:
        with self._lock:
            return list(self._of.get(id, ()))

    def forget(self, ids: Iterable[str]) -> None:
        with self._lock:
            for id in ids:
                self._of.pop(id, None)
