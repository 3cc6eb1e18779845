"""Processes are killed at the worst moments, and services and the broker are away; afterwards every acknowledged
dossier exists once everywhere, and the counts match.

The tests share one system, and find in it what the others left. They stand in one module, since it takes a minute of a
processor to start: no other worker of the test run has it.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from chassis import SERVICES
from native.servers import Mongod, RabbitMQ
from tests.support.system import System, at_once, filing, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

WORKERS = ("catalog-worker", "intake-worker", "workflow-worker", "notify-worker", "stats-worker")
PATIENCE = 240.0
"""Seconds; a machine that does much else is slow, and is not wrong."""
AWAY = ("catalog-web", "catalog-worker", "workflow-web", "workflow-worker")


@pytest.fixture
def client(mongod: Mongod) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongod.url) as client:
        yield client


def everywhere_once(system: System, client: MongoClient[dict[str, Any]], dossiers: Iterable[str]) -> None:
    """Every one of the acknowledged dossiers is in intake, stats and, if it was received, workflow; no other one is,
    outboxes and queues are empty, and the counts in stats equal a recount of the dossiers."""

    def ids(service: str, collection: str, having: Mapping[str, Any]) -> set[str]:
        return {row["_id"] for row in client[system.database(service)][collection].find(having, {"_id": 1})}

    def nothing_waits() -> bool:
        outboxes = [client[system.database(service)]["dossiers"] for service in ("intake", "workflow")]
        return all(outbox.find_one({"outbox.at": {"$exists": True}}) is None for outbox in outboxes) and all(
            system.broker.queue_depth(f"{service}.events") == 0 for service in SERVICES
        )

    everything, received = ids("intake", "dossiers", {}), ids("intake", "dossiers", {"code": {"$gt": ""}})
    assert set(dossiers) <= everything
    wait_for(lambda: ids("workflow", "dossiers", {}) == received, PATIENCE)
    wait_for(lambda: ids("stats", "facts_0", {}) == everything, PATIENCE)
    wait_for(nothing_waits, PATIENCE)
    assert {service: system.broker.queue_depth(f"{service}.parked") for service in SERVICES} == dict.fromkeys(
        SERVICES, 0
    )
    wait_for(lambda: system.get("stats/recount")["equal"], PATIENCE)
    recount = system.get("stats/recount")
    assert recount["compared"] > 0
    assert recount["differences"] == []
    codes = [d["code"] for d in client[system.database("intake")]["dossiers"].find({"code": {"$gt": ""}}, {"code": 1})]
    assert len(set(codes)) == len(codes)


STORM = 120


def test_a_web_process_is_killed_in_a_storm_of_requests(system: System, client: MongoClient[dict[str, Any]]) -> None:
    stop = threading.Event()

    def executioner() -> None:
        while not stop.wait(0.5):
            system.kill("intake-web")
            system.start("intake-web")

    thread = threading.Thread(target=executioner)
    before = set(client[system.database("intake")]["dossiers"].distinct("_id"))
    thread.start()
    try:
        filed = at_once(lambda n: system.file(f"storm-{n}")["id"], range(STORM))
    finally:
        stop.set()
        thread.join()
    # Asking again with the same keys gives the same dossiers, and makes none.
    again = at_once(lambda n: system.file(f"storm-{n}")["id"], range(STORM))
    assert again == filed
    assert len(set(filed)) == STORM
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
    "deaths",
    [
        {
            "intake-worker": "chassis.store.clear",
            "workflow-worker": "chassis.consume.Consumer._settle",
            "stats-worker": "chassis.consume.Consumer._settle",
            "notify-worker": "chassis.consume.Consumer._settle",
        },
        {"workflow-worker": "chassis.consume.Consumer._carry", "intake-worker": "chassis.consume.Consumer._settle"},
    ],
    ids=["relay between publish and clear, consumers between write and ack", "consumers between write and publish"],
)
def test_workers_die_at_the_worst_moment(
    system: System, client: MongoClient[dict[str, Any]], deaths: Mapping[str, str], request: pytest.FixtureRequest
) -> None:
    """Each at its own, of what the others send it; in the order in which an event comes to them."""
    name = request.node.callspec.id
    for process in deaths:
        system.kill(process)
    filed = [system.file(f"{name}-before-{n}")["id"] for n in range(10)]
    for process, point in deaths.items():
        system.start(process, wrapper=("tests.support.dying", point))
    finisher = threading.Thread(target=lambda: at_once(system.work_through, filed[:10]))
    finisher.start()
    for process, point in deaths.items():
        status = system.ended(process, PATIENCE)
        assert status == -9, f"{process} did not come to {point}: {status}"
        filed += [system.file(f"{name}-without-{process}-{n}")["id"] for n in range(3)]
        system.start(process)
    finisher.join()
    everywhere_once(system, client, filed)
    assert {system.get(f"intake/dossiers/{dossier}")["status"] for dossier in filed[:10]} == {"returned"}


@pytest.mark.parametrize(
    ("dossiers", "deaths"), [(100, 1), pytest.param(500, 2, marks=pytest.mark.thorough)], ids=["100", "500"]
)
def test_every_worker_is_killed_while_dossiers_are_filed_and_worked_on(
    system: System, client: MongoClient[dict[str, Any]], dossiers: int, deaths: int
) -> None:
    rng = random.Random(7)  # noqa: S311 (the order of victims is no secret)
    stop = threading.Event()

    def executioner() -> None:
        victims = list(WORKERS) * deaths
        rng.shuffle(victims)
        for victim in victims:
            if stop.wait(0.5 + rng.random()):
                return
            system.kill(victim)
            system.start(victim)

    thread = threading.Thread(target=executioner)
    thread.start()
    try:
        filed = at_once(lambda n: system.file(f"massacre-{dossiers}-{n}")["id"], range(dossiers))
        at_once(system.work_through, filed[: dossiers // 8])
    finally:
        thread.join()
    everywhere_once(system, client, filed)
    assert all(system.get(f"intake/dossiers/{dossier}")["status"] == "returned" for dossier in filed[: dossiers // 8])


# That nothing is lost while the broker is away is shown in `./test` by the next one.
@pytest.mark.thorough
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
    everywhere_once(system, client, filed)


def batch(system: System, key: str, count: int) -> requests.Response:
    """So many dossiers from the counter with one request."""
    lines = b"\n".join(json.dumps(filing()).encode() for _ in range(count))
    headers = {
        "Authorization": f"Bearer {system.token}",
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": key,
    }
    return requests.post(system.url("intake/dossiers/batch"), data=lines, headers=headers, timeout=60)


def counts(system: System) -> Counter[str]:
    """What stats says of the whole province."""
    return Counter({key: n for row in system.get("stats/counts")["items"] for key, n in row.items() if type(n) is int})


def test_filing_and_receiving_go_on_with_catalog_workflow_and_the_broker_down(
    system: System, rabbitmq: RabbitMQ, client: MongoClient[dict[str, Any]]
) -> None:
    """Intake alone: offices go on filing and receiving; when the others are back, nothing is missing."""
    before = counts(system)
    for process in AWAY:
        system.kill(process)
    rabbitmq.stop()
    filed: list[str] = []
    try:
        counter = at_once(lambda n: system.file(f"alone-{n}"), range(40))
        assert {answer["status"] for answer in counter} == {"received"}
        assert all(answer["due_at"] for answer in counter), "the receipt can be printed"
        online = at_once(lambda n: system.file(f"alone-online-{n}", "online")["id"], range(20))

        def receive(id: str) -> Any:
            return system.post(f"intake/dossiers/{id}/reception", f"receive-{id}", {}, 200)

        assert {answer["status"] for answer in at_once(receive, online[:15])} == {"received"}
        refusal = {"reason_code": "incomplete"}
        assert system.post(f"intake/dossiers/{online[15]}/refusal", "refuse", refusal, 200)["status"] == "refused"
        withdrawn = [online[0], online[16], counter[0]["id"]]
        for id in withdrawn:
            sent = {"reason": "Không còn nhu cầu"}
            assert system.post(f"intake/dossiers/{id}/withdrawal", f"withdraw-{id}", sent, 200)["status"] == "withdrawn"
        answer = batch(system, "alone-batch", 50)
        assert answer.status_code == 201
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["status"] for line in lines] == [201] * 50
        # A new web process knows nothing but its own store.
        system.kill("intake-web")
        system.start("intake-web")
        assert batch(system, "alone-batch", 50).content == answer.content
        filed = [*(answer["id"] for answer in counter), *online, *(line["dossier"]["id"] for line in lines)]
        again = at_once(lambda n: system.file(f"alone-{n}")["id"], range(40))
        assert again == filed[:40]
        codes = [answer["code"] for answer in counter] + [line["dossier"]["code"] for line in lines]
        assert len(set(codes)) == 90
    finally:
        rabbitmq.start()
        system.start(*AWAY)
    everywhere_once(system, client, filed)
    known = client[system.database("workflow")]["dossiers"].find({"_id": {"$in": online}}, {"_id": 1})
    assert {row["_id"] for row in known} == set(online[:15]), "only what was received"
    states = client[system.database("workflow")]["dossiers"].find({"_id": {"$in": withdrawn}}, {"state": 1})
    assert {row["_id"]: row["state"] for row in states} == dict.fromkeys([online[0], counter[0]["id"]], "withdrawn")
    after = counts(system)
    assert [after[key] - before[key] for key in ("withdrawn", "withdrawn_waiting", "refused")] == [3, 1, 1]
