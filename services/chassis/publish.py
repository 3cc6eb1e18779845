"""Sending to RabbitMQ: many messages, then one wait for all their confirms."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kombu.connection import Connection
from kombu.exceptions import OperationalError

from chassis.envelope import CONTENT_TYPE
from chassis.topology import missing_subscriber

CONFIRM_SECONDS = 30
BROKER_DOWN: tuple[type[Exception], ...] = (
    OperationalError,
    *Connection("amqp://").connection_errors,
    *Connection("amqp://").channel_errors,
    OSError,
)
"""What a broken connection or a refused command raises; everything unconfirmed then is to be sent again."""


@dataclass(frozen=True, slots=True)
class Message:
    exchange: str
    key: str
    body: str | bytes
    id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    content_type: str = CONTENT_TYPE


class SubscribersMissing(Exception):  # noqa: N818 (a state to wait in)
    """A service's queue does not exist yet, so nothing is published: `service` says whose."""

    def __init__(self, service: str) -> None:
        super().__init__(f"the queues of {service} are not declared yet")
        self.service = service


class Publisher:
    """One connection that only publishes; for one thread. It connects when first used and again after a failure.

    `prepare` declares on each new connection what the messages need.
    """

    def __init__(
        self, amqp_url: str, subscribers: Sequence[str] = (), prepare: Callable[[Any], None] = lambda _: None
    ) -> None:
        self._url = amqp_url
        self._subscribers = subscribers
        self._prepare = prepare
        self._connection: Any = None
        self._channel: Any = None
        self._unconfirmed: set[int] = set()
        self._refused: set[int] = set()
        self._returned: set[str] = set()
        self._last_tag = 0

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Sends all, waits for the broker's answers, and says for each whether a queue holds it durably.

        False: no queue takes it, or the broker refused it. Raises one of BROKER_DOWN when the answers do not come; then
        any of the messages may or may not have arrived. Raises SubscribersMissing before sending anything.
        """
        if not messages:
            return []
        try:
            return self._publish(messages)
        except BROKER_DOWN:
            self.close()
            raise

    def _publish(self, messages: Sequence[Message]) -> list[bool]:
        channel = self._connect()
        self._refused.clear()
        self._returned.clear()
        first = self._last_tag + 1
        for message in messages:
            self._last_tag += 1
            self._unconfirmed.add(self._last_tag)
            prepared = channel.prepare_message(
                message.body,
                content_type=message.content_type,
                content_encoding="utf-8",
                headers=dict(message.headers),
                properties={"message_id": message.id[:255], "delivery_mode": 2, "timestamp": int(time.time())},
            )
            channel.basic_publish(prepared, message.exchange, message.key, mandatory=True)
        while self._unconfirmed:
            self._connection.drain_events(timeout=CONFIRM_SECONDS)
        return [
            first + n not in self._refused and message.id[:255] not in self._returned
            for n, message in enumerate(messages)
        ]

    def _connect(self) -> Any:
        if self._channel is not None:
            return self._channel
        self._connection = Connection(
            self._url, heartbeat=60, connect_timeout=5, transport_options={"confirm_publish": False}
        )
        self._connection.ensure_connection(max_retries=1, timeout=5)
        channel = self._connection.channel()
        if service := missing_subscriber(channel, self._subscribers):
            self.close()
            raise SubscribersMissing(service)
        self._prepare(channel)
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._unconfirmed.clear()
        self._last_tag = 0
        self._channel = channel
        return channel

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {waiting for waiting in self._unconfirmed if waiting > tag}
        else:
            self._unconfirmed.discard(tag)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused |= {waiting for waiting in self._unconfirmed if waiting == tag or (multiple and waiting < tag)}
        self._on_ack(tag, multiple)

    def _on_return(self, _error: Any, _exchange: str, _key: str, message: Any) -> None:
        self._returned.add(message.properties.get("message_id", ""))

    def tick(self) -> None:
        """Keeps an idle connection alive; call about every second."""
        if self._connection is None:
            return
        try:
            self._connection.heartbeat_check()
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=0.001)
        except BROKER_DOWN:
            self.close()

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.release()
