"""The relay: takes events from outboxes, publishes them together, clears them together.

A change stream wakes it up within milliseconds; the poll is the truth, since a stream can miss. It serves what web
processes wrote, and sweeps what a worker that died left behind.

A stream has the server look at everything that anybody writes, into any database. So it is open only in a service that
published something lately, and there only while nothing happens. Once awake, the relay looks every tenth of a second
into the collections that had something, and finds several writes at once, until they have been quiet for a while. Where
nothing was published for long, the next is found by the poll.
"""

import threading
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import timedelta
from typing import Any

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
GATHER_SECONDS = 0.1
"""Between two rounds over collections that are in use: what a round costs hardly depends on how many it finds."""
QUIET_SECONDS = 2.0
"""A collection that had nothing for so long is left to the stream and the poll."""
AWAKE_SECONDS = 60.0
"""So long after it had something, a collection is worth a stream."""
STREAM_PAUSE_SECONDS = 2.0
"""After the stream failed."""


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
        self._stream: Any = None
        self._stream_at = 0.0
        self._used: dict[str, float] = {}
        self._poll_at = time.monotonic() + poll_seconds
        self._outbox_age = 0.0

    def once(self, names: AbstractSet[str] | None = None) -> int:
        """One round over the collections of these names, or all; the number of events that were published and
        cleared."""
        done, found = 0, False
        for collection in self._collections:
            if names is not None and collection.name not in names:
                continue
            written = store.waiting(collection, self._clock() + CLOCK_SKEW, self._batch)
            if written:
                found = True
                done += self._relay(written)
                self._used[collection.name] = time.monotonic()
        if names is None:
            self._tell_age(self._oldest() if found else 0.0)
        return done

    def _relay(self, written: Sequence[store.Written]) -> int:
        accepted = self._publisher.publish(messages(written))
        published = [item for item, taken in zip(written, accepted, strict=True) if taken]
        store.clear(self._database, published)
        metrics.RELAYED.inc(len(published))
        if refused := [item for item, taken in zip(written, accepted, strict=True) if not taken]:
            metrics.RELAY_FAILURES.labels("unroutable").inc()
            log.error("events_unroutable", count=len(refused), key=refused[0].event.key)
            store.postpone(self._database, refused, self._clock() + UNROUTABLE_PAUSE)
        return len(published)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. A failure is logged, waited out, and tried again: what is in an outbox stays there."""
        pause = 0.0
        names: AbstractSet[str] | None = None
        while not stop.is_set():
            try:
                if pause:
                    stop.wait(pause)
                if self._lease.hold():
                    done = self.once(names)
                    while done >= self._batch and not stop.is_set():
                        self._lease.hold()
                        done = self.once(names)
                    pause = 0.0
                    names = self._await_work(stop)
                else:
                    self._close_stream()
                    pause, names = self._poll_seconds, None
            except WAITED_OUT as error:
                self._close_stream()
                names = None
                pause = min(10.0, pause * 2 or 0.5)
                metrics.RELAY_FAILURES.labels(type(error).__name__).inc()
                with suppress(*store.UNAVAILABLE):
                    self._tell_age(self._oldest())
                log.warning(
                    "relay_waits", reason=type(error).__name__, seconds=pause, missing=getattr(error, "service", None)
                )
        self._close_stream()
        with suppress(*store.UNAVAILABLE):
            self._lease.release()
        self._publisher.close()

    def _await_work(self, stop: threading.Event) -> AbstractSet[str] | None:
        """Until it is time to look into the collections of these names; None: into all."""
        while not stop.is_set() and (left := self._poll_at - time.monotonic()) > 0:
            self._publisher.tick()
            if in_use := self._used_within(QUIET_SECONDS):
                self._close_stream()
                stop.wait(min(left, GATHER_SECONDS))
                return in_use
            if not self._used_within(AWAKE_SECONDS):
                self._close_stream()
                stop.wait(min(left, 1.0))
            elif self._stream is not None:
                if (name := self._nudge()) is not None:
                    self._used[name] = time.monotonic()
                    return {name}
            elif time.monotonic() < self._stream_at:
                stop.wait(min(left, 1.0))
            elif self._open_stream():
                # What was written before it was open is in no stream.
                break
        self._poll_at = time.monotonic() + self._poll_seconds
        return None

    def _used_within(self, seconds: float) -> AbstractSet[str]:
        """The collections that had something since then."""
        since = time.monotonic() - seconds
        return {name for name, at in self._used.items() if at > since}

    def ages(self) -> dict[str, float]:
        """As of the last round that measured, for `/readyz`."""
        return {"outbox_oldest_seconds": self._outbox_age}

    def _oldest(self) -> float:
        """For how many seconds the oldest entry of all outboxes has been due."""
        oldest = [at for collection in self._collections if (at := store.oldest_waiting(collection)) is not None]
        return max(0.0, (self._clock() - min(oldest)).total_seconds()) if oldest else 0.0

    def _tell_age(self, seconds: float) -> None:
        self._outbox_age = seconds
        metrics.OUTBOX_AGE.set(seconds)

    # -- the change stream --

    def _open_stream(self) -> bool:
        try:
            self._stream = store.watch_nudges(self._database, max_await_ms=int(1000 * min(1.0, self._poll_seconds)))
        except Exception as error:
            self._lose_stream(error)
        return self._stream is not None

    def _nudge(self) -> str | None:
        """The collection that a web process has left an event in; None after a while without."""
        try:
            nudge = self._stream.try_next()
        except Exception as error:
            self._lose_stream(error)
            return None
        return None if nudge is None else str(nudge["ns"]["coll"])

    def _lose_stream(self, error: Exception) -> None:
        """The poll carries on meanwhile, so nothing but a second of waiting depends on the stream."""
        log.warning("watch_interrupted", reason=type(error).__name__)
        self._close_stream()
        self._stream_at = time.monotonic() + STREAM_PAUSE_SECONDS

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(*store.UNAVAILABLE, store.OperationFailure):
                stream.close()
