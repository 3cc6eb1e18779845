"""Finds the events that were seen and may have made no message, since a worker or the broker was lost in between."""

from datetime import timedelta

from chassis import logs, metrics
from chassis.clock import Clock
from chassis.consume import Later
from chassis.store import UNAVAILABLE
from notify.domain.telling import Happened
from notify.store import NotifyStore
from notify.usecases.telling import Telling

log = logs.get()
AGE = timedelta(minutes=5)
"""The broker gives what was not acknowledged to another worker at once."""
AT_ONCE = 100


class Sweeping:
    def __init__(self, store: NotifyStore, telling: Telling, clock: Clock) -> None:
        self._store = store
        self._telling = telling
        self._clock = clock

    def once(self) -> None:
        """Tells again what was begun minutes ago. Whoever was told then is not told twice."""
        told, left = 0, list[str]()
        now = self._clock()
        for event_id, happened in self._store.tellings.left_over(now - AGE, AT_ONCE).items():
            if (reason := self._why_not(happened)) is None:
                told += 1
            else:
                log.error("event_not_told", event_id=event_id, reason=reason)
                left.append(event_id)
        # However many cannot be told, the others get their turn.
        self._store.tellings.put_off(left, now)
        if told:
            metrics.SWEPT.labels("untold_events").inc(told)
            log.warning("events_told_by_sweep", count=told)

    def _why_not(self, happened: Happened | None) -> str | None:
        """Tells it; None when that is done, also where the rules, or the person, want it told to nobody by now."""
        if happened is None:
            return "unreadable"
        try:
            (outcome,) = self._telling.tell([happened])
        except UNAVAILABLE:
            raise
        except Exception as error:
            return type(error).__name__
        if isinstance(outcome, Later):
            return outcome.reason
        self._store.tellings.done([happened])
        return None
