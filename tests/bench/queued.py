"""What waits in a service's queue, taken by its consumer as it runs."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kombu.connection import Connection
from pymongo.database import Database

from chassis import store, topology
from chassis.clock import system_clock
from chassis.consume import Consumer, Handler, Outcome, Received, Subscription
from chassis.envelope import routing_key
from chassis.publish import Message, Publisher
from tests.support.servers import Broker, make_rabbitmq

AT_ONCE = 1000


def seconds_to_take(
    service: str,
    bodies: Sequence[bytes],
    subscription: Subscription,
    database: Database[store.Document],
    folder: Path,
    *,
    batch: int,
    gather_seconds: float,
) -> float:
    """How long the consumer takes for so many events from when it starts, its queue full and nobody publishing."""
    rabbitmq = make_rabbitmq(folder)
    rabbitmq.start()
    try:
        with Broker(rabbitmq.amqp_port, rabbitmq.management_url, rabbitmq.password) as broker:
            with Connection(broker.url) as connection:
                topology.declare(connection.channel(), service, list(subscription.readings), single_active=True)
            publisher = Publisher(broker.url)
            for first in range(0, len(bodies), AT_ONCE):
                sent = [
                    Message(topology.EVENTS, routing_key(event["type"]), body, event["id"])
                    for body in bodies[first : first + AT_ONCE]
                    for event in [json.loads(body)]
                ]
                if not all(publisher.publish(sent)):
                    raise RuntimeError("the broker refused events")
            publisher.close()
            return _taken(broker.url, service, len(bodies), subscription, database, batch, gather_seconds)
    finally:
        rabbitmq.kill()


def _taken(
    amqp_url: str,
    service: str,
    count: int,
    subscription: Subscription,
    database: Database[store.Document],
    batch: int,
    gather_seconds: float,
) -> float:
    done, left = threading.Event(), count

    def counted(handler: Handler) -> Handler:
        def handle(items: Sequence[Received]) -> Sequence[Outcome]:
            nonlocal left
            outcomes = handler(items)
            left -= len(items)
            if left <= 0:
                done.set()
            return outcomes

        return handle

    consumer = Consumer(
        amqp_url, service, [Subscription(counted(subscription.handler), subscription.readings)], Publisher(amqp_url),
        database, store.Carrier(system_clock), system_clock, batch=batch, gather_seconds=gather_seconds,
        single_active=True,
    )  # fmt: skip
    stop, began = threading.Event(), time.perf_counter()
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    try:
        if not done.wait(600):
            raise RuntimeError(f"{left} events are left in the queue")
        return time.perf_counter() - began
    finally:
        stop.set()
        thread.join(30)
