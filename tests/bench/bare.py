"""The bare prototype that the pipeline is measured beside: the same number of requests, durable writes, messages and
consumers' writes for a dossier, messages as long, in the same batched form, and nothing else: no validation, no
authorisation, no domain.

`python -m tests.bench.bare web|relay|consumer` with its settings in the environment (MONGO_URL, AMQP_URL, PORT, PLAN,
QUEUE).
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from flask import Flask, Response, request
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.messaging import Consumer
from pymongo import MongoClient, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError

EXCHANGE = "bare.events"
BATCH = 300
AROUND = 90
"""About so many bytes of a message are neither the request's nor filling."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dossier costs: the messages that each of its requests causes, by key, and the keys that each queue
    takes. For each message, which has `lengths` bytes, a document is written, and for the keys `twice` of the queue
    stats one more."""

    requests: list[list[str]]
    queues: dict[str, list[str]]
    twice: list[str]
    lengths: dict[str, int]

    def documents(self, queue: str) -> int:
        """How many the queue's consumer writes for a dossier."""
        return len(self.queues[queue]) + (len(self.twice) if queue == "stats" else 0)

    @classmethod
    def read(cls) -> "Plan":
        return cls(**json.loads(os.environ["PLAN"]))

    def text(self) -> str:
        return json.dumps(asdict(self))


def database(**options: Any) -> Any:
    client: MongoClient[dict[str, Any]] = MongoClient(os.environ["MONGO_URL"], **options)
    return client.get_default_database().with_options(write_concern=WriteConcern(w="majority", j=True))


def web() -> None:
    from gunicorn.app.base import BaseApplication

    plan = Plan.read()

    class Server(BaseApplication):
        def load_config(self) -> None:
            options = {
                "bind": f"127.0.0.1:{os.environ['PORT']}",
                "worker_class": "gthread",
                "workers": 2,
                "threads": 16,
                "keepalive": 75,
                "control_socket_disable": True,
            }
            for key, value in options.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            app = Flask("bare")
            dossiers = database()["dossiers"]
            dossiers.create_index("waiting", sparse=True)

            @app.post("/<dossier>/<int:number>")
            def act(dossier: str, number: int) -> Response:
                body = request.get_json()
                known = AROUND + len(request.get_data())
                entries = [
                    {
                        "key": key,
                        "body": json.dumps(
                            {"id": f"{dossier}:{key}", "data": {**body, "rest": "." * (plan.lengths[key] - known)}}
                        ),
                    }
                    for key in plan.requests[number]
                ]
                if number == 0:
                    dossiers.insert_one({"_id": dossier, "body": body, "outbox": entries, "waiting": True})
                else:
                    change = {"$set": {f"step{number}": body, "waiting": True}, "$push": {"outbox": {"$each": entries}}}
                    dossiers.update_one({"_id": dossier}, change)
                return Response(json.dumps({"id": dossier}), status=201, content_type="application/json")

            return app

    Server().run()


def relay() -> None:
    store = database()
    dossiers = store.get_collection("dossiers", write_concern=WriteConcern(w=1))
    connection = Connection(os.environ["AMQP_URL"])
    channel = connection.channel()
    channel.confirm_select()
    unconfirmed: set[int] = set()

    def on_ack(tag: int, multiple: bool) -> None:
        unconfirmed.difference_update([waiting for waiting in unconfirmed if waiting <= tag] if multiple else [tag])

    channel.events["basic_ack"].add(on_ack)
    tag = 0
    while True:
        found = list(dossiers.find({"waiting": True}, {"outbox": 1}, limit=BATCH))
        for document in found:
            for entry in document["outbox"]:
                tag += 1
                unconfirmed.add(tag)
                message = channel.prepare_message(
                    entry["body"], content_encoding="utf-8", properties={"delivery_mode": 2}
                )
                channel.basic_publish(message, EXCHANGE, entry["key"])
        while unconfirmed:
            connection.drain_events(timeout=30)
        if found:
            cleared = [
                UpdateOne(
                    {"_id": d["_id"], "outbox": {"$size": len(d["outbox"])}},
                    {"$set": {"outbox": []}, "$unset": {"waiting": 1}},
                )
                for d in found
            ]
            dossiers.bulk_write(cleared, ordered=False)
        else:
            time.sleep(0.005)


def consumer() -> None:
    """Writes a document for each message, in bulk, and acknowledges the batch."""
    queue = os.environ["QUEUE"]
    plan = Plan.read()
    twice = set(plan.twice if queue == "stats" else ())
    effects = database()[f"effects_{queue}"]
    connection = Connection(os.environ["AMQP_URL"])
    channel = connection.channel()
    inbox: list[Any] = []
    channel.basic_qos(0, BATCH * 2, False)
    with Consumer(channel, [Queue(queue, no_declare=True)], on_message=inbox.append, auto_declare=False):
        while True:
            try:
                connection.drain_events(timeout=0.003 if inbox else 1)
                if len(inbox) < BATCH:
                    continue
            except TimeoutError:
                if not inbox:
                    continue
            batch, inbox[:] = inbox[:BATCH], inbox[BATCH:]
            rows = [json.loads(message.body) for message in batch]
            made = [{"_id": row["id"], **row["data"]} for row in rows]
            made += [{**document, "_id": f"{document['_id']}:2"} for document in made
                     if document["_id"].partition(":")[2] in twice]  # fmt: skip
            try:
                effects.insert_many(made, ordered=False)
            except BulkWriteError as error:
                if any(item["code"] != 11000 for item in error.details["writeErrors"]):
                    raise
            batch[-1].channel.basic_ack(batch[-1].delivery_tag, multiple=True)


def declare(amqp_url: str, plan: Plan) -> None:
    with Connection(amqp_url) as connection:
        channel = connection.channel()
        Exchange(EXCHANGE, type="topic", durable=True)(channel).declare()
        for name, keys in plan.queues.items():
            Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"})(channel).queue_declare()
            for key in keys:
                channel.queue_bind(name, EXCHANGE, key)


if __name__ == "__main__":
    {"web": web, "relay": relay, "consumer": consumer}[sys.argv[1]]()
