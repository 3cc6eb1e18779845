"""The lists of essential services, and how far each service is deployed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from catalog import domain
from catalog.essentials.domain import EssentialService, errors_of
from catalog.store import CatalogStore, new_version
from sample import province
from tests.catalog.callers import NOW, Api
from tests.catalog.making import body, procedure

SAMPLE_PROCEDURES = province.read().procedures
SERVICE = EssentialService(
    list="project06",
    id="01",
    name="Đăng ký khai sinh",
    sector="Tư pháp",
    state="deployed",
    extent="full",
    procedures=("1.001193",),
    served_by=None,
    waiting_for=None,
    decision=None,
    since=None,
)
DEPLOYED = {"name": "Đăng ký khai sinh", "state": "deployed", "extent": "full", "procedures": ["1.001193"]}
WAITING = {"name": "Thăm viếng mộ liệt sĩ", "state": "waiting", "waiting_for": "Bộ Nội vụ"}
NATIONAL = {"name": "Thu, nộp tạm ứng án phí, lệ phí tòa án", "state": "national"}


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({}, []),
        ({"procedures": (), "served_by": "Cổng Dịch vụ công quốc gia"}, []),
        ({"state": "waiting", "extent": None, "waiting_for": "Bộ Tài chính"}, []),
        ({"state": "national", "extent": None, "procedures": ()}, []),
        ({"procedures": ()}, ["/procedures"]),
        ({"extent": None}, ["/extent"]),
        ({"waiting_for": "Bộ Y tế"}, ["/waiting_for"]),
        ({"state": "waiting", "extent": None}, ["/waiting_for"]),
        ({"state": "waiting", "waiting_for": "Bộ Y tế"}, ["/extent"]),
        ({"state": "national", "extent": None, "waiting_for": "Bộ Y tế"}, ["/waiting_for"]),
        ({"procedures": ("1.001193", "9.999999")}, ["/procedures/1"]),
        ({"procedures": ("1.001193", "1.001193")}, ["/procedures/1"]),
        ({"id": "Số 1", "list": "-x"}, ["/list", "/id"]),
        ({"name": "a\x00"}, ["/name"]),
    ],
)
def test_what_a_service_must_say(changes: dict[str, Any], pointers: list[str]) -> None:
    assert [error.pointer for error in errors_of(replace(SERVICE, **changes), {"1.001193"})] == pointers


@pytest.fixture
def lists(api: Api) -> Api:
    made = procedure(code="1.001193", local_code=None)
    assert api.put("/procedures/1.001193", body(made), key="p").status_code == 201
    for path, sent in (
        ("project06/01", DEPLOYED),
        ("project06/02", DEPLOYED | {"extent": "partial"}),
        ("qd422/01", WAITING),
        ("qd422/02", NATIONAL),
        ("qd422/03", DEPLOYED | {"procedures": [], "served_by": "Cổng Dịch vụ công quốc gia"}),
    ):
        assert api.put(f"/essential-services/{path}", sent, key=path).status_code == 201
    return api


def names(api: Api, query: str = "") -> list[str]:
    return [f"{item['list']}/{item['id']}" for item in api.public(f"/essential-services?{query}").json["items"]]


def test_the_lists_and_the_state_of_each(lists: Api) -> None:
    assert names(lists) == ["project06/01", "project06/02", "qd422/01", "qd422/02", "qd422/03"]
    assert names(lists, "list=qd422") == ["qd422/01", "qd422/02", "qd422/03"]
    assert names(lists, "list=qd422&state=deployed") == ["qd422/03"]
    assert names(lists, "state=waiting") == ["qd422/01"]
    first = lists.public("/essential-services?limit=2").json
    assert names(lists, f"limit=2&cursor={first['next']}") == ["qd422/01", "qd422/02"]
    assert lists.public("/essential-services/qd422/01").json["waiting_for"] == "Bộ Nội vụ"
    unknown = lists.public("/essential-services/qd422/09")
    assert (unknown.status_code, unknown.json["code"]) == (404, "essential_service_unknown")


def test_the_counts(lists: Api) -> None:
    assert lists.public("/essential-services/summary").json == {
        "lists": [
            {
                "list": "project06", "total": 2, "provincial": 2, "deployed": 2, "waiting": 0, "national": 0,
                "partial": 1, "full": 1,
            },
            {
                "list": "qd422", "total": 3, "provincial": 2, "deployed": 1, "waiting": 1, "national": 1,
                "partial": 0, "full": 1,
            },
        ],
        "total": 5, "provincial": 4, "deployed": 3, "waiting": 1, "national": 1,
    }  # fmt: skip


def test_a_waiting_service_is_deployed_when_the_ministry_is_ready(lists: Api) -> None:
    changed = lists.put("/essential-services/qd422/01", DEPLOYED | {"since": "2024-06-01"}, match=1)
    assert (changed.status_code, changed.json["waiting_for"], changed.json["version"]) == (200, None, 2)
    assert lists.public("/essential-services/summary").json["waiting"] == 0
    assert lists.put("/essential-services/qd422/01", WAITING, match=1).status_code == 412
    assert lists.put("/essential-services/qd422/01", WAITING).status_code == 428
    first = lists.put("/essential-services/qd422/04", WAITING, key="again")
    assert lists.put("/essential-services/qd422/04", WAITING, key="again").data == first.data
    wrong = lists.put("/essential-services/qd422/04", DEPLOYED | {"procedures": ["9.999999"]}, key="w")
    assert wrong.json["errors"][0]["pointer"] == "/procedures/0"
    assert lists.public("/essential-services/qd422/05", "PUT").status_code == 401


def test_every_change_is_told(lists: Api, catalog_store: CatalogStore) -> None:
    lists.put("/essential-services/qd422/01", DEPLOYED | {"since": "2024-06-01"}, match=1)
    stored = catalog_store.essentials.services.collection.find_one({"_id": "qd422/01"})
    assert stored is not None
    told = [json.loads(entry["body"]) for entry in stored["outbox"]]
    assert [(each["type"], each["subject"], each["sequence"]) for each in told] == [
        ("catalog.essential.changed.v1", "qd422/01", 1),
        ("catalog.essential.changed.v1", "qd422/01", 2),
    ]
    states = [(each["data"]["service"]["state"], each["data"]["service"]["since"]) for each in told]
    assert states == [("waiting", None), ("deployed", "2024-06-01")]
    # A service that is new is told the last one again.
    again = {event.id: json.loads(event.body) for event in catalog_store.published("essentials")}
    assert again["catalog.essential:qd422/01:2"] == told[1]
    # What was never told, since it is older than the telling, is not made up.
    catalog_store.essentials.services.collection.update_one({"_id": "qd422/02"}, {"$set": {"doc_sequence": 0}})
    assert again.keys() - {event.id for event in catalog_store.published("essentials")} == {
        "catalog.essential:qd422/02:1"
    }


def test_the_samples_lists_are_taken_as_they_are(api: Api, catalog_store: CatalogStore) -> None:
    """In the proportions that were published for August 2024: 25 of 25, and 3 of 9 with 6 that wait."""
    made = [domain.publish(None, procedure(code=code, local_code=None)) for code in sorted(SAMPLE_PROCEDURES)]
    catalog_store.procedures.add([new_version(version, NOW, "x", None, None) for version in made])
    for service in province.essentials():
        path = f"/essential-services/{service['list']}/{service['id']}"
        sent = {name: value for name, value in service.items() if name not in ("list", "id")}
        answer = api.put(path, sent, key=path)
        assert answer.status_code == 201, answer.text
        assert service.items() <= answer.json.items()
    lists = {each["list"]: each for each in api.public("/essential-services/summary").json["lists"]}
    assert (lists["project06"]["deployed"], lists["project06"]["total"]) == (25, 25)
    assert [lists["qd422"][word] for word in ("provincial", "deployed", "waiting")] == [9, 3, 6]
