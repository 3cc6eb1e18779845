"""The names on RabbitMQ, and what each service declares of its own.

Structure (who dead-letters to whom) is in queue arguments, which never change; waits and limits are in policies, which
an operator may change, made by `provision`. `motcua.events` is the one exchange that belongs to all, also made by
`provision`.
"""

from collections.abc import Sequence
from typing import Any

from kombu.entity import Exchange, Queue

from chassis.envelope import routing_key

EVENTS = "motcua.events"
FEED, FEED_OWNER, FEED_KEY = "motcua.feed", "stats", "feed"
"""The stream that monitoring systems read, the service that alone writes to it, and its key at that service's own
exchange: the default exchange would let its user write into any queue.
"""
FEED_SEGMENT_BYTES = 20_000_000
"""RabbitMQ drops what is too old or too much by whole segments."""
RETRY_STEPS = ("5s", "30s", "5m", "1h")
RETRY_MILLISECONDS = {"5s": 5_000, "30s": 30_000, "5m": 300_000, "1h": 3_600_000}
DELIVERY_LIMIT = 20
NO_DELIVERY_LIMIT = 1_000_000_000
"""To look at a parked message is to take it and give it back. From 4.0 on RabbitMQ drops a message of a quorum queue
that came back 20 times, unless told otherwise; 3.10 does not take -1 for unlimited.
"""

INPUT_KEY, PARKED_KEY = "events", "parked"
NOT_FOUND = 404
"""AMQP's reply code for a queue that does not exist."""


def input_queue(service: str) -> str:
    return f"{service}.events"


def parked_queue(service: str) -> str:
    return f"{service}.parked"


def retry_key(step: str) -> str:
    return f"retry.{step}"


def binding_key(event_type: str) -> str:
    """What a queue is bound with to get an event type, or all that a pattern such as `intake.#` stands for."""
    return event_type if event_type.endswith("#") else routing_key(event_type)


def declare(channel: Any, service: str, event_types: Sequence[str], *, single_active: bool = False) -> None:
    """Declares what belongs to the service and binds its input to the types (or patterns) that it consumes. Idempotent.

    The parked queue comes last: whoever sees it knows that the input queue is bound (see `missing_subscriber`).
    """
    own = Exchange(service, type="direct", durable=True, delivery_mode=2)(channel)
    own.declare()
    back_to = {
        "x-dead-letter-exchange": service,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    arguments: dict[str, Any] = {**back_to, "x-dead-letter-routing-key": PARKED_KEY}
    if single_active:
        arguments["x-single-active-consumer"] = True
    incoming = _queue(channel, input_queue(service), arguments)
    incoming.queue_bind_to(service, INPUT_KEY)
    for event_type in event_types:
        incoming.queue_bind_to(EVENTS, binding_key(event_type))
    for step in RETRY_STEPS:
        wait = _queue(channel, f"{service}.{retry_key(step)}", {**back_to, "x-dead-letter-routing-key": INPUT_KEY})
        wait.queue_bind_to(service, retry_key(step))
    parked = _queue(channel, parked_queue(service), {"x-delivery-limit": NO_DELIVERY_LIMIT})
    parked.queue_bind_to(service, PARKED_KEY)


def declare_feed(channel: Any) -> None:
    """Declares the stream, and binds it to its owner's exchange. Idempotent. How long and how much it keeps is a
    policy."""
    Exchange(FEED_OWNER, type="direct", durable=True, delivery_mode=2)(channel).declare()
    arguments = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": FEED_SEGMENT_BYTES}
    Queue(FEED, durable=True, queue_arguments=arguments)(channel).queue_declare()
    channel.queue_bind(FEED, FEED_OWNER, FEED_KEY)


class _Declared:
    def __init__(self, channel: Any, name: str) -> None:
        self._channel, self._name = channel, name

    def queue_bind_to(self, exchange: str, key: str) -> None:
        self._channel.queue_bind(self._name, exchange, key)


def _queue(channel: Any, name: str, arguments: dict[str, Any]) -> _Declared:
    Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum", **arguments})(channel).queue_declare()
    return _Declared(channel, name)


def missing_subscriber(channel: Any, services: Sequence[str]) -> str | None:
    """A service whose queues are not there yet: publishing now would lose its share. The channel is closed when one is
    found.

    From 4.3 on RabbitMQ says whether a queue is there only to a user with some permission on it, which `provision`
    gives.
    """
    for service in services:
        try:
            channel.queue_declare(parked_queue(service), passive=True)
        except channel.connection.channel_errors as error:
            if error.reply_code != NOT_FOUND:
                raise
            return service
    return None
