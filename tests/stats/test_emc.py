"""What EMC pulls, in its own words."""

from typing import Any

import pytest

from stats.schemas.emc import EmcPage
from stats.usecases.events import Taking
from tests.stats.making import Life, at, messages
from tests.stats.monitoring import MONITOR
from tests.support.services import Clock, Running, pointers, problem

DAY = at("2024-08-20 10:00")


def lives() -> list[Life]:
    return [
        Life(id="a", filed_at=DAY, received_at=DAY, finished_at=at("2024-08-22 10:00")),
        Life(id="b", filed_at=DAY, received_at=DAY),
        Life(id="c", filed_at=DAY, refused_at=at("2024-08-21 10:00")),
        Life(id="d", filed_at=DAY, channel="counter", received_at=DAY),
        Life(id="e", filed_at=DAY, channel="post", received_at=DAY, withdrawn_at=at("2024-09-02 10:00")),
        # Of a service that nobody provides online, EMC is told nothing.
        Life(id="f", filed_at=DAY, channel="counter", received_at=DAY, service_level=2, procedure="1.000009"),
        Life(id="g", filed_at=DAY, received_at=DAY, service_level="partial", procedure="1.000002"),
        Life(id="h", filed_at=DAY, received_at=DAY, service_level=3, procedure="1.000002", agency="H56.02"),
        Life(id="i", filed_at=at("2024-07-01 09:00"), received_at=at("2024-07-01 10:00"), agency="H56.02"),
    ]


@pytest.fixture
def served(served: Running, taking: Taking) -> Running:
    taking.take(messages(each for life in lives() for each in life.events()))
    return served


def pull(served: Running, query: str = "from=2024-08-01&to=2024-09-01") -> dict[str, Any]:
    answer = served.get(f"emc/services?{query}", MONITOR)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body: dict[str, Any] = answer.get_json()
    EmcPage.model_validate({**body, "start": body["from"], "end": body["to"]})
    return body


def row(item: dict[str, Any]) -> tuple[Any, ...]:
    return (
        item["siteId"], item["codeTTHC"], item["level"], item["formsReception"],
        tuple(item["status"][name] for name in ("other", "received", "inProcess", "done")), item["isDVCBC"],
    )  # fmt: skip


EXPECTED = [
    ("H56.02", "1.000002", 3, 1, (0, 1, 1, 0), 0),
    ("H56.02", "1.001193", 4, 1, (0, 0, 1, 0), 0),
    ("H56.14", "1.000002", 3, 1, (0, 1, 1, 0), 0),
    ("H56.14", "1.001193", 4, 1, (1, 2, 1, 1), 0),
    ("H56.14", "1.001193", 4, 2, (0, 2, 2, 0), 1),
]


def test_each_service_of_each_site_has_its_numbers(served: Running) -> None:
    body = pull(served)
    assert [row(item) for item in body["items"]] == EXPECTED
    assert (body["from"], body["to"], body["next"]) == ("2024-08-01", "2024-09-01", None)
    assert (body["items"][0]["nameTTHC"], body["items"][0]["formsPayments"]) == ("", {"online": 0, "direct": 0})


def test_what_is_in_process_is_so_at_the_end_of_the_period_or_now(served: Running, clock: Clock) -> None:
    found = {row(item)[:4]: row(item)[4] for item in pull(served, "from=2024-09-01&to=2025-01-01")["items"]}
    assert found["H56.14", "1.001193", 4, 2] == (1, 0, 1, 0)
    assert found["H56.02", "1.001193", 4, 1] == (0, 0, 1, 0)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_hold_every_item_once(served: Running, limit: int) -> None:
    found, cursor = [], ""
    for _ in range(6):
        body = pull(served, f"from=2024-08-01&to=2024-09-01&limit={limit}{cursor}")
        found += [row(item) for item in body["items"]]
        if body["next"] is None:
            break
        cursor = f"&cursor={body['next']}"
    assert found == EXPECTED


def test_one_site_is_asked_for(served: Running) -> None:
    items = pull(served, "from=2024-08-01&to=2024-09-01&siteId=H56.02")["items"]
    assert [row(item) for item in items] == EXPECTED[:2]
    assert pull(served, "siteId=%24where")["items"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("from=1000-01-01", "/from"), ("limit=0", "/limit"), ("siteid=H56", "/siteid"), ("cursor=abc", "/cursor")],
)
def test_a_wrong_parameter_is_named(served: Running, query: str, pointer: str) -> None:
    assert [each for each, _ in pointers(served.get(f"emc/services?{query}", MONITOR))] == [pointer]


def test_only_monitoring_systems_pull(served: Running) -> None:
    problem(served.get("emc/services"), 401)
    problem(served.get("emc/services", "leader"), 403)
    problem(served.get("emc/services?from=2024-02-01&to=2024-01-01", MONITOR), 422, "period_invalid")
