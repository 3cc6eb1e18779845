"""The contract of the feed's events, and what is said of agencies that fall behind."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from stats.domain.feed import measured, published, raised
from stats.events import FEED, Words
from stats.queries.counts import Queries
from stats.store import StatsStore
from stats.store.feed import Seen
from stats.usecases import feed as feeding
from stats.usecases.events import Taking
from stats.usecases.feed import CountsOfMonths, Feeding
from stats.usecases.watching import AgenciesBehind
from tests.stats.making import Life, at, event, messages
from tests.support import samples
from tests.support.services import Clock

LIFE = Life(
    id="d1",
    filed_at=at("2024-11-18 09:00"),
    received_at=at("2024-11-18 10:00"),
    due_at=at("2024-11-22 17:00"),
    finished_at=at("2024-11-19 15:00"),
)


def test_each_event_is_the_sample_of_its_type(stats: StatsStore, taking: Taking, clock: Clock) -> None:
    taking.take(messages(LIFE.events()))
    Feeding(stats, [CountsOfMonths(stats, Queries(stats))], clock).round()
    late = Words(vi="Sở Tư pháp: 30 trong 120 hồ sơ đang giải quyết đã quá hạn.", en="30 of 120 are overdue.")
    url = "https://motcua.example/api/stats/v1/reports/06a.pdf?agency=H56&month=2024-10"
    more = [
        measured("online_share", "H56.14", "2024", 75, 408, clock()),
        raised("overdue_share", "H56.14", "2024-11", {"overdue": 30, "open": 120}, late, clock()),
        published("06a", "H56", "2024-10", revision=1, sha256="ab" * 32, url=url, at=clock()),
    ]
    stats.feed.say(more, Seen(1, "2024-11-20", 0), clock())
    bodies = [entry.body.encode() for entry in stats.feed.after(0, stats.feed.end(), 100)]
    samples.check_each(FEED, bodies)
    for body in bodies:
        sdk = JSONFormat().read(CloudEvent, body)
        assert sdk.get_extension("cursor") == json.loads(body)["cursor"]


@pytest.fixture
def alerts(stats: StatsStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """What has been said of agencies that fall behind, after another look."""
    monkeypatch.setattr(feeding, "NOW_AND_THEN_SECONDS", 0.0)
    worker = Feeding(stats, [], clock, [AgenciesBehind(stats, Queries(stats))])

    def look() -> list[dict[str, Any]]:
        worker.round()
        return [json.loads(entry.body)["data"] for entry in stats.feed.after(0, stats.feed.end(), 100)]

    return look


def test_an_agency_is_told_of_when_too_much_is_overdue_and_once_a_month(
    taking: Taking, alerts: Callable[[], list[dict[str, Any]]], clock: Clock
) -> None:
    def open_ones(count: int, due: str, first: int) -> None:
        still = replace(LIFE, finished_at=None, due_at=at(due))
        lives = [replace(still, id=f"d{n}", agency="H56.07") for n in range(first, first + count)]
        taking.take(messages(each for life in lives for each in life.events()))

    open_ones(18, "2024-12-20 17:00", 0)
    open_ones(1, "2024-11-19 17:00", 18)
    assert alerts() == []
    open_ones(1, "2024-11-19 17:00", 19)
    # Two of twenty are exactly a tenth.
    assert alerts() == []
    open_ones(1, "2024-11-19 17:00", 20)
    [told] = alerts()
    assert (told["kind"], told["agency"], told["period"]) == ("overdue_share", "H56.07", "2024-11")
    assert told["numbers"] == {"overdue": 3, "open": 21}
    assert told["words"]["vi"] == "Cơ quan H56.07: 3 trong 21 hồ sơ đang giải quyết đã quá hạn."
    open_ones(9, "2024-11-19 17:00", 21)
    assert len(alerts()) == 1
    clock.set("2024-12-01 00:10")
    assert [each["period"] for each in alerts()] == ["2024-11", "2024-12"]


def test_an_agency_without_dossiers_is_told_of_when_the_month_is_over(
    taking: Taking, alerts: Callable[[], list[dict[str, Any]]], clock: Clock
) -> None:
    for agency in ("H56.14", "H56.15"):
        known: dict[str, Any] = {
            "id": agency,
            "name": f"Sở {agency}",
            "parent": "H56",
            "level": "province",
            "one_stop": True,
        }
        known |= {"valid_from": "2020-01-01", "valid_to": None, "aliases": [], "working_hours": None}
        changed = event("catalog.agency.changed.v1", agency, 1, at("2024-01-01 08:00"), {"agency": known})
        taking.take(messages([changed]))
    assert alerts() == []
    taking.take(messages(LIFE.events()))
    clock.set("2024-12-01 00:10")
    found = [(each["kind"], each["agency"], each["period"]) for each in alerts()]
    assert found == [("agency_without_dossiers", "H56.15", "2024-11")]
