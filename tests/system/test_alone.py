"""Intake alone: offices go on filing and receiving while catalog, workflow and the broker are away; when they are back,
nothing is missing."""

import json
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from native.servers import Mongod, RabbitMQ
from tests.support.system import System, at_once, filing
from tests.system.test_nothing_is_lost import everywhere_once

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system"), pytest.mark.timeout(400)]

AWAY = ("catalog-web", "catalog-worker", "workflow-web", "workflow-worker")


def batch(system: System, key: str, count: int) -> requests.Response:
    """So many dossiers from the counter with one request."""
    lines = b"\n".join(json.dumps(filing()).encode() for _ in range(count))
    headers = {
        "Authorization": f"Bearer {system.token}",
        "Content-Type": "application/x-ndjson",
        "Idempotency-Key": key,
    }
    return requests.post(system.url("intake/dossiers/batch"), data=lines, headers=headers, timeout=60)


def test_filing_and_receiving_go_on_with_catalog_workflow_and_the_broker_down(
    system: System, rabbitmq: RabbitMQ, mongod: Mongod
) -> None:
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
    with MongoClient[dict[str, Any]](mongod.url) as client:
        everywhere_once(system, client, filed, 120, never_received=online[15:])
        states = client[system.database("workflow")]["dossiers"].find({"_id": {"$in": withdrawn}}, {"state": 1})
        assert {row["_id"]: row["state"] for row in states} == dict.fromkeys([online[0], counter[0]["id"]], "withdrawn")
    counts = system.get("stats/counts")["items"][0]
    assert (counts["withdrawn"], counts["withdrawn_waiting"], counts["refused"]) == (3, 1, 1)
