"""The relay: takes events from outboxes, publishes them together, clears them together.

A change stream wakes it up within milliseconds; the poll is the truth, since a stream can miss. It serves what web
processes wrote, and sweeps what a worker that died left behind.
"""

import threading
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import timedelta

from pymongo.collection import Collection
from pymongo.database import Database

from chassis import logs, metrics, store
from chassis.clock import Clock
from chassis.publish import BROKER_DOWN, Message, Publisher, SubscribersMissing
from chassis.topology import EVENTS

log = logs.get()
CLOCK_SKEW = timedelta(seconds=5)
"""Hosts' clocks differ: an entry is taken this much before its time. It is less than the grace that workers get."""


WAITED_OUT: tuple[type[Exception], ...] = (SubscribersMissing, *BROKER_DOWN, *store.UNAVAILABLE)
UNROUTABLE_PAUSE = timedelta(seconds=30)


def messages(written: Sequence[store.Written]) -> list[Message]:
    return [Message(EVENTS, item.event.key, item.event.body, item.event.id) for item in written]


class Relay:
    """One at a time per service, by a lease; a second one stands by."""

    def __init__(
        self,
        database: Database[store.Document],
        collections: Sequence[Collection[store.Document]],
        publisher: Publisher,
        lease: store.Lease,
        clock: Clock,
        *,
        batch: int = 500,
        poll_seconds: float = 1.0,
    ) -> None:
        self._database = database
        self._collections = collections
        self._publisher = publisher
        self._lease = lease
        self._clock = clock
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._wake = threading.Event()
        self._nudged: set[str] = set()
        self._lock = threading.Lock()
        self._poll_at = time.monotonic() + poll_seconds
        self._outbox_age = 0.0

    def once(self, names: AbstractSet[str] | None = None) -> int:
        """One round over the collections of these names, or all; the number of events that were published and
        cleared."""
        done = 0
        for collection in self._collections:
            if names is not None and collection.name not in names:
                continue
            written = store.waiting(collection, self._clock() + CLOCK_SKEW, self._batch)
            accepted = self._publisher.publish(messages(written))
            published = [item for item, taken in zip(written, accepted, strict=True) if taken]
            store.clear(self._database, published)
            metrics.RELAYED.inc(len(published))
            if refused := [item for item, taken in zip(written, accepted, strict=True) if not taken]:
                metrics.RELAY_FAILURES.labels("unroutable").inc()
                log.error("events_unroutable", count=len(refused), key=refused[0].event.key)
                store.postpone(self._database, refused, self._clock() + UNROUTABLE_PAUSE)
            done += len(published)
        return done

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. A failure is logged, waited out, and tried again: what is in an outbox stays there."""
        threading.Thread(target=self._watch, args=(stop,), name="watch", daemon=True).start()
        pause = 0.0
        nudged: AbstractSet[str] | None = None
        while not stop.is_set():
            try:
                if pause:
                    stop.wait(pause)
                if self._lease.hold():
                    while not stop.is_set() and self.once(nudged):
                        self._lease.hold()
                    if nudged is None:
                        self._measure()
                pause = 0.0
                nudged = self._await_work(stop)
            except WAITED_OUT as error:
                nudged = None
                pause = min(10.0, pause * 2 or 0.5)
                metrics.RELAY_FAILURES.labels(type(error).__name__).inc()
                self._try_to_measure()
                log.warning(
                    "relay_waits", reason=type(error).__name__, seconds=pause, missing=getattr(error, "service", None)
                )
        with suppress(*store.UNAVAILABLE):
            self._lease.release()
        self._publisher.close()

    def _await_work(self, stop: threading.Event) -> AbstractSet[str] | None:
        """Until something was written, the poll is due, or the process stops. The names of the collections that were
        written to; None when it is time to look into all."""
        while not stop.is_set() and (left := self._poll_at - time.monotonic()) > 0:
            self._publisher.tick()
            if self._wake.wait(min(left, 1.0)):
                with self._lock:
                    self._wake.clear()
                    nudged, self._nudged = self._nudged, set()
                return nudged
        self._poll_at = time.monotonic() + self._poll_seconds
        return None

    def ages(self) -> dict[str, float]:
        """As of the last round that measured, for `/readyz`."""
        return {"outbox_oldest_seconds": self._outbox_age}

    def _measure(self) -> None:
        oldest = [at for collection in self._collections if (at := store.oldest_waiting(collection)) is not None]
        self._outbox_age = max(0.0, (self._clock() - min(oldest)).total_seconds()) if oldest else 0.0
        metrics.OUTBOX_AGE.set(self._outbox_age)

    def _try_to_measure(self) -> None:
        with suppress(*store.UNAVAILABLE):
            self._measure()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with store.watch_nudges(self._database, max_await_ms=1000) as stream:
                    while not stop.is_set():
                        if (nudge := stream.try_next()) is not None:
                            with self._lock:
                                self._nudged.add(nudge["ns"]["coll"])
                                self._wake.set()
            except Exception as error:
                # The poll carries on meanwhile, so nothing but a second of waiting depends on this thread.
                log.warning("watch_interrupted", reason=type(error).__name__)
                stop.wait(2)
