"""The operator's tool for parked messages: list them with their reasons, replay one after the fix, or discard it.

It speaks to RabbitMQ through pika and is the only module that knows it. A message that nobody acts on goes back to the
queue when the connection closes. Each act is written to the journal collection `parked_acts` before it is done.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError
from pymongo.database import Database

from chassis import logs, topology
from chassis.clock import Clock, new_id
from chassis.consume import ATTEMPT, PARKED_AT, REASON, attempts
from chassis.errors import NotFound, Unavailable

log = logs.get()


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message, explained. `id` is made from the body, so it is the same at every look. The body is not shown:
    it may hold personal data.
    """

    id: str
    type: str | None
    event: str | None
    subject: str | None
    reason: str
    attempts: int
    parked_at: str | None
    size: int


_Found = tuple[int, Parked, pika.BasicProperties, bytes]
"""Delivery tag, explanation, properties, body."""


class ParkedMessages:
    """The parked messages of one service. Opens a connection for each call; for operators, not for a hot path."""

    def __init__(self, amqp_url: str, service: str, database: Database[dict[str, Any]], clock: Clock) -> None:
        self._parameters = pika.URLParameters(amqp_url)
        self._parameters.socket_timeout = 5
        self._parameters.blocked_connection_timeout = 10
        self._service = service
        self._acts = database["parked_acts"]
        self._clock = clock

    def list(self, limit: int = 200) -> list[Parked]:
        """The oldest first, at most `limit`."""
        with self._channel() as channel:
            found = [parked for _, parked, _, _ in self._walk(channel, limit)]
        # What was looked at goes back to the queue, and not in the order in which it came out.
        return sorted(found, key=lambda parked: parked.parked_at or "")

    def replay(self, id: str, by: str) -> Parked:
        """Puts the message back into the service's input queue with its attempts forgotten, or NotFound."""
        with self._channel() as channel:
            channel.confirm_delivery()
            return self._replayed(channel, self._find(channel, id), by)

    def replay_all(self, by: str) -> Iterator[Parked]:
        """Replays every message that is parked now; one that is parked again meanwhile is not replayed again."""
        with self._channel() as channel:
            channel.confirm_delivery()
            count = channel.queue_declare(topology.parked_queue(self._service), passive=True).method.message_count
            for found in self._walk(channel, count):
                yield self._replayed(channel, found, by)

    def discard(self, id: str, by: str) -> Parked:
        """Takes the message away for good, or NotFound."""
        with self._channel() as channel:
            tag, parked, _, _ = self._find(channel, id)
            self._note("discard", parked, by)
            channel.basic_ack(tag)
            return parked

    def _replayed(self, channel: BlockingChannel, found: _Found, by: str) -> Parked:
        tag, parked, properties, body = found
        self._note("replay", parked, by)
        headers = {
            k: v for k, v in (properties.headers or {}).items() if k not in (ATTEMPT, REASON, PARKED_AT, "x-death")
        }
        channel.basic_publish(
            self._service, topology.INPUT_KEY, body,
            pika.BasicProperties(
                content_type=properties.content_type, content_encoding=properties.content_encoding,
                message_id=properties.message_id, delivery_mode=2, headers=headers,
            ),
            mandatory=True,
        )  # fmt: skip
        channel.basic_ack(tag)
        return parked

    def _note(self, act: str, parked: Parked, by: str) -> None:
        row = {
            "act": act,
            "by": by,
            "at": self._clock(),
            "message": parked.id,
            "event": parked.event,
            "reason": parked.reason,
        }
        self._acts.insert_one({"_id": new_id(), **row})
        log.info("parked_act", act=act, message=parked.id, event_id=parked.event, by=by)

    def _find(self, channel: BlockingChannel, id: str) -> _Found:
        for found in self._walk(channel, 100_000):
            if found[1].id == id:
                return found
        raise NotFound(f"no parked message {id}")

    def _walk(self, channel: BlockingChannel, limit: int) -> Iterator[_Found]:
        for _ in range(limit):
            method, properties, body = channel.basic_get(topology.parked_queue(self._service), auto_ack=False)
            if method is None:
                return
            yield method.delivery_tag, explain(properties.headers or {}, body), properties, body

    @contextmanager
    def _channel(self) -> Iterator[BlockingChannel]:
        try:
            connection = pika.BlockingConnection(self._parameters)
        except (AMQPError, OSError) as error:
            raise Unavailable(f"the broker cannot be reached: {type(error).__name__}", retry_after=10) from None
        try:
            yield connection.channel()
        except AMQPError as error:
            raise Unavailable(f"the broker refused: {type(error).__name__}", retry_after=10) from None
        finally:
            if connection.is_open:
                connection.close()


def explain(headers: dict[str, Any], body: bytes) -> Parked:
    """What an operator needs to know of a parked message."""
    try:
        event = json.loads(body)
        if not isinstance(event, dict):
            event = {}
    except (ValueError, RecursionError):
        event = {}
    # It may have been parked for the very reason that these are not what they should be.
    kind, identifier, subject = (str(event[key]) if key in event else None for key in ("type", "id", "subject"))
    reason, parked_at = headers.get(REASON), headers.get(PARKED_AT)
    if reason is None and headers.get("x-death"):
        reason = f"delivered {topology.DELIVERY_LIMIT} times without an answer: the consumer died over it"
    return Parked(
        id=hashlib.sha256(body).hexdigest()[:24],
        type=kind,
        event=identifier,
        subject=subject,
        reason=str(reason or "unknown"),
        attempts=attempts(headers),
        parked_at=None if parked_at is None else str(parked_at),
        size=len(body),
    )
