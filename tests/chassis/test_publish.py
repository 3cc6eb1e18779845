"""Publishing: True only for what a queue holds durably; whatever the broker does, a clear answer or an exception."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import pika
import pytest
from kombu.connection import Connection

from chassis import publish, topology
from chassis.publish import BROKER_DOWN, Message, Publisher, SubscribersMissing
from tests.support.servers import Broker
from tests.support.waiting import until


def message(n: int = 0, key: str = "toy.thing.made", **options: Any) -> Message:
    return Message(topology.EVENTS, key, options.pop("body", f"body {n}"), f"id-{n}", **options)


@dataclass
class Queue:
    """A queue seen through another client than ours."""

    url: str
    name: str = "taken"
    arguments: dict[str, Any] = field(default_factory=lambda: {"x-queue-type": "quorum"})

    def __enter__(self) -> Self:
        self.connection = pika.BlockingConnection(pika.URLParameters(self.url))
        self.channel = self.connection.channel()
        self.channel.queue_declare(self.name, durable=True, arguments=self.arguments)
        self.channel.queue_bind(self.name, topology.EVENTS, "toy.#")
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def get(self) -> tuple[Any, Any, bytes]:
        found: tuple[Any, Any, bytes] = self.channel.basic_get(self.name, auto_ack=True)
        return found

    def bodies(self) -> list[str]:
        """What lies in the queue, which is empty then."""
        count = self.channel.queue_declare(self.name, passive=True).method.message_count
        taken = self.channel.consume(self.name, auto_ack=True)
        bodies = [body.decode() for _, (_, _, body) in zip(range(count), taken, strict=False)]
        self.channel.cancel()
        return bodies


@pytest.fixture
def queue(amqp: Broker) -> Iterator[Queue]:
    with Queue(amqp.url) as queue:
        yield queue


@pytest.fixture
def publisher(amqp: Broker) -> Iterator[Publisher]:
    publisher = Publisher(amqp.url)
    yield publisher
    publisher.close()


def test_a_confirmed_message_lies_in_the_queue_as_it_was_given(publisher: Publisher, queue: Queue) -> None:
    before = int(time.time())
    assert publisher.publish([message(body='{"name": "Đức"}', headers={"x-attempt": 2, "x-reason": "đ"})]) == [True]
    method, properties, body = queue.get()
    assert (method.exchange, method.routing_key, body.decode()) == (
        topology.EVENTS,
        "toy.thing.made",
        '{"name": "Đức"}',
    )
    assert (properties.message_id, properties.delivery_mode) == ("id-0", 2)
    assert properties.content_type == "application/cloudevents+json"
    assert (properties.headers["x-attempt"], properties.headers["x-reason"]) == (2, "đ")
    assert before <= properties.timestamp <= time.time()


def test_bytes_are_sent_as_they_are(publisher: Publisher, queue: Queue) -> None:
    assert publisher.publish([message(body=b"\xff\x00\xfe")]) == [True]
    assert queue.get()[2] == b"\xff\x00\xfe"


def test_nothing_is_nothing_and_needs_no_broker() -> None:
    assert Publisher("amqp://127.0.0.1:1/none").publish([]) == []


def test_what_no_queue_takes_is_said_for_that_message_alone(publisher: Publisher, queue: Queue) -> None:
    keys = ["toy.a.made", "nobody.wants.it", "toy.b.made", "nobody.wants.it"]
    assert publisher.publish([message(n, key) for n, key in enumerate(keys)]) == [True, False, True, False]
    # What was refused once is not refused for ever.
    assert publisher.publish([message(1)]) == [True]
    assert queue.bodies() == ["body 0", "body 2", "body 1"]


def test_what_the_broker_refuses_is_said_for_that_message_alone(publisher: Publisher, amqp: Broker) -> None:
    full = {"x-queue-type": "classic", "x-max-length": 2, "x-overflow": "reject-publish"}
    with Queue(amqp.url, "full", full) as queue:
        assert publisher.publish([message(n) for n in range(4)]) == [True, True, False, False]
        queue.channel.queue_purge("full")
        assert publisher.publish([message(n) for n in range(2)]) == [True, True]


def test_many_messages_arrive_in_order(publisher: Publisher, queue: Queue) -> None:
    for first in range(0, 3000, 1000):
        assert publisher.publish([message(n) for n in range(first, first + 1000)]) == [True] * 1000
    assert queue.bodies() == [f"body {n}" for n in range(3000)]


def test_many_returned_messages_do_not_block_it(publisher: Publisher, queue: Queue) -> None:
    # Each comes back whole, while we are still sending.
    body = "x" * 50_000
    sent = [message(n, "nobody.wants.it", body=body) for n in range(1000)]
    assert publisher.publish([*sent, message(9999)]) == [*[False] * 1000, True]


def test_a_connection_that_broke_is_an_exception_and_the_next_time_a_new_one(
    publisher: Publisher, queue: Queue, amqp: Broker
) -> None:
    assert publisher.publish([message(1)]) == [True]
    closed = cut(amqp)
    assert closed

    def ten_times() -> None:
        # The system takes what is written to a closed connection until it has heard of the end.
        for _ in range(10):
            publisher.publish([message(2)])

    with pytest.raises(BROKER_DOWN):
        ten_times()
    assert publisher.publish([message(3)]) == [True]


def cut(amqp: Broker) -> int:
    """Closes the connections of this test's publisher (not pika's) from the broker's side; how many."""

    def found() -> list[str]:
        rows = amqp.management.get("connections")
        return [
            row["name"] for row in rows
            if row.get("vhost") == amqp.vhost and row.get("client_properties", {}).get("product") == "py-amqp"
        ]  # fmt: skip

    names = until(found)
    for name in names:
        amqp.management.delete("connections", name)
    return len(names)


def test_a_missing_exchange_is_an_exception_and_not_a_success(publisher: Publisher, queue: Queue) -> None:
    with pytest.raises(BROKER_DOWN):
        publisher.publish([Message("no.such.exchange", "toy.x", "body", "id")])
    assert publisher.publish([message()]) == [True]


def test_without_an_answer_it_is_an_exception(
    publisher: Publisher, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.publish([message()])
    monkeypatch.setattr(publish, "CONFIRM_SECONDS", 0.2)
    publisher._channel.events["basic_ack"].clear()
    with pytest.raises(TimeoutError):
        publisher.publish([message()])
    assert publisher.publish([message()]) == [True]


def test_nobody_at_the_address_is_an_exception() -> None:
    with pytest.raises(BROKER_DOWN):
        Publisher("amqp://guest:guest@127.0.0.1:1/none").publish([message()])


def test_nothing_is_published_until_every_subscriber_has_its_queues(amqp: Broker, queue: Queue) -> None:
    publisher = Publisher(amqp.url, ["toy", "other"])
    for missing in ("toy", "other"):
        for _ in range(2):
            with pytest.raises(SubscribersMissing) as error:
                publisher.publish([message()])
            assert error.value.service == missing
        with Connection(amqp.url) as connection:
            topology.declare(connection.channel(), missing, ["toy.thing.made.v1"])
    assert publisher.publish([message()]) == [True]
    assert queue.bodies() == ["body 0"]
    publisher.close()


def test_the_heartbeat_keeps_an_idle_connection_and_sees_a_broken_one(
    publisher: Publisher, queue: Queue, amqp: Broker
) -> None:
    publisher.tick()
    publisher.publish([message()])
    publisher.tick()
    assert publisher._connection is not None
    cut(amqp)

    def gone() -> bool:
        publisher.tick()
        return publisher._connection is None

    until(gone)
    assert publisher.publish([message()]) == [True]


def test_one_connection_serves_one_thread_and_each_has_its_own(amqp: Broker, queue: Queue) -> None:
    results: list[list[bool]] = []

    def run() -> None:
        publisher = Publisher(amqp.url)
        results.append(publisher.publish([message(n) for n in range(200)]))
        publisher.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == [[True] * 200] * 4
    assert len(queue.bodies()) == 800
