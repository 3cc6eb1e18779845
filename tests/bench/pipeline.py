"""`./bench pipeline`: dossiers a second end to end, and filing alone, each beside the bare prototype in the same run.

End to end: filed and received at the counter, three steps, handed over, and seen by all services. The bare prototype
(`tests/bench/bare.py`) makes the same requests, durable writes, messages and consumers' writes, and nothing else. What
is compared is the ratio, median of the rounds, since absolute speeds are the machine's. While one side runs, the
other's processes are stopped (SIGSTOP): their polls would take the time of the one that is measured.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from kombu.connection import Connection
from pymongo import MongoClient

from catalog.main import CATALOG
from chassis.service import assembled_for_description
from chassis.topology import EVENTS, binding_key
from intake.main import INTAKE
from native.children import Child
from native.ports import answers, free_port
from native.servers import Mongod, RabbitMQ
from notify.main import NOTIFY
from stats.main import STATS
from tests.bench import bare
from tests.bench.load import Client, each, expect
from tests.support.servers import Broker, make_mongod, make_rabbitmq
from tests.support.system import TOP, System, filing, running, wait_for
from workflow.main import WORKFLOW

T = TypeVar("T")
LEAST_PIPELINE, LEAST_FILING = 0.5, 0.6
ACTS = (b'{"outcome": "completed"}', b'{"outcome": "approved"}', b'{"outcome": "completed"}')
COUNTED = 200
"""Dossiers, while what one costs is counted: what the services write now and then is little beside that."""
AS_DEPLOYED = {"RELAY_POLL_MS": "1000", "RELAY_GRACE_MS": "10000"}
HANDOVER = json.dumps({"to": "Lê Thị Đào", "method": "collect"}).encode()


class Ours:
    """The five services."""

    def __init__(self, system: System, mongo: MongoClient[dict[str, Any]]) -> None:
        self._system = system
        self._mongo = mongo
        headers = {"Authorization": f"Bearer {system.token}"}
        self._intake = Client(system.ports["intake-web"], headers)
        self._workflow = Client(system.ports["workflow-web"], headers)
        # Without an e-mail address: the speed of sending mail is another measurement.
        self._counter, self._online = (
            json.dumps({**body, "applicant": {**body["applicant"], "email": None}}).encode()
            for body in (filing("counter"), filing("online"))
        )

    def pipeline(self, name: str, count: int) -> float:
        began = time.perf_counter()
        filed = each(partial(self._file, self._counter, name), range(count))
        self._wait_until(filed, "workflow", "dossiers", {})
        for number in range(1, len(ACTS) + 1):
            each(partial(self._complete, number), filed)
        self._wait_until(filed, "intake", "dossiers", {"status": "processed"})
        each(self._hand_over, filed)
        self._wait_until(filed, "stats", "facts_0", {"said.handed_over": {"$exists": True}})
        self._wait_until(filed, "notify", "contacts", {})
        return count / (time.perf_counter() - began)

    def _file(self, body: bytes, name: str, number: int) -> str:
        filed: str = expect(self._intake.post("/api/intake/v1/dossiers", body, f"{name}-{number}"), 201)["id"]
        return filed

    def _complete(self, number: int, dossier: str) -> None:
        path = f"/api/workflow/v1/tasks/{dossier}.s{number}/completion"
        expect(self._workflow.post(path, ACTS[number - 1], f"{dossier}-{number}"), 200)

    def _hand_over(self, dossier: str) -> None:
        expect(self._intake.post(f"/api/intake/v1/dossiers/{dossier}/handover", HANDOVER, f"{dossier}-h"), 200)

    def _wait_until(self, filed: list[str], service: str, collection: str, state: dict[str, Any]) -> None:
        found = self._mongo[self._system.database(service)][collection]
        wait_for(lambda: found.count_documents({"_id": {"$in": filed}, **state}) == len(filed), 120, 0.1)

    def filing(self, name: str, count: int) -> float:
        began = time.perf_counter()
        each(partial(self._file, self._online, name), range(count))
        return count / (time.perf_counter() - began)

    def writes(self, name: str, count: int) -> int:
        """How many documents are written for a dossier."""
        metrics = self._mongo.admin.command
        archive = self._mongo[self._system.database("stats")]["events"]
        handed_over = {"type": "intake.dossier.handed_over.v1"}
        archived = archive.count_documents(handed_over)
        before = metrics("serverStatus")["metrics"]["document"]
        self.pipeline(name, count)
        wait_for(lambda: archive.count_documents(handed_over) == archived + count, 120, 0.1)
        after = metrics("serverStatus")["metrics"]["document"]
        written = sum(int(after[kind] - before[kind]) for kind in ("inserted", "updated", "deleted"))
        return written // count


def heard(broker: Broker, during: Callable[[], T]) -> tuple[T, dict[str, list[int]]]:
    """What `during` returns, and of each routing key how long its messages were meanwhile."""
    with Connection(broker.url) as connection:
        channel = connection.channel()
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, EVENTS, "#")
        done = during()
        found: dict[str, list[int]] = {}
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            found.setdefault(message.delivery_info["routing_key"], []).append(len(message.body))
    return done, found


def subscriptions() -> dict[str, list[str]]:
    """Of each service the routing keys that it takes; `*` at the end stands for anything."""
    return {
        service.name: sorted(
            {
                binding_key(kind).replace("#", "*")
                for each in assembled_for_description(service).table
                for kind in each.readings
            }
        )
        for service in (CATALOG, INTAKE, WORKFLOW, NOTIFY, STATS)
    }


def plan_of(writes: int, sent: Mapping[str, Sequence[int]], dossiers: int) -> bare.Plan:
    """What a dossier costs here: the messages that were `sent` for so many dossiers (the key of each → how many
    bytes), and who subscribes to what. `writes`: how many documents are written for it, all in all."""
    each_dossier = {key: round(len(sizes) / dossiers) for key, sizes in sorted(sent.items())}
    keys = [f"{key}.{n}" for key, count in each_dossier.items() for n in range(count)]
    queues = {
        name: [key for key in keys if any(fnmatchcase(key.rpartition(".")[0], each) for each in wanted)]
        for name, wanted in subscriptions().items()
    }
    requests = [keys[start::5] for start in range(5)]
    # Each request writes, and each outbox is cleared.
    more = writes - 2 * len(requests) - sum(map(len, queues.values()))
    lengths = {key: round(statistics.mean(sent[key.rpartition(".")[0]])) for key in keys}
    return bare.Plan(requests, queues, keys[: max(0, more)], lengths)


class Bare:
    """The prototype's processes: as many web processes as a dossier's requests go to, one relay, a consumer for each
    queue."""

    def __init__(self, plan: bare.Plan, folder: Path, mongod: Mongod, broker: Broker) -> None:
        self._plan = plan
        self._ports = [free_port(), free_port()]
        self._mongo: Any = MongoClient(mongod.url)["bare"]
        bare.declare(broker.url, plan)
        base = os.environ | {
            "PYTHONPATH": f"{TOP}:{TOP / 'services'}",
            "MONGO_URL": mongod.url.replace("/?", "/bare?"),
            "AMQP_URL": broker.url,
            "PLAN": plan.text(),
        }
        roles = [("web", {"PORT": str(port)}) for port in self._ports] + [("relay", {})]
        roles += [("consumer", {"QUEUE": queue}) for queue in plan.queues]
        command = [sys.executable, "-m", "tests.bench.bare"]
        self._children = [
            Child(
                f"bare-{role}",
                [*command, role],
                log=folder / "logs" / f"bare-{role}.log",
                env={**base, **more},
                cwd=TOP,
            )
            for role, more in roles
        ]
        for port in self._ports:
            wait_for(partial(answers, port), 30)
        self._clients = [Client(port, {}) for port in self._ports]
        self._body = json.dumps(filing("counter")).encode()

    def pipeline(self, name: str, count: int) -> float:
        began = time.perf_counter()
        dossiers = [f"{name}-{n}" for n in range(count)]
        for number in range(len(self._plan.requests)):
            each(partial(self._act, number), dossiers)
        for queue in self._plan.queues:
            wait_for(partial(self._has_seen, queue, name, count * self._plan.documents(queue)), 120, 0.1)
        return count / (time.perf_counter() - began)

    def _act(self, number: int, dossier: str) -> None:
        # As in ours, the first and the last request go to one process, the steps to another.
        client = self._clients[0 if number in (0, len(self._plan.requests) - 1) else 1]
        expect(client.post(f"/{dossier}/{number}", HANDOVER if number else self._body, dossier), 201)

    def _has_seen(self, queue: str, name: str, count: int) -> bool:
        found: int = self._mongo[f"effects_{queue}"].count_documents({"_id": {"$regex": f"^{name}-"}})
        return found == count

    def filing(self, name: str, count: int) -> float:
        began = time.perf_counter()
        each(partial(self._act, 0), [f"{name}-{n}" for n in range(count)])
        return count / (time.perf_counter() - began)

    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    def kill_workers(self) -> None:
        for child in self._children:
            if child.name != "bare-web":
                child.kill()

    def stop(self) -> None:
        for child in self._children:
            child.kill()


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """These processes and all that they started stand still meanwhile."""
    parents = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    processes = [process for parent in parents for process in (parent, *parent.children(recursive=True))]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


Measured = tuple[Callable[[str, int], float], Callable[[], Sequence[int]]]
"""What is timed, and which processes do it."""


def compare(what: str, ours: Measured, other: Measured, rounds: int, count: int) -> float:
    """Ours and the other in turn; prints each round, and returns the median of the ratios."""
    ratios = []
    for number in range(rounds):
        with stopped(other[1]()):
            a = ours[0](f"{what}{number}", count)
        with stopped(ours[1]()):
            b = other[0](f"{what}{number}", count)
        ratios.append(a / b)
        print(f"  {what} round {number + 1}: ours {a:.0f}/s, bare {b:.0f}/s, ratio {a / b:.2f}", flush=True)
    return statistics.median(ratios)


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Mongod, RabbitMQ, int]]:
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    rabbitmq = make_rabbitmq(folder)
    try:
        rabbitmq.start()
        with make_mongod(folder) as mongod:
            mongod.initiate()
            yield mongod, rabbitmq, controller.port
    finally:
        rabbitmq.kill()
        controller.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="./bench pipeline", description=__doc__)
    parser.add_argument("--dossiers", type=int, default=300, help="in each round end to end (300)")
    parser.add_argument("--filings", type=int, default=600, help="in each round of filing alone (600)")
    parser.add_argument("--rounds", type=int, default=7, help="of each, in turn with the prototype (7)")
    options = parser.parse_args()
    folder = TOP / ".run" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (
        servers(folder) as (mongod, rabbitmq, smtp_port),
        Broker(rabbitmq.amqp_port, rabbitmq.management_url, rabbitmq.password) as broker,
        running(System(folder, mongod.url, "bench_", broker, smtp_port, AS_DEPLOYED)) as system,
    ):
        ours = Ours(system, MongoClient(mongod.url))
        ours.pipeline("warm", 50)
        writes, sent = heard(broker, partial(ours.writes, "counted", COUNTED))
        plan = plan_of(writes, sent, COUNTED)
        other = Bare(plan, folder, mongod, broker)
        try:
            other.pipeline("warm", 50)
            messages, deliveries = sum(map(len, plan.requests)), sum(map(len, plan.queues.values()))
            print(
                f"a dossier: {len(plan.requests)} requests, {messages} messages, {deliveries} deliveries, "
                f"{writes} documents written; a message has {statistics.mean(plan.lengths.values()):.0f} bytes"
            )
            pipeline = compare(
                "pipeline", (ours.pipeline, system.pids), (other.pipeline, other.pids), options.rounds, options.dossiers
            )
            # Filing alone: nobody else is at work, on either side.
            system.kill_workers()
            other.kill_workers()
            filed = compare(
                "filing", (ours.filing, system.pids), (other.filing, other.pids), options.rounds, options.filings
            )
        finally:
            other.stop()
    print(f"pipeline: ratio {pipeline:.2f} (at least {LEAST_PIPELINE})")
    print(f"filing alone: ratio {filed:.2f} (at least {LEAST_FILING})")
    return 0 if pipeline >= LEAST_PIPELINE and filed >= LEAST_FILING else 1


if __name__ == "__main__":
    sys.exit(main())
