"""What many threads ask for at the same moment, done with one command (group commit).

A command costs the driver and the store about the same for one document and for ten. So what is asked for while a
command is under way waits until that has ended, and then goes as one with all else that waited. Who is alone waits for
nobody.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from chassis.errors import Unavailable

A = TypeVar("A")
R = TypeVar("R")


class _Asked(Generic[A, R]):
    __slots__ = ("item", "outcome", "woken")

    def __init__(self, item: A) -> None:
        self.item = item
        self.outcome: list[R | Exception] = []
        """Empty until it is known."""
        # Held from the start, and let go by whoever did it for them, or whose lead they take over.
        self.woken = threading.Lock()
        self.woken.acquire()


class Together(Generic[A, R]):
    """`run` gets one item or several, at most `at_most`, and returns the outcome of each, in their order; an outcome
    that is an exception is raised to the one whose it is. When `run` raises one of the errors `common`, it is raised to
    all; after any other, each item is run alone, so that a bad one spoils only itself.

    An item goes with the first command that begins after it was asked for, so that what is read was not read before.
    """

    def __init__(
        self,
        run: Callable[[Sequence[A]], Sequence[R | Exception]],
        *,
        common: tuple[type[Exception], ...] = (),
        at_most: int = 100,
    ) -> None:
        self._run = run
        self._common = common
        self._at_most = at_most
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: list[_Asked[A, R]] = []

    def __call__(self, item: A) -> R:
        mine: _Asked[A, R] = _Asked(item)
        with self._lock:
            waits, self._busy = self._busy, True
            if waits:
                self._waiting.append(mine)
        if waits:
            mine.woken.acquire()
        if not mine.outcome:
            self._lead(mine)
        outcome = mine.outcome[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _lead(self, mine: _Asked[A, R]) -> None:
        """Does one command for all who wait now, and leaves the next to one of those who came meanwhile."""
        with self._lock:
            batch = [mine, *self._waiting[: self._at_most - 1]]
            del self._waiting[: self._at_most - 1]
        outcomes: Sequence[R | Exception] = [Unavailable("it was interrupted", retry_after=1)] * len(batch)
        try:
            outcomes = self._outcomes([asked.item for asked in batch])
        finally:
            with self._lock:
                following = self._waiting.pop(0) if self._waiting else None
                self._busy = following is not None
            if following is not None:
                following.woken.release()
            for asked, outcome in zip(batch, outcomes, strict=True):
                asked.outcome.append(outcome)
                if asked is not mine:
                    asked.woken.release()

    def _outcomes(self, items: Sequence[A]) -> Sequence[R | Exception]:
        try:
            return self._run(items)
        except Exception as error:
            if len(items) == 1 or isinstance(error, self._common):
                return [error] * len(items)
            return [outcome for item in items for outcome in self._outcomes([item])]
