"""Many courses at once, a few threads: each goes one step and then waits behind all others."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator

Course = Iterator[float]
"""Yields after each step: in how many seconds it may go on."""


class Crowd:
    """Runs courses to their ends, or until one raises: `run` raises the same, and the others stop where they are."""

    def __init__(self, courses: Iterable[Course]) -> None:
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Course]] = [(0.0, next(self._order), course) for course in courses]
        self._unfinished = len(self._queue)
        self._changed = threading.Condition()
        self._failure: BaseException | None = None

    def run(self, threads: int, watch: Callable[[], None], every: float = 0.25) -> None:
        """Until all have ended. Calls `watch` now and then, from the calling thread."""
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive():
                    worker.join(every)
                    watch()
        except BaseException as interruption:
            self._end(interruption)
            raise
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (course := self._next()) is not None:
            try:
                wait = next(course, None)
            except BaseException as failure:
                self._end(failure)
                return
            with self._changed:
                if wait is None:
                    self._unfinished -= 1
                else:
                    heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), course))
                self._changed.notify_all()

    def _next(self) -> Course | None:
        """The course whose turn it is, when it is; None when nothing is left to do."""
        with self._changed:
            while self._unfinished and self._failure is None:
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._queue)[2]
                self._changed.wait(wait)
        return None

    def _end(self, failure: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()
