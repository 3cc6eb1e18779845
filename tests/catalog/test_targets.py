"""Targets per agency, indicator and year."""

import json
from typing import Any

import pytest

from catalog.domain import Alias
from catalog.store import CatalogStore
from tests.catalog.callers import Api
from tests.catalog.making import agency, body

TARGETS = {"decision": "QĐ 4216/QĐ-UBND", "indicators": {"online_share": 80, "on_time_share": 99.5}}
PATH = "/targets/H56.14/2024"


@pytest.fixture
def offices(api: Api) -> Api:
    for id in ("H56.14", "H56.02"):
        made = agency(id, aliases=(Alias(id="000.17.H56"),) if id == "H56.14" else ())
        assert api.put(f"/agencies/{id}", body(made), key=id).status_code == 201
    return api


def test_targets_are_assigned_and_changed(offices: Api) -> None:
    assert offices.public(PATH).json["code"] == "targets_unknown"
    first = offices.put(PATH, TARGETS, key="a")
    assert (first.status_code, first.headers["ETag"]) == (201, '"1"')
    assert first.json == TARGETS | {"demands": {}, "agency": "H56.14", "year": 2024, "version": 1}
    assert offices.put(PATH, TARGETS, key="a").data == first.data
    changed = offices.put(PATH, TARGETS | {"indicators": {"online_share": 85}}, match=1)
    assert (changed.status_code, changed.json["indicators"]) == (200, {"online_share": 85})
    assert offices.put(PATH, TARGETS, match=1).status_code == 412
    assert offices.put(PATH, TARGETS).status_code == 428
    assert offices.public(PATH).json == changed.json
    assert offices.public("/targets/H56.14/2025").status_code == 404
    assert offices.public("/targets/H56.02/2024").status_code == 404


def test_every_change_is_told(offices: Api, catalog_store: CatalogStore) -> None:
    offices.put(PATH, TARGETS, key="a")
    offices.put(PATH, TARGETS | {"indicators": {}}, key="b")
    stored = catalog_store.targets.targets.collection.find_one({"_id": "H56.14/2024"})
    assert stored is not None
    events = [json.loads(entry["body"]) for entry in stored["outbox"]]
    assert [(event["type"], event["subject"], event["sequence"]) for event in events] == [
        ("catalog.target.set.v1", "H56.14/2024", 1),
        ("catalog.target.set.v1", "H56.14/2024", 2),
    ]
    assert events[0]["data"] == TARGETS | {"demands": {}, "agency": "H56.14", "year": 2024}
    # A service that is new is told the last one again, as it was told first.
    [again] = catalog_store.published("targets")
    assert json.loads(again.body) == events[1]


def test_a_demand_is_assigned_as_a_number_of_dossiers(offices: Api, catalog_store: CatalogStore) -> None:
    demands = {"demand_level_3": 252_680, "demand_level_4": 6_850}
    assert offices.put(PATH, TARGETS | {"demands": demands}, key="a").json["demands"] == demands
    assert offices.public(PATH).json["demands"] == demands
    [told] = catalog_store.published("targets")
    assert json.loads(told.body)["data"]["demands"] == demands


def test_an_alias_is_as_good_as_the_identifier(offices: Api) -> None:
    assert offices.put("/targets/000.17.H56/2024", TARGETS, key="a").json["agency"] == "H56.14"
    assert offices.public(PATH).status_code == 200
    assert offices.public("/targets/000.17.H56/2024").json == offices.public(PATH).json
    nobody = offices.put("/targets/H56.99/2024", TARGETS, key="b")
    assert (nobody.status_code, nobody.json["code"]) == (404, "agency_unknown")


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": " "},
        {"indicators": {"online_share": 101}},
        {"indicators": {"online_share": -0.1}},
        {"indicators": {"online_share": "NaN"}},
        {"indicators": {"Online share": 1}},
        {"indicators": {"a.b": 1}},
        {"indicators": {"$where": 1}},
        {"indicators": {f"i{n}": 1 for n in range(101)}},
        {"demands": {"demand_level_3": 0}},
        {"demands": {"demand_level_3": 1.5}},
        {"demands": {"Level 3": 1}},
        {"demands": {"demand_level_3": 1_000_000_001}},
        {"demands": {f"i{n}": 1 for n in range(101)}},
        {"colour": 1},
    ],
)
def test_wrong_targets_are_refused(offices: Api, wrong: dict[str, Any]) -> None:
    answer = offices.put(PATH, TARGETS | wrong, key="a")
    assert answer.status_code == 422
    assert answer.json["errors"]
    assert offices.public(PATH).status_code == 404


def test_a_year_is_a_year(offices: Api) -> None:
    for year in ("24", "2024x", "1066", "\u0662\u0660\u0662\u0666"):
        answer = offices.put(f"/targets/H56.14/{year}", TARGETS, key="a")
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/year")


def test_a_years_targets_are_listed_by_agency(offices: Api) -> None:
    for path in ("H56.14/2024", "H56.02/2024", "H56.02/2025"):
        assert offices.put(f"/targets/{path}", TARGETS, key=path).status_code == 201

    def found(query: str) -> list[str]:
        return [item["agency"] for item in offices.public(f"/targets?{query}").json["items"]]

    assert found("year=2024") == ["H56.02", "H56.14"]
    assert found("year=2025") == ["H56.02"]
    first = offices.public("/targets?year=2024&limit=1").json
    assert found(f"year=2024&limit=1&cursor={first['next']}") == ["H56.14"]
    assert offices.public("/targets").status_code == 422
