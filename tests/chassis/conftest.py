"""A toy's corner of the shared servers, and its processes' threads, which end with the test."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from chassis import consume, publish, store
from chassis.clock import system_clock
from chassis.consume import Consumer, Subscription
from chassis.relay import Relay
from tests.chassis import toy
from tests.support.databases import connected, disconnect
from tests.support.servers import Broker
from tests.support.waiting import until


@pytest.fixture
def clock() -> toy.Hands:
    return toy.Hands()


@pytest.fixture
def toy_url(mongo_url: str, database_prefix: str) -> str:
    return toy.database_url(mongo_url, f"{database_prefix}toy")


@pytest.fixture
def database(toy_url: str) -> Iterator[Database[store.Document]]:
    database = connected(toy_url)
    yield database
    disconnect(database)


@pytest.fixture
def things(database: Database[store.Document], clock: toy.Hands) -> store.Aggregates[toy.Thing]:
    """As a web process has them: their events are left to the relay."""
    things = store.Aggregates(database, "things", toy.Thing, store.Carrier(clock))
    things.ensure_indexes()
    return things


@dataclass
class Running:
    """Starts the threads of a worker and ends them."""

    database: Database[store.Document]
    amqp_url: str
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    ended_by: list[BaseException] = field(default_factory=list)

    def consumer(
        self, table: list[Subscription], carrier: store.Carrier, *, subscribers: tuple[str, ...] = (), **options: Any
    ) -> Consumer:
        publisher = publish.Publisher(self.amqp_url, subscribers)
        consumer = Consumer(self.amqp_url, toy.NAME, table, publisher, self.database, carrier, system_clock, **options)
        self.start(consumer.run)
        until(lambda: consumer.connected)
        return consumer

    def relay(self, *collections: str, **options: Any) -> Relay:
        relay = Relay(
            self.database,
            [self.database[name] for name in collections],
            publish.Publisher(self.amqp_url, options.pop("subscribers", ())),
            store.Lease(self.database, "relay", f"relay-{len(self.threads)}"),
            options.pop("clock", system_clock),
            **options,
        )
        self.start(relay.run)
        return relay

    def start(self, loop: Callable[[threading.Event], None]) -> None:
        def guarded() -> None:
            try:
                loop(self.stop)
            except BaseException as error:
                self.ended_by.append(error)

        thread = threading.Thread(target=guarded)
        self.threads.append(thread)
        thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a thread does not stop"


@pytest.fixture
def running(database: Database[store.Document], amqp: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    # Each test waits for the end of its consumers.
    monkeypatch.setattr(consume, "LISTEN_SECONDS", 0.05)
    running = Running(database, amqp.url)
    yield running
    running.end()


@pytest.fixture
def carrier() -> store.Carrier:
    """A worker's: it publishes what it wrote itself; the relay would look after ten seconds."""
    return store.Carrier(system_clock, grace=timedelta(seconds=10))


@pytest.fixture
def echoes(database: Database[store.Document], carrier: store.Carrier) -> toy.Echoes:
    echoes = toy.Echoes(database, carrier)
    echoes.aggregates.ensure_indexes()
    return echoes
