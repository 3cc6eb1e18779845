"""The comparison of the counts with what intake's own dossiers add up to."""

from collections.abc import Iterable
from typing import Protocol

from chassis.clock import Clock
from chassis.worktime import local_day
from stats import recount
from stats.inbound.states import State
from stats.store import StatsStore


class Intake(Protocol):
    def states(self) -> Iterable[State]: ...


class Recounting:
    def __init__(self, store: StatsStore, intake: Intake, clock: Clock) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock

    def recount(self) -> recount.Comparison:
        """Compares the numbers with what intake's own dossiers add up to; Unavailable when intake does not answer."""
        today = local_day(self._clock())
        recounted = recount.count(self._intake.states(), today)
        current = self._store.current()
        return recount.compare({**dict(current.months()), **dict(current.now(today))}, recounted)
