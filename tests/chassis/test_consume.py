"""The consumer: every message ends in one of four ways, and none is acknowledged before its end is durable."""

import json
import threading
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pika
import pytest
from kombu.connection import Connection
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from chassis import consume, metrics, store, topology
from chassis.clock import system_clock
from chassis.consume import Consumer, Done, Later, Outcome, Received, Subscription
from chassis.envelope import outgoing, read
from chassis.parked import ParkedMessages
from chassis.publish import Message, Publisher
from tests.chassis import toy
from tests.chassis.conftest import Running
from tests.chassis.toy import WHEN, Echoes, EchoHeard, MadeReading, ThingMade
from tests.support.servers import Broker
from tests.support.waiting import until

MongoDB = Database[store.Document]


def made(subject: str, name: str = "plain", sequence: int = 1) -> Message:
    event = outgoing(ThingMade(name=name), subject=subject, sequence=sequence, time=WHEN)
    return Message(topology.EVENTS, event.key, event.body, event.id)


@pytest.fixture
def outside(amqp: Broker) -> Iterator[Publisher]:
    """Another service's relay."""
    publisher = Publisher(amqp.url)
    yield publisher
    publisher.close()


@pytest.fixture
def parked(amqp: Broker, database: MongoDB) -> ParkedMessages:
    return ParkedMessages(amqp.url, toy.NAME, database, system_clock)


def send(outside: Publisher, *messages: Message) -> None:
    assert all(outside.publish(messages))


def outcomes() -> dict[tuple[str, str], float]:
    return {
        (sample.labels["type"], sample.labels["outcome"]): sample.value
        for metric in metrics.CONSUMED.collect() for sample in metric.samples if sample.name.endswith("_total")
    }  # fmt: skip


class Counted:
    """What became of messages since it was made. They are counted after they were moved."""

    def __init__(self) -> None:
        self._before = outcomes()

    def __call__(self, outcome: str, event_type: str = ThingMade.TYPE) -> int:
        key = (event_type, outcome)
        return int(outcomes().get(key, 0) - self._before.get(key, 0))


def quiet(amqp: Broker) -> bool:
    """Nothing is ready, nothing is in a consumer's hands, nothing waits to be tried again; the parked do not count."""
    rows = amqp.management.get("queues", amqp.vhost)
    return all(row.get("messages", 1) == 0 for row in rows if not row["name"].endswith(".parked"))


def test_a_batch_is_applied_with_one_call_and_carries_its_events(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, database: MongoDB, amqp: Broker
) -> None:
    running.consumer(echoes.table(), carrier, batch=50)
    send(outside, *[made(f"t{n}") for n in range(200)])
    until(lambda: len(echoes.ids()) == 200)
    assert max(map(len, echoes.batches)) <= 50
    assert len(echoes.batches) < 100
    # In the order in which they were published.
    assert [subject for batch in echoes.batches for subject in batch] == [f"t{n}" for n in range(200)]
    until(lambda: database["noted"].count_documents({}) == 200)
    until(lambda: database["echoes"].count_documents({"outbox.at": {"$exists": True}}) == 0)
    until(lambda: quiet(amqp))


def test_handlers_are_called_in_the_tables_order_each_with_its_own(
    running: Running, carrier: store.Carrier, outside: Publisher, amqp: Broker
) -> None:
    seen: list[tuple[str, list[Any]]] = []
    first, released = threading.Event(), threading.Event()

    def raw(items: Sequence[Received]) -> Sequence[Outcome]:
        seen.append(("raw", [item.data for item in items]))
        return [Done() for _ in items]

    def read(items: Sequence[Received]) -> Sequence[Outcome]:
        seen.append(("read", [item.data for item in items]))
        first.set()
        released.wait(60)
        return [Done() for _ in items]

    table = [Subscription(raw, {"toy.echo.#": dict}), Subscription(read, {ThingMade.TYPE: MadeReading})]
    running.consumer(table, carrier)
    send(outside, made("t0", "first"))
    assert first.wait(120)
    # While the first is being handled, all of the next batch arrives.
    echo = outgoing(EchoHeard(name="e"), subject="e", sequence=1, time=WHEN)
    send(outside, made("t1", "a"), Message(topology.EVENTS, echo.key, echo.body, echo.id), made("t2", "b"))
    until(lambda: amqp.queue_depth("toy.events") == 0)
    released.set()
    until(lambda: len(seen) == 3)
    assert seen == [
        ("read", [MadeReading("first")]), ("raw", [{"name": "e"}]), ("read", [MadeReading("a"), MadeReading("b")]),
    ]  # fmt: skip


def test_done_and_duplicate_are_told_apart_by_the_write(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, database: MongoDB, amqp: Broker
) -> None:
    counted = Counted()
    running.consumer(echoes.table(), carrier)
    send(outside, made("t1"))
    until(lambda: counted("done") == 1)
    send(outside, made("t1"), made("t2"), made("t2"))
    until(lambda: counted("done") + counted("duplicate") == 4)
    assert (counted("done"), counted("duplicate")) == (2, 2)
    until(lambda: quiet(amqp))
    assert {row["_id"]: row["times"] for row in database["noted"].find()} == {
        "toy.echo:t1:1": 1, "toy.echo:t2:1": 1,
    }  # fmt: skip


def test_later_is_tried_again_until_its_predecessor_has_come(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages
) -> None:
    counted = Counted()
    echoes.asked["early"] = lambda: None if echoes.ids() else toy.later()
    running.consumer(echoes.table(), carrier)
    send(outside, made("t2", "early"))
    until(lambda: counted("later") == 1)
    send(outside, made("t1"))
    until(lambda: echoes.ids() == {"t1", "t2"})
    assert parked.list() == []


def test_later_is_parked_after_the_four_waits(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages, amqp: Broker
) -> None:
    counted = Counted()
    echoes.asked["early"] = toy.later
    running.consumer(echoes.table(), carrier)
    sent = system_clock()
    send(outside, made("t1", "early"))
    [found] = until(parked.list)
    assert (found.type, found.event, found.subject) == (ThingMade.TYPE, "toy.thing:t1:1", "t1")
    assert (found.reason, found.attempts) == ("its predecessor has not come", 5)
    until(lambda: counted("later") == 5)
    # 200 + 400 + 600 + 800 ms: each wait is longer than the one before.
    assert (system_clock() - sent).total_seconds() > 2
    assert found.parked_at is not None
    assert sent.isoformat() < found.parked_at
    until(lambda: quiet(amqp))


def test_invalid_is_parked_at_once(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages
) -> None:
    counted = Counted()
    echoes.asked["wrong"] = toy.invalid
    running.consumer(echoes.table(), carrier)
    send(outside, made("t1"), made("t2", "wrong"), made("t3"))
    [found] = until(parked.list)
    assert (found.reason, found.attempts, found.subject) == ("no such colour", 1, "t2")
    until(lambda: echoes.ids() == {"t1", "t3"})
    until(lambda: counted("invalid") == 1)
    assert counted("later") == 0


def unreadable(body: str | bytes, key: str = "toy.thing.made", **options: Any) -> Message:
    return Message(topology.EVENTS, key, body, "m1", **options)


def with_data(data: Any) -> str:
    return json.dumps({**json.loads(made("t9").body), "data": data})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "unreadable: /: json_invalid"),
        (b"\xff\xfe\x00", "unreadable: /"),
        ("", "unreadable: /: json_invalid"),
        ("[]", "unreadable: /: model_type"),
        (with_data({}), "unreadable: /name: missing"),
        (with_data({"name": {"Nguyễn": "0912345678"}}), "unreadable: /name: string_type"),
    ],
)
def test_what_cannot_be_read_is_parked_at_once_with_the_place_and_holds_up_nobody(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages,
    body: str | bytes, reason: str,
) -> None:  # fmt: skip
    running.consumer(echoes.table(), carrier)
    send(outside, made("t1"), unreadable(body), made("t2"))
    [found] = until(parked.list)
    assert found.reason.startswith(reason)
    assert found.attempts == 1
    until(lambda: echoes.ids() == {"t1", "t2"})


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "no-such-encoding", ""])
def test_a_wrong_encoding_is_no_reason_to_die(
    running: Running, echoes: Echoes, carrier: store.Carrier, amqp: Broker, parked: ParkedMessages, outside: Publisher,
    encoding: str,
) -> None:  # fmt: skip
    running.consumer(echoes.table(), carrier)
    with pika.BlockingConnection(pika.URLParameters(amqp.url)) as connection:
        properties = pika.BasicProperties(content_encoding=encoding, content_type="text/plain")
        channel = connection.channel()
        for body in (b"\xff\xfe", str(made("t1").body).encode()):
            channel.basic_publish(topology.EVENTS, "toy.thing.made", body, properties)
    until(lambda: echoes.ids() == {"t1"})
    [found] = until(parked.list)
    assert found.reason.startswith("unreadable")


ODD: list[Any] = ["abc", -7, 6, 10**12, None, True, b"\xff", WHEN, Decimal("1.5"), {"a": [1, {"b": None}]}, ["x"]]


@pytest.mark.parametrize("attempt", ODD, ids=repr)
def test_odd_headers_are_no_reason_to_die(
    running: Running, echoes: Echoes, carrier: store.Carrier, amqp: Broker, parked: ParkedMessages, attempt: Any
) -> None:
    """Whoever may publish may write anything there, and a consumer that ends over it would end over it again."""
    counted = Counted()
    running.consumer(echoes.table(), carrier)
    asked = iter((toy.later(), toy.invalid()))
    echoes.asked["early"] = lambda: next(asked)
    others = {f"odd{n}": value for n, value in enumerate(ODD)}
    headers = {"x-attempt": attempt, "x-reason": attempt, "x-parked-at": attempt, "traceparent": "00-1", **others}
    properties = pika.BasicProperties(headers=headers, timestamp=2**63, priority=9, type="?")
    with pika.BlockingConnection(pika.URLParameters(amqp.url)) as connection:
        channel = connection.channel()
        for body in ("{", str(made("t1", "early").body), str(made("t2").body)):
            channel.basic_publish(topology.EVENTS, "toy.thing.made", body, properties)
    until(lambda: {(found.subject, found.attempts) for found in parked.list()} == {(None, 1), ("t1", 2)})
    until(lambda: (counted("later"), counted("invalid"), echoes.ids()) == (1, 1, {"t2"}))


def test_a_type_that_nothing_reads_any_more_is_passed_over(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages, amqp: Broker
) -> None:
    counted = Counted()
    running.consumer(echoes.table(), carrier)
    body = json.dumps({**json.loads(made("t1").body), "type": "toy.thing.made.v2"})
    send(outside, unreadable(body), made("t2"))
    until(lambda: echoes.ids() == {"t2"})
    until(lambda: quiet(amqp))
    assert parked.list() == []
    assert counted("invalid", "unreadable") == 0


def test_one_poisonous_message_of_a_batch_is_parked_and_the_others_are_applied(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages,
    database: MongoDB, amqp: Broker,
) -> None:  # fmt: skip
    echoes.asked["poison"] = toy.breaks
    send_first = [made(f"t{n}", "poison" if n == 37 else "plain") for n in range(100)]
    running.consumer(echoes.table(), carrier)
    send(outside, *send_first)
    [found] = until(parked.list)
    assert echoes.ids() == {f"t{n}" for n in range(100) if n != 37}
    assert (found.subject, found.reason, found.attempts) == ("t37", "ValueError in Echoes.hear", 5)
    # Halved until it stood alone, and alone on each of its four further attempts.
    assert sum(1 for batch in echoes.batches if batch == ["t37"]) >= 5
    until(lambda: database["noted"].count_documents({}) == 99)
    # After the fix it is replayed, and its events follow.
    del echoes.asked["poison"]
    parked.replay(found.id, "operator")
    until(lambda: len(echoes.ids()) == 100)
    until(lambda: database["noted"].find_one({"_id": "toy.echo:t37:1"}))
    assert parked.list() == []
    until(lambda: quiet(amqp))


def test_while_the_store_is_away_the_batch_is_held_and_nothing_is_parked(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages
) -> None:
    away = threading.Event()
    away.set()
    tried: list[int] = []

    def hear(items: Sequence[Received]) -> Sequence[Outcome]:
        tried.append(len(items))
        if away.is_set():
            raise AutoReconnect("no primary")
        return echoes.hear(items)

    counted = Counted()
    running.consumer([Subscription(hear, {ThingMade.TYPE: MadeReading})], carrier)
    send(outside, made("t1"), made("t2"))
    until(lambda: len(tried) > 2)
    # As it came: it is not halved, and not one of its messages has been moved.
    assert len(set(tried)) == 1
    assert not outcomes_moved(counted)
    away.clear()
    until(lambda: echoes.ids() == {"t1", "t2"})
    assert not outcomes_moved(counted)
    assert parked.list() == []


def outcomes_moved(counted: Counted) -> bool:
    return bool(counted("later") or counted("invalid"))


def test_a_batch_that_is_held_when_the_process_stops_goes_back_to_the_queue(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, amqp: Broker
) -> None:
    tried = threading.Event()

    def hear(items: Sequence[Received]) -> Sequence[Outcome]:
        tried.set()
        raise AutoReconnect("no primary")

    running.consumer([Subscription(hear, {ThingMade.TYPE: MadeReading})], carrier)
    send(outside, made("t1"))
    assert tried.wait(120)
    running.end()
    until(lambda: amqp.queue_depth("toy.events") == 1)


def test_a_handler_that_gives_too_few_outcomes_ends_the_process_and_loses_nothing(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, amqp: Broker
) -> None:
    running.consumer([Subscription(lambda items: [Done()] * (len(items) - 1), {ThingMade.TYPE: MadeReading})], carrier)
    send(outside, made("t1"))
    until(lambda: running.ended_by)
    assert "gave 0 outcomes for 1 messages" in str(running.ended_by[0])
    until(lambda: amqp.queue_depth("toy.events") == 1)


class Interrupted(Consumer):
    """Loses its connection once, after the write and before the acknowledgement."""

    interrupted = False

    def _settle(self, *args: Any) -> None:
        if not self.interrupted:
            self.interrupted = True
            raise ConnectionResetError
        super()._settle(*args)


def test_what_was_written_and_not_acknowledged_comes_again_as_a_duplicate(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, database: MongoDB, amqp: Broker
) -> None:
    counted = Counted()
    publisher = Publisher(amqp.url)
    consumer = Interrupted(amqp.url, toy.NAME, echoes.table(), publisher, database, carrier, system_clock)
    running.start(consumer.run)
    until(lambda: consumer.connected)
    send(outside, made("t1"))
    until(lambda: counted("duplicate") == 1)
    assert counted("done") == 0  # that it was done was never settled
    until(lambda: quiet(amqp))
    assert echoes.ids() == {"t1"}
    assert [row["times"] for row in database["noted"].find()] == [1]


def test_a_message_that_cannot_be_moved_is_not_acknowledged(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages, amqp: Broker
) -> None:
    echoes.asked["wrong"] = toy.invalid
    consumer = running.consumer(echoes.table(), carrier)
    publish, refused = consumer._mover.publish, list[int]()

    def refuses_once(messages: Sequence[Message]) -> list[bool]:
        if messages and not refused:
            refused.append(len(messages))
            return [False for _ in messages]
        return publish(messages)

    consumer._mover.publish = refuses_once  # type: ignore[method-assign]
    send(outside, made("t1", "wrong"))
    [found] = until(parked.list)
    assert (found.subject, refused) == ("t1", [1])
    until(lambda: quiet(amqp))


def test_events_are_left_to_the_relay_while_a_subscriber_is_missing(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, parked: ParkedMessages,
    database: MongoDB, amqp: Broker,
) -> None:  # fmt: skip
    counted = Counted()
    echoes.asked["wrong"] = toy.invalid
    running.consumer(echoes.table(), carrier, subscribers=("toy", "stats"))
    send(outside, made("t1"), made("t2", "wrong"))
    until(lambda: counted("done") == 1)
    assert [found.subject for found in until(parked.list)] == ["t2"]
    until(lambda: quiet(amqp))
    assert not running.ended_by
    assert database["echoes"].count_documents({"outbox.at": {"$exists": True}}) == 1
    with_stats(amqp)
    running.relay("echoes", subscribers=("toy", "stats"), clock=lambda: system_clock() + carrier._grace)
    until(lambda: database["noted"].count_documents({}) == 1)


def with_stats(amqp: Broker) -> None:
    with Connection(amqp.url) as connection:
        topology.declare(connection.channel(), "stats", ["toy.#"])


def test_several_consumers_share_the_queue(
    running: Running, echoes: Echoes, outside: Publisher, database: MongoDB, amqp: Broker, carrier: store.Carrier
) -> None:
    other = toy.Echoes(database, store.Carrier(system_clock, grace=carrier._grace))
    running.consumer(echoes.table(), carrier, batch=5)
    running.consumer(other.table(), other.aggregates._carrier, batch=5)
    send(outside, *[made(f"t{n}") for n in range(300)])
    until(lambda: len(echoes.ids()) == 300)
    assert echoes.batches
    assert other.batches
    until(lambda: database["noted"].count_documents({}) == 300)
    until(lambda: quiet(amqp))


def test_with_a_single_active_one_the_other_stands_by(
    running: Running, echoes: Echoes, outside: Publisher, database: MongoDB, carrier: store.Carrier
) -> None:
    other = toy.Echoes(database, store.Carrier(system_clock, grace=carrier._grace))
    running.consumer(echoes.table(), carrier, batch=5, single_active=True)
    running.consumer(other.table(), other.aggregates._carrier, batch=5, single_active=True)
    send(outside, *[made(f"t{n}") for n in range(100)])
    until(lambda: len(echoes.ids()) == 100)
    assert sorted(map(bool, (echoes.batches, other.batches))) == [False, True]


def test_a_first_message_waits_a_little_for_others_and_a_full_batch_for_none() -> None:
    waits: list[float] = []

    class Silent:
        def drain_events(self, timeout: float) -> None:
            waits.append(timeout)
            raise TimeoutError

    one, two, three = (consume._Delivery(name) for name in ("one", "two", "three"))
    consumer = Consumer.__new__(Consumer)
    consumer._inbox, consumer._batch, consumer._gather_seconds = [one, two], 300, 0.02
    assert consumer._collect(Silent()) == [one, two]
    assert [0 < wait <= 0.02 for wait in waits] == [True]
    assert consumer._collect(Silent()) == []
    assert waits[1:] == [1.0]
    consumer._inbox, consumer._batch = [one, two, three], 2
    assert consumer._collect(Silent()) == [one, two]
    assert waits[2:] == []


def test_what_is_there_without_a_wait_fills_the_batch_though_the_time_is_over() -> None:
    consumer = Consumer.__new__(Consumer)
    consumer._inbox, consumer._batch, consumer._gather_seconds = [], 50, 0.0

    class Full:
        left = 120

        def drain_events(self, timeout: float) -> None:
            assert timeout == (0.0 if consumer._inbox else 1.0)
            if not self.left:
                raise TimeoutError
            self.left -= 1
            consumer._inbox.append(consume._Delivery(self.left))

    broker = Full()
    assert [len(consumer._collect(broker)) for _ in range(3)] == [50, 50, 20]


@pytest.mark.parametrize(("gather", "longest"), [(0.03125, 0.3125), (1.0, 2.0), (5.0, 5.0)])
def test_while_messages_come_a_batch_waits_for_more_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, gather: float, longest: float
) -> None:
    consumer = Consumer.__new__(Consumer)
    consumer._inbox, consumer._batch, consumer._gather_seconds = [consume._Delivery(0)], 300, gather
    now = [100.0]
    monkeypatch.setattr("chassis.consume.time.monotonic", lambda: now[0])

    class Steady:
        """One comes after each half of the gathering time."""

        def drain_events(self, timeout: float) -> None:
            if timeout < gather / 2:
                raise TimeoutError
            now[0] += gather / 2
            consumer._inbox.append(consume._Delivery(len(consumer._inbox)))

    assert len(consumer._collect(Steady())) == 1 + round(longest / (gather / 2))


def test_a_batch_that_is_held_when_the_connection_is_lost_goes_back_to_the_queue(
    running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "BEAT_SECONDS", 0.01)
    tried, lost, declared = threading.Event(), threading.Event(), list[Any]()
    checked, declare = Connection.heartbeat_check, topology.declare

    def beat(connection: Connection, rate: int = 2) -> None:
        if tried.is_set() and not lost.is_set():
            lost.set()
            raise ConnectionResetError
        checked(connection, rate)  # type: ignore[no-untyped-call]

    def counted(*args: Any, **options: Any) -> None:
        declared.append(args)
        declare(*args, **options)

    def hear(items: Sequence[Received]) -> Sequence[Outcome]:
        tried.set()
        if len(declared) < 2:
            raise AutoReconnect("no primary")
        return echoes.hear(items)

    monkeypatch.setattr(Connection, "heartbeat_check", beat)
    monkeypatch.setattr(topology, "declare", counted)
    running.consumer([Subscription(hear, {ThingMade.TYPE: MadeReading})], carrier)
    send(outside, made("t1"))
    # The store comes back only when there is a new connection.
    until(lambda: echoes.ids() == {"t1"})
    assert lost.is_set()


def test_while_a_handler_works_the_next_batch_comes_in_and_the_connection_is_kept(
    running: Running, carrier: store.Carrier, outside: Publisher, amqp: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "BEAT_SECONDS", 0.01)
    begun, go_on = threading.Event(), threading.Event()
    sizes: list[int] = []
    beats: list[bool] = []

    def beat(connection: Connection, rate: int = 2) -> None:
        beats.append(begun.is_set() and not go_on.is_set())
        checked(connection, rate)  # type: ignore[no-untyped-call]

    checked = Connection.heartbeat_check
    monkeypatch.setattr(Connection, "heartbeat_check", beat)

    def hear(items: Sequence[Received]) -> Sequence[Outcome]:
        sizes.append(len(items))
        begun.set()
        go_on.wait(60)
        return [Done() for _ in items]

    consumer = running.consumer([Subscription(hear, {ThingMade.TYPE: MadeReading})], carrier, batch=20)
    send(outside, made("t0"))
    assert begun.wait(120)
    send(outside, *[made(f"t{n}") for n in range(1, 60)])
    # Twice a batch is in its hands, read and not acknowledged; the rest waits in the broker.
    until(lambda: len(consumer._inbox) == 39)
    assert {delivery.received and delivery.received.event.subject for delivery in consumer._inbox} == {
        f"t{n}" for n in range(1, 40)
    }
    assert sizes == [1]
    until(lambda: sum(beats) > 3)
    go_on.set()
    until(lambda: sum(sizes) == 60)
    assert max(sizes) == 20
    until(lambda: quiet(amqp))


def test_depth_and_age_are_told(running: Running, echoes: Echoes, carrier: store.Carrier, outside: Publisher) -> None:
    consumer = running.consumer(echoes.table(), carrier)
    assert consumer.ages() == {"queue_messages": 0, "queue_oldest_seconds": 0.0}
    assert consumer.event_types == [ThingMade.TYPE, EchoHeard.TYPE]
    held = threading.Event()

    def wait() -> None:
        held.wait(60)

    echoes.asked["slow"] = wait
    send(outside, made("t0", "slow"))
    until(lambda: echoes.batches)
    send(outside, *[made(f"t{n}") for n in range(1, 700)])
    held.set()
    until(lambda: len(echoes.ids()) == 700)
    until(lambda: consumer.ages() == {"queue_messages": 0, "queue_oldest_seconds": 0.0})


def test_an_outcome_that_is_later_names_the_handler_and_no_value() -> None:
    received = Received(read(made("t1").body), MadeReading("Nguyễn"))

    def handler(_: Sequence[Received]) -> Sequence[Outcome]:
        raise KeyError("Nguyễn")

    [outcome] = consume.applied(handler, [received])
    assert isinstance(outcome, Later)
    assert outcome.reason.startswith("KeyError in ")
    assert "Nguyễn" not in outcome.reason


def test_a_poisonous_message_is_found_by_halving() -> None:
    sizes: list[int] = []

    def handler(items: Sequence[Received]) -> Sequence[Outcome]:
        sizes.append(len(items))
        if any(item.data.name == "poison" for item in items):
            raise ValueError
        return [Done() for _ in items]

    items = [Received(read(made("t").body), MadeReading("poison" if n == 77 else "plain")) for n in range(128)]
    outcomes = consume.applied(handler, items)
    assert [n for n, outcome in enumerate(outcomes) if outcome != Done()] == [77]
    assert sorted(sizes) == sorted([128, 64, 64, 32, 32, 16, 16, 8, 8, 4, 4, 2, 2, 1, 1])
