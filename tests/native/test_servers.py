"""The fixtures that other tests stand on: real servers, one virtual host and one set of databases for each test."""

import time
from typing import Any

import pika
import pytest
from pymongo import MongoClient

from native.servers import EVICTION, Mongod, RabbitMQ
from tests.contracts.documents import TOP
from tests.support.servers import SETTLED_SECONDS, Broker


def publish(url: str, queue: str, message: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.confirm_delivery()
        channel.basic_publish("", queue, message.encode(), mandatory=True)


def test_containers_give_mongod_the_same_cache_settings() -> None:
    assert f"--wiredTigerEngineConfigString {EVICTION}\n" in (TOP / "compose.yaml").read_text(encoding="utf-8")


def test_mongod_has_transactions(mongo: MongoClient[dict[str, Any]], database_prefix: str) -> None:
    database = mongo[f"{database_prefix}shop"]
    with mongo.start_session() as session, session.start_transaction():
        database.things.insert_one({"_id": 1}, session=session)
    assert database.things.count_documents({}) == 1


@pytest.mark.parametrize("_again", [1, 2])
def test_databases_of_another_test_are_gone(
    mongo: MongoClient[dict[str, Any]], database_prefix: str, _again: int
) -> None:
    database = mongo[f"{database_prefix}shop"]
    assert database.list_collection_names() == []
    database.things.insert_one({})


@pytest.mark.parametrize("_again", [1, 2])
def test_queues_of_another_test_are_gone(amqp: Broker, _again: int) -> None:
    assert amqp.queues() == []
    publish(amqp.url, "work", "one")
    assert amqp.queue_depth("work") == 1
    assert amqp.queues() == ["work"]


def test_retry_queues_have_short_waits(amqp: Broker) -> None:
    publish(amqp.url, "intake.retry.5s", "one")
    deadline = time.monotonic() + 60
    while amqp.queue_depth("intake.retry.5s"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_broker_keeps_its_messages_over_a_kill(own_rabbitmq: RabbitMQ, own_amqp: Broker) -> None:
    publish(own_amqp.url, "work", "one")
    time.sleep(SETTLED_SECONDS)
    own_rabbitmq.kill()
    own_rabbitmq.start()
    deadline = time.monotonic() + 60
    while own_amqp.queue_depth("work") != 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_mongod_starts_again_on_its_data(own_mongod: Mongod) -> None:
    with MongoClient[dict[str, Any]](own_mongod.url) as client:
        client.shop.things.insert_one({"_id": 1})
    own_mongod.stop()
    own_mongod.start()
    own_mongod.initiate()
    with MongoClient[dict[str, Any]](own_mongod.url) as client:
        assert client.shop.things.count_documents({}) == 1
