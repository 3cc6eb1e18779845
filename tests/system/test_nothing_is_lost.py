"""Processes are killed at the worst moments; afterwards every acknowledged dossier exists once everywhere, and the
counts match."""

import random
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from chassis import SERVICES
from native.servers import Mongod, RabbitMQ
from tests.support.system import System, at_once, filing, wait_for

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(400)]

WORKERS = ("catalog-worker", "intake-worker", "workflow-worker", "notify-worker", "stats-worker")


@pytest.fixture
def client(mongod: Mongod) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongod.url) as client:
        yield client


def everywhere_once(
    system: System,
    client: MongoClient[dict[str, Any]],
    dossiers: Iterable[str],
    seconds: float = 90,
    *,
    never_received: Iterable[str] = (),
) -> None:
    """Every one of the acknowledged dossiers is in intake, stats and, unless it was never received, workflow; no other
    one is, outboxes and queues are empty, and the counts in stats equal a recount of the dossiers."""
    acknowledged = set(dossiers)

    def ids(service: str, collection: str) -> set[str]:
        return {document["_id"] for document in client[system.database(service)][collection].find({}, {"_id": 1})}

    def nothing_waits() -> bool:
        outboxes = [client[system.database(service)]["dossiers"] for service in ("intake", "workflow")]
        return all(outbox.find_one({"outbox.at": {"$exists": True}}) is None for outbox in outboxes) and all(
            system.broker.queue_depth(f"{service}.events") == 0 for service in SERVICES
        )

    everything = ids("intake", "dossiers")
    assert acknowledged <= everything
    wait_for(lambda: ids("workflow", "dossiers") == everything - set(never_received), seconds)
    wait_for(lambda: ids("stats", "facts_0") == everything, seconds)
    wait_for(nothing_waits, seconds)
    assert {service: system.broker.queue_depth(f"{service}.parked") for service in SERVICES} == dict.fromkeys(
        SERVICES, 0
    )
    wait_for(lambda: system.get("stats/recount")["equal"], seconds)
    recount = system.get("stats/recount")
    assert recount["compared"] > 0
    assert recount["differences"] == []
    codes = [d["code"] for d in client[system.database("intake")]["dossiers"].find({"code": {"$gt": ""}}, {"code": 1})]
    assert len(set(codes)) == len(codes)


def test_a_web_process_is_killed_in_a_storm_of_requests(system: System, client: MongoClient[dict[str, Any]]) -> None:
    stop = threading.Event()

    def executioner() -> None:
        while not stop.wait(1.0):
            system.kill("intake-web")
            system.start("intake-web")

    thread = threading.Thread(target=executioner)
    before = set(client[system.database("intake")]["dossiers"].distinct("_id"))
    thread.start()
    try:
        filed = at_once(lambda n: system.file(f"storm-{n}")["id"], range(400))
    finally:
        stop.set()
        thread.join()
    # Asking again with the same keys gives the same dossiers, and makes none.
    again = at_once(lambda n: system.file(f"storm-{n}")["id"], range(400))
    assert again == filed
    assert len(set(filed)) == 400
    after = set(client[system.database("intake")]["dossiers"].distinct("_id"))
    assert after - before == set(filed)
    everywhere_once(system, client, filed)


def test_the_same_request_twenty_times_at_once_makes_one_dossier(
    system: System, client: MongoClient[dict[str, Any]]
) -> None:
    before = client[system.database("intake")]["dossiers"].count_documents({})
    answers = at_once(
        lambda _: system.request("POST", "intake/dossiers", key="twenty", body=filing()), range(20), threads=20
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert client[system.database("intake")]["dossiers"].count_documents({}) == before + 1
    everywhere_once(system, client, [answers[0].json()["id"]])


@pytest.mark.parametrize(
    ("point", "process"),
    [
        ("chassis.store.clear", "intake-worker"),
        ("chassis.consume.Consumer._settle", "workflow-worker"),
        ("chassis.consume.Consumer._carry", "workflow-worker"),
        ("chassis.consume.Consumer._settle", "stats-worker"),
        ("chassis.consume.Consumer._settle", "intake-worker"),
        ("chassis.consume.Consumer._settle", "notify-worker"),
    ],
    ids=[
        "relay between publish and clear",
        "between write and ack",
        "between write and publish",
        "stats",
        "intake",
        "notify",
    ],
)
def test_a_worker_dies_at_the_worst_moment(
    system: System, client: MongoClient[dict[str, Any]], point: str, process: str, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    system.kill(process)
    filed = [system.file(f"{name}-before-{n}")["id"] for n in range(10)]
    system.start(process, wrapper=("tests.support.dying", point))
    finisher = threading.Thread(target=lambda: at_once(system.work_through, filed))
    finisher.start()
    status = system.ended(process, 30)
    assert status == -9, f"{process} did not come to {point}: {status}"
    filed += [system.file(f"{name}-after-{n}")["id"] for n in range(10)]
    system.start(process)
    finisher.join()
    everywhere_once(system, client, filed)
    assert {system.get(f"intake/dossiers/{dossier}")["status"] for dossier in filed[:10]} == {"returned"}


def test_every_worker_is_killed_while_dossiers_are_filed_and_worked_on(
    system: System, client: MongoClient[dict[str, Any]]
) -> None:
    rng = random.Random(7)  # noqa: S311 (the order of victims is no secret)
    stop = threading.Event()

    def executioner() -> None:
        victims = list(WORKERS) * 2
        rng.shuffle(victims)
        for victim in victims:
            if stop.wait(0.5 + rng.random()):
                return
            system.kill(victim)
            system.start(victim)

    thread = threading.Thread(target=executioner)
    thread.start()
    try:
        filed = at_once(lambda n: system.file(f"massacre-{n}")["id"], range(500))
        at_once(system.work_through, filed[:60])
    finally:
        thread.join()
    everywhere_once(system, client, filed)
    assert all(system.get(f"intake/dossiers/{dossier}")["status"] == "returned" for dossier in filed[:60])


def test_filing_goes_on_while_rabbitmq_is_away_for_a_minute(
    system: System, rabbitmq: RabbitMQ, client: MongoClient[dict[str, Any]]
) -> None:
    rabbitmq.stop()
    away_since = time.monotonic()
    filed: list[str] = []
    try:
        while time.monotonic() - away_since < 60:
            for answer in at_once(
                lambda n: system.request("POST", "intake/dossiers", key=f"away-{len(filed)}-{n}", body=filing()),
                range(8),
            ):
                assert answer.status_code == 201, answer.text
                filed.append(answer.json()["id"])
            time.sleep(0.5)
    finally:
        rabbitmq.start()
    assert len(filed) > 100
    everywhere_once(system, client, filed, 120)
