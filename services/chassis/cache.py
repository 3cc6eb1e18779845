"""What a process read lately from its own store, kept in memory for a moment."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """Remembers what `read` gave for each key for `seconds`; nothing found (a falsy value) is not remembered."""

    def __init__(self, read: Callable[[str], T], seconds: float, most: int = 10_000) -> None:
        self._read = read
        self._seconds = seconds
        self._most = most
        self._known: dict[str, tuple[float, T]] = {}
        self._lock = threading.Lock()

    def __call__(self, key: str = "") -> T:
        now = time.monotonic()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        value = self._read(key)
        if value:
            with self._lock:
                if len(self._known) >= self._most:
                    self._known.clear()
                self._known[key] = now + self._seconds, value
        return value
