"""What other services publish is what stats reads: their samples, and all the way through the broker."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chassis import store
from chassis.clock import system_clock
from chassis.consume import Consumer, Done, Duplicate
from chassis.envelope import Unreadable, routing_key
from chassis.publish import Message, Publisher
from chassis.topology import EVENTS
from stats import consumer
from stats.inbound import READINGS
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import PERSON, at, cells_of, event, many, message, naive_cells
from tests.stats.offering import procedure
from tests.support.samples import SAMPLES, sample
from tests.support.servers import Broker
from tests.support.services import hear
from tests.support.waiting import until


def test_every_sample_is_taken_once_and_kept_without_the_person(stats: StatsStore, taking: Taking) -> None:
    # What stats itself says goes to its feed, and comes back to nobody.
    others = [path for path in sorted(SAMPLES.glob("*.json")) if not path.name.startswith("stats.")]
    made = [json.loads(path.read_bytes()) for path in others]
    assert {each["type"] for each in made} >= set(READINGS)
    # Samples are of several lives of the same dossier, so some have the same identifier.
    bodies = [json.dumps(each | {"id": f"{each['id']}:{each['type']}"}).encode() for each in made]
    table = consumer.table(taking)
    assert set(hear(table, bodies)) == {Done()}
    assert set(hear(table, bodies)) == {Duplicate()}
    people = [value for each in made for value in personal(each["data"])]
    assert people
    kept = " ".join(str(document) for document in stats.archive.events.find())
    assert "personal" not in kept
    assert [value for value in people if value in kept] == []


def personal(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (value for value in data.get("personal", {}).values() if isinstance(value, str))
        for each in data.values():
            yield from personal(each)


@pytest.mark.parametrize("event_type", sorted(READINGS))
def test_a_sample_says_what_stats_reads(event_type: str) -> None:
    read = message(json.loads(sample(event_type)))
    assert isinstance(read.data, READINGS[event_type])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"channel": "fax"}, "/dimensions/channel"),
        ({"service_level": 5}, "/dimensions/service_level"),
        ({"agency": "H56|14"}, "/dimensions/agency"),
        ({"procedure": ""}, "/dimensions/procedure"),
    ],
)
def test_dimensions_that_cannot_be_counted_are_unreadable(change: dict[str, Any], place: str) -> None:
    made = json.loads(sample("intake.dossier.received.v1"))
    made["data"]["dimensions"] |= change
    with pytest.raises(Unreadable, match=place):
        message(made)


def test_an_instant_without_its_offset_is_unreadable() -> None:
    made = json.loads(sample("intake.dossier.received.v1"))
    made["data"]["received_at"] = "2024-08-20T09:00:00"
    with pytest.raises(Unreadable, match="/received_at"):
        message(made)


def test_through_the_broker_everything_is_counted_and_archived(
    stats_url: str, stats: StatsStore, taking: Taking, amqp: Broker
) -> None:
    lives = many(40, at("2024-06-01 08:00"), 100, ("H56.14", "H56.15"), ("1.001193",))
    made = [each for life in lives for each in life.events()]
    now = at("2024-06-01 08:00")
    made.append(event("notify.message.sent.v1", "m1", 1, now, {"personal": PERSON, "attempts": 1}))
    made.append(procedure("1.001193"))
    database = store.connect(stats_url)
    worker = Consumer(
        amqp.url, "stats", consumer.table(taking), Publisher(amqp.url), database,
        store.Carrier(system_clock), system_clock, batch=50, single_active=True,
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    publisher = Publisher(amqp.url)
    try:
        until(lambda: worker.connected)
        for _ in range(2):
            sent = [
                Message(EVENTS, routing_key(each["type"]), json.dumps(each, default=str), each["id"]) for each in made
            ]
            assert all(publisher.publish(sent))
        until(lambda: sum(len(row["events"]) for row in stats.log.rows.find()) == 2 * len(made), seconds=30)
        until(lambda: cells_of(stats.current()) == naive_cells(lives))
        assert stats.archive.events.count_documents({}) == len(made)
        assert amqp.queue_depth("stats.parked") == 0
    finally:
        stop.set()
        thread.join(20)
        publisher.close()
        database.client.close()
    assert not thread.is_alive()
