"""Servers that stop and come back: what was accepted is done, once, and nothing was parked for it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.connection import Connection
from pymongo.database import Database

from chassis import keys, service, store, topology
from chassis.clock import system_clock
from chassis.parked import ParkedMessages
from chassis.publish import BROKER_DOWN, Message, Publisher
from chassis.settings import Settings
from native.servers import Mongod, RabbitMQ
from tests.chassis import toy
from tests.chassis.conftest import Running
from tests.chassis.toy import TOY, Echoes, Thing, new, outgoing_event
from tests.support.servers import Broker
from tests.support.waiting import until

MongoDB = Database[store.Document]


def test_a_broker_that_restarts_delays_and_loses_nothing(
    own_amqp: Broker, own_rabbitmq: RabbitMQ, database: object, toy_url: str, carrier: store.Carrier, echoes: Echoes
) -> None:
    db = echoes.aggregates.collection.database
    things = store.Aggregates(db, "things", Thing, store.Carrier(system_clock))
    things.ensure_indexes()
    running = Running(db, own_amqp.url)
    publisher = Publisher(own_amqp.url)
    try:
        consumer = running.consumer(echoes.table(), carrier)
        running.relay("things", "echoes", subscribers=("toy",), poll_seconds=0.2)
        things.add([new(f"before{n}") for n in range(20)])
        until(lambda: db["noted"].count_documents({}) == 20)
        assert publisher.publish([Message("toy", "retry.5s", outgoing_event().body, "m1")]) == [True]

        own_rabbitmq.stop()
        until(lambda: not consumer.connected)
        for _ in range(2):
            with pytest.raises(BROKER_DOWN):
                publisher.publish([Message("toy", "events", "{}", "m2")])
        # Writes go on.
        assert things.add([new(f"during{n}") for n in range(20)]) == [None] * 20
        own_rabbitmq.start()

        until(lambda: consumer.connected)
        things.add([new(f"after{n}") for n in range(20)])
        until(lambda: db["noted"].count_documents({}) == 61)
        assert len(echoes.ids()) == 61
        until(lambda: not db["things"].count_documents({"outbox.at": {"$exists": True}}))
        until(lambda: not db["echoes"].count_documents({"outbox.at": {"$exists": True}}))
        assert publisher.publish([Message("toy", "events", outgoing_event().body, "m3")]) == [True]
        assert ParkedMessages(own_amqp.url, "toy", db, system_clock).list() == []
        assert not running.ended_by
    finally:
        running.end()
        publisher.close()


def test_a_store_that_is_away_is_503_and_delays_and_loses_nothing(
    own_mongod: Mongod, amqp: Broker, tmp_path: Path, opened: list[MongoDB]
) -> None:
    keys.make_key_pair(tmp_path)
    url = toy.database_url(own_mongod.url, "toy")
    database = store.connect(url)
    echoes = Echoes(database, store.Carrier(system_clock))
    echoes.aggregates.ensure_indexes()
    settings = Settings(mongo_url=url, amqp_url=amqp.url, jwks=str(tmp_path / "jwks.json"), subscribers=("toy",))
    client = service.web_app(TOY, settings).test_client()
    token = keys.mint_token(tmp_path / "jwt_private.jwk", subject="u1", name="", scopes=["toy.write"])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k1"}
    running = Running(database, amqp.url)
    outside = Publisher(amqp.url)
    try:
        running.consumer(echoes.table(), store.Carrier(system_clock))
        relay = running.relay("things", "echoes", poll_seconds=0.2)
        assert client.get("/readyz").status_code == 200
        own_mongod.kill()

        away = client.post("/api/toy/v1/things", json={"name": "a"}, headers=headers)
        assert (away.status_code, away.json["code"]) == (503, "unavailable")  # type: ignore[index]
        assert int(away.headers["Retry-After"]) > 0
        assert client.get("/readyz").status_code == 503
        assert client.get("/livez").status_code == 200
        assert outside.publish([Message(topology.EVENTS, "toy.thing.made", outgoing_event().body, "m1")]) == [True]
        held = time.monotonic()
        until(lambda: amqp.queue_depth("toy.events") == 0)
        own_mongod.start()

        until(lambda: echoes_are(database, {"t1"}), every=0.2)
        assert time.monotonic() - held > 1
        until(lambda: client.post("/api/toy/v1/things", json={"name": "a"}, headers=headers).status_code == 201)
        until(lambda: len(echoes.ids()) == 2)
        until(lambda: relay.ages() == {"outbox_oldest_seconds": 0.0})
        with Connection(amqp.url) as connection:
            assert connection.channel().queue_declare("toy.parked", passive=True).message_count == 0
        assert not running.ended_by
    finally:
        running.end()
        outside.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MongoDB]]:
    """Every database that is opened, by the web application too, which keeps its own until the process ends."""
    opened: list[MongoDB] = []
    connect = store.connect

    def remembered(url: str) -> MongoDB:
        opened.append(connect(url))
        return opened[-1]

    monkeypatch.setattr(store, "connect", remembered)
    yield opened
    for database in opened:
        database.client.close()


def echoes_are(database: MongoDB, ids: set[str]) -> bool:
    try:
        return {row["_id"] for row in database["echoes"].find()} == ids
    except store.UNAVAILABLE:
        return False
