"""What has not left yet, outlet by outlet: for /metrics and /readyz. It is measured whether or not anything is sent."""

from collections.abc import Mapping
from typing import Any, Protocol

from chassis import metrics
from chassis.clock import Clock
from notify.store.outlets import Outlets
from notify.store.rows import Backlog

SECONDS = 15


class Counted(Protocol):
    """See `notify.store.rows.Rows`."""

    def backlog(self) -> Backlog: ...


class Backlogs:
    """`queues`: by the names of the outlets that they wait for."""

    def __init__(self, queues: Mapping[str, Counted], outlets: Outlets, clock: Clock) -> None:
        self._queues = queues
        self._outlets = outlets
        self._clock = clock
        self._measured: dict[str, Any] = {}

    def measure(self) -> None:
        now, states = self._clock(), self._outlets.states()
        measured: dict[str, Any] = {}
        for name, queue in self._queues.items():
            found, state = queue.backlog(), states.get(name)
            overdue = max(0.0, (now - found.due_since).total_seconds()) if found.due_since else 0.0
            metrics.UNSENT.labels(name, "queued").set(found.queued)
            metrics.UNSENT.labels(name, "sending").set(found.sending)
            metrics.UNSENT_AGE.labels(name).set(overdue)
            measured[name] = {
                "queued": found.queued,
                "sending": found.sending,
                "oldest_seconds": round(overdue),
                "away": None if state is None else state.away,
            }
        self._measured = measured

    def details(self) -> Mapping[str, Any]:
        """What was measured last."""
        return {"outgoing": self._measured}
