"""The consumer: takes up to a few hundred messages, applies them with one write for each handler, acknowledges once.

A message ends in one of four ways, and each has a name: Done, Duplicate, Later (tried again after 5 s, 30 s, 5 min, 1
h, then parked) and Invalid (parked at once). Nothing is dropped, and nothing is acknowledged before its effect, its
retry or its parking is durable.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kombu.connection import Connection
from pymongo.database import Database

from chassis import logs, metrics, store, topology
from chassis.clock import Clock
from chassis.envelope import Envelope, Unreadable, read, read_data
from chassis.publish import BROKER_DOWN, Message, Publisher, SubscribersMissing
from chassis.relay import messages as as_messages

log = logs.get()
ATTEMPT, REASON, PARKED_AT = "x-attempt", "x-reason", "x-parked-at"
HOLD_SECONDS = 1200
"""How long a batch is held while the store is away; RabbitMQ wants an acknowledgement within 30 minutes."""
LISTEN_SECONDS = 1.0
"""How long it waits for a message before it looks whether it is to stop."""
GATHERINGS = 10
GATHER_AT_MOST_SECONDS = 2.0
"""While messages keep coming, a batch waits so many times its gathering time, and not beyond so many seconds."""
STEADY_SECONDS = 30
BEAT_SECONDS = 1.0
GLANCE_SECONDS = 0.005
"""How often it looks whether the batch in hand is done while no message comes."""
MEASURE_SECONDS = 3.0
"""Every so often the broker is asked how much waits."""


@dataclass(frozen=True, slots=True)
class Done:
    """Applied."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Its effect was there already: a write said so by failing."""


@dataclass(frozen=True, slots=True)
class Later:
    """Cannot be applied yet, for example because its predecessor has not come. `reason` holds no personal data."""

    reason: str


@dataclass(frozen=True, slots=True)
class Invalid:
    """Will never be applicable as it is: parked at once, for a person to look at."""

    reason: str


Outcome = Done | Duplicate | Later | Invalid


@dataclass(frozen=True, slots=True)
class Received:
    """An event and the consumer's own reading of its data."""

    event: Envelope
    data: Any


@dataclass(slots=True)
class _Delivery:
    """A message, what was read in it, and what became of it. What nothing here reads any more (a binding of an earlier
    version may still bring it) is done as it comes.
    """

    message: Any
    received: Received | None = None
    handler: int | None = None
    """Its place in the service's table."""
    outcome: Outcome = Done()


Handler = Callable[[Sequence[Received]], Sequence[Outcome]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler and what it takes: event type (or `intake.#`) → the dataclass that reads it (`dict` for the raw data).

    Handlers are called in the order of the service's table, each with all messages of the batch that are its own.
    """

    handler: Handler
    readings: dict[str, type]


class Consumer:
    """Consumes the service's input queue; several copies of a process may do it at once.

    One thread holds the connection and takes in what comes, another calls the handlers, one batch after the other: so
    the next batch is there when one is done, and a handler that takes long does not cost the connection.
    """

    def __init__(
        self,
        amqp_url: str,
        service: str,
        table: Sequence[Subscription],
        publisher: Publisher,
        database: Database[store.Document],
        carrier: store.Carrier,
        clock: Clock,
        *,
        batch: int = 300,
        gather_seconds: float = 0.02,
        single_active: bool = False,
    ) -> None:
        self._url = amqp_url
        self._service = service
        self._table = table
        self._publisher = publisher
        # What is moved goes to the service's own queues, whether or not others have theirs already.
        self._mover = Publisher(amqp_url)
        self._database = database
        self._carrier = carrier
        self._clock = clock
        self._batch = batch
        self._gather_seconds = gather_seconds
        self._single_active = single_active
        self._inbox: list[_Delivery] = []
        self._exact = {
            event_type: (i, kind) for i, sub in enumerate(table) for event_type, kind in sub.readings.items()
        }
        self._patterns = [(t[:-1], i, kind) for t, (i, kind) in self._exact.items() if t.endswith("#")]
        self._last_published = 0.0
        self._depth = 0
        self._queue_age = 0.0
        self.connected = False

    @property
    def event_types(self) -> list[str]:
        return list(self._exact)

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set: then the batch in hand is finished, and nothing more is taken."""
        pause = 0.0
        while not stop.is_set():
            since = time.monotonic()
            try:
                with Connection(self._url, heartbeat=60, connect_timeout=5) as connection:
                    connection.ensure_connection(max_retries=1, timeout=5)
                    self._consume(connection, stop)
            except BROKER_DOWN as error:
                # A connection that held for a while was a good one: the first attempt after it comes soon.
                pause = 0.5 if time.monotonic() - since > STEADY_SECONDS else min(10.0, pause * 2 or 0.5)
                log.warning("consumer_waits", reason=type(error).__name__, seconds=pause)
            finally:
                self.connected = False
                self._inbox.clear()
            stop.wait(pause)
        self._publisher.close()
        self._mover.close()

    def _consume(self, connection: Any, stop: threading.Event) -> None:
        channel = connection.channel()
        topology.declare(channel, self._service, self.event_types, single_active=self._single_active)
        channel.basic_qos(0, self._batch * 2, False)
        channel.basic_consume(topology.input_queue(self._service), callback=self._take_in)
        ended = threading.Event()
        with ThreadPoolExecutor(1, "handlers") as hands:
            self.connected = True
            log.info("consumer_ready")
            beaten = measured = time.monotonic()
            try:
                while not stop.is_set():
                    if batch := self._collect(connection):
                        self._receive_until(hands.submit(self._process, batch, stop, ended), connection)
                        channel.basic_ack(batch[-1].message.delivery_tag, multiple=True)
                    if time.monotonic() - beaten > BEAT_SECONDS:
                        connection.heartbeat_check()
                        self._tick()
                        beaten = time.monotonic()
                    if time.monotonic() - measured > MEASURE_SECONDS:
                        self._measure(channel, idle=not batch)
                        measured = time.monotonic()
            finally:
                ended.set()

    def _collect(self, connection: Any) -> list[_Delivery]:
        """Waits a while for a first message, then for others until none has come for a little, though not for
        ever: a batch costs much, one message more in it little. What is there without a wait is taken even then, up to
        the batch's size.
        """
        with suppress(TimeoutError):
            if not self._inbox:
                connection.drain_events(timeout=LISTEN_SECONDS)
            longest = max(self._gather_seconds, min(GATHERINGS * self._gather_seconds, GATHER_AT_MOST_SECONDS))
            deadline = time.monotonic() + longest
            while len(self._inbox) < self._batch:
                left = deadline - time.monotonic()
                connection.drain_events(timeout=max(0.0, min(left, self._gather_seconds)))
        batch = self._inbox[: self._batch]
        del self._inbox[: self._batch]
        return batch

    def _take_in(self, message: Any) -> None:
        """Reads it at once: beside the handlers, which mostly wait for the store."""
        delivery = _Delivery(message)
        self._inbox.append(delivery)
        try:
            event = read(message.body)
            found = self._exact.get(event.type) or next(
                ((i, kind) for prefix, i, kind in self._patterns if event.type.startswith(prefix)), None
            )
            if found is not None:
                where, kind = found
                delivery.received = Received(event, event.data if kind is dict else read_data(kind, event.data))
                delivery.handler = where
        except Unreadable as error:
            delivery.outcome = Invalid(f"unreadable: {error}")

    def _receive_until(self, done: Future[None], connection: Any) -> None:
        """Takes in what the broker sends (up to the prefetch) and keeps the connection alive, until `done` is."""
        beaten = time.monotonic()
        while not done.done():
            with suppress(TimeoutError):
                connection.drain_events(timeout=GLANCE_SECONDS)
            if time.monotonic() - beaten > BEAT_SECONDS:
                connection.heartbeat_check()
                beaten = time.monotonic()
        done.result()

    def _tick(self) -> None:
        """Keeps the publishers' connections alive; the broker gives up one that is silent for two minutes."""
        self._publisher.tick()
        self._mover.tick()

    def _process(self, batch: Sequence[_Delivery], stop: threading.Event, ended: threading.Event) -> None:
        """In the thread of the handlers, beside the one that receives. Afterwards the end of each is durable."""
        for index, subscription in enumerate(self._table):
            mine = [each for each in batch if each.handler == index]
            items = [each.received for each in mine if each.received is not None]
            if items:
                outcomes = self._apply_or_hold(subscription.handler, items, stop, ended)
                for delivery, outcome in zip(mine, outcomes, strict=True):
                    delivery.outcome = outcome
        self._carry()
        self._settle(batch)
        metrics.BATCH.observe(len(batch))
        self._last_published = float(batch[-1].message.properties.get("timestamp") or time.time())
        ends = Counter(
            (
                "unreadable" if delivery.received is None else delivery.received.event.type,
                type(delivery.outcome).__name__.lower(),
            )
            for delivery in batch
        )
        for end, count in ends.items():
            metrics.CONSUMED.labels(*end).inc(count)

    def _apply_or_hold(
        self, handler: Handler, items: Sequence[Received], stop: threading.Event, ended: threading.Event
    ) -> Sequence[Outcome]:
        """The handler's outcomes. While the store is away the batch is held: its messages are not at fault."""
        since, pause = time.monotonic(), 0.25
        while True:
            try:
                return applied(handler, items)
            except store.UNAVAILABLE as error:
                log.warning("store_away", reason=type(error).__name__, held=len(items))
                if stop.is_set() or ended.is_set() or time.monotonic() - since > HOLD_SECONDS:
                    raise ConnectionResetError("the batch goes back to the queue") from None
                self._tick()
                stop.wait(pause)
                pause = min(5.0, pause * 2)

    def _carry(self) -> None:
        """Publishes the events that this batch caused, with one wait, and clears them from their outboxes."""
        written = self._carrier.take()
        if not written:
            return
        try:
            accepted = self._publisher.publish(as_messages(written))
        except SubscribersMissing as error:
            # They are in their outboxes, and the relay waits for the missing service.
            log.warning("carried_later", events=len(written), missing=error.service)
            return
        published = [item for item, taken in zip(written, accepted, strict=True) if taken]
        try:
            store.clear(self._database, published)
        except store.UNAVAILABLE:
            # The relay will find them after the grace and publish them again, which is harmless.
            log.warning("clear_postponed", events=len(published))
        metrics.CARRIED.inc(len(published))

    def _settle(self, batch: Sequence[_Delivery]) -> None:
        """Later and Invalid messages are moved to where they wait, durably."""
        moved = [
            self._moved(delivery.message, delivery.outcome)
            for delivery in batch
            if isinstance(delivery.outcome, (Later, Invalid))
        ]
        if not all(self._mover.publish(moved)):
            raise ConnectionResetError("a message could not be moved; the batch goes back to the queue")

    def _moved(self, message: Any, outcome: Later | Invalid) -> Message:
        # Whoever published it may have put anything into its headers; what is not plain stays behind.
        headers: dict[str, Any] = {
            key: value
            for key, value in (message.headers or {}).items()
            if isinstance(key, str) and isinstance(value, str) and key not in ("x-death", "x-delivery-count")
        }
        attempt = attempts(message.headers)
        headers |= {ATTEMPT: attempt + 1, REASON: outcome.reason[:500]}
        if isinstance(outcome, Later) and attempt < len(topology.RETRY_STEPS):
            key = topology.retry_key(topology.RETRY_STEPS[attempt])
        else:
            key = topology.PARKED_KEY
            headers[PARKED_AT] = self._clock().isoformat()
        log.warning("event_moved", to=key, event_id=message.properties.get("message_id"), reason=outcome.reason[:500])
        return Message(
            self._service,
            key,
            message.body,
            message.properties.get("message_id") or "",
            headers,
            message.properties.get("content_type") or "",
        )

    def _measure(self, channel: Any, *, idle: bool) -> None:
        depth = 0
        for name in (topology.parked_queue(self._service), topology.input_queue(self._service)):
            depth = channel.queue_declare(name, passive=True).message_count
            metrics.QUEUE_DEPTH.labels(name).set(depth)
        # The queue is first in, first out: what waits is younger than what was taken last.
        self._depth = depth
        self._queue_age = max(0.0, time.time() - self._last_published) if depth and not idle else 0.0
        metrics.QUEUE_AGE.set(self._queue_age)

    def ages(self) -> dict[str, float]:
        """As last measured, for `/readyz`."""
        return {"queue_messages": self._depth, "queue_oldest_seconds": self._queue_age}


def attempts(headers: Mapping[str, Any] | None) -> int:
    """How often the service has tried the message; 0 when its header says what the service never wrote there."""
    found = (headers or {}).get(ATTEMPT)
    return found if type(found) is int and 0 <= found <= len(topology.RETRY_STEPS) + 1 else 0


def applied(handler: Handler, items: Sequence[Received]) -> Sequence[Outcome]:
    """The handler's outcomes; one that breaks on a batch is given its halves, until the guilty message stands alone."""
    try:
        outcomes = handler(items)
    except store.UNAVAILABLE:
        raise
    except Exception as error:
        if len(items) > 1:
            middle = len(items) // 2
            return [*applied(handler, items[:middle]), *applied(handler, items[middle:])]
        log.error("handler_failed", type=items[0].event.type, event_id=items[0].event.id, exc_info=error)
        return [Later(f"{type(error).__name__} in {getattr(handler, '__qualname__', 'handler')}")]
    if len(outcomes) != len(items):
        raise AssertionError(f"{handler!r} gave {len(outcomes)} outcomes for {len(items)} messages")
    return outcomes
