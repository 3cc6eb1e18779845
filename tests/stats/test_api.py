"""Who may ask for the counts, and how the answers look."""

from typing import Any

import pytest
from openapi_spec_validator import validate

from chassis import openapi
from chassis.service import described
from stats.main import STATS
from stats.schemas.counts import Counts
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import Life, at, messages
from tests.support.services import Running

RECEIVED = at("2024-08-20 10:00")
LIFE = Life(id="d1", filed_at=at("2024-08-20 09:00"), received_at=RECEIVED, due_at=at("2024-08-22 17:00"))


@pytest.fixture
def served(served: Running, taking: Taking) -> Running:
    taking.take(messages(LIFE.events()))
    return served


def test_counts_have_the_public_shape(served: Running) -> None:
    answer = served.get("counts?by=agency,month&from=2024-08-01&to=2024-09-01&agency=H56&subtree=true", "leader")
    assert answer.status_code == 200
    body = answer.get_json()
    assert body == {
        "items": [
            {
                "agency": "H56.14",
                "agency_name": "Cơ quan H56.14",
                "month": "2024-08",
                "received": {"online": 1, "counter": 0, "post": 0, "total": 1},
                "carried_over": 0,
                "finished": {"early": 0, "on_time": 0, "late": 0, "total": 0},
                "open": {"within": 0, "overdue": 1, "total": 1},
                "waiting": 0,
                "supplement": 0,
                "paused": 0,
                "stopped": 0,
                "supplement_requests": 0,
                "second_supplements": 0,
                "extensions": 0,
                "apologies": 0,
                "withdrawn": 0,
                "withdrawn_waiting": 0,
                "refused": 0,
                "handed_over": 0,
                "digitised": 0,
                "reused": 0,
                "paid": 0,
                "paid_online": 0,
                "electronic_results": 0,
                "digitised_results": 0,
                "rated": 0,
                "satisfied": 0,
                "document_lookups": 0,
            }
        ],
        "next": None,
        "as_of": "2024-11-20T03:00:00Z",
    }
    Counts.model_validate(body)


def test_without_parameters_it_is_the_current_year_in_one_row(served: Running) -> None:
    [item] = served.get("counts", "leader").get_json()["items"]
    assert item["received"]["total"] == 1
    assert served.get("counts?from=2025-01-01", "leader").get_json()["items"][0]["received"]["total"] == 0
    assert served.get("counts?to=2025-01-01", "leader").get_json()["items"][0]["received"]["total"] == 1


@pytest.mark.parametrize("path", ["counts", "recount"])
def test_only_who_may_read_statistics_does(served: Running, path: str) -> None:
    assert served.get(path).status_code == 401
    answer = served.get(path, "citizen")
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "forbidden"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("by=agency,colour", "/by"),
        ("by=month,month", "/by"),
        ("from=yesterday", "/from"),
        ("from=2024-02-30", "/from"),
        ("to=9999-12-31", "/to"),
        ("from=0001-01-01", "/from"),
        ("subtree=perhaps", "/subtree"),
        ("agenci=H56", "/agenci"),
    ],
)
def test_a_wrong_parameter_is_named(served: Running, query: str, pointer: str) -> None:
    answer = served.get(f"counts?{query}", "leader")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


@pytest.mark.parametrize("query", ["from=2024-08-02&to=2024-08-02", "by=month&from=1990-01-01&to=2024-01-01"])
def test_a_period_must_begin_before_it_ends_and_months_have_a_limit(served: Running, query: str) -> None:
    answer = served.get(f"counts?{query}", "leader")
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "period_invalid"


def test_an_agency_that_nobody_knows_has_no_dossiers(served: Running) -> None:
    [item] = served.get("counts?agency=%24where&subtree=true", "leader").get_json()["items"]
    assert item["received"]["total"] == 0


def test_the_openapi_document_is_valid() -> None:
    document: dict[str, Any] = openapi.document(described(STATS), "1")
    validate(document)
    parameters = document["paths"]["/api/stats/v1/counts"]["get"]["parameters"]
    assert {each["name"] for each in parameters} == {
        *("agency", "subtree", "field", "procedure", "channel", "service_level"),
        *("from", "to", "as_of", "by", "links"),
    }


def test_stats_has_nothing_to_relay(stats: StatsStore, served: Running) -> None:
    assert served.told() == []
