"""The counts in every way in which they can be asked for, against the same lives added up by hand."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from stats.queries import counts
from stats.queries.counts import Queries, TooManyRows, Wanted
from stats.queries.periods import PeriodInvalid
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import Life, at, event, many, messages
from tests.stats.test_queries import LIVES, NOW, by_hand, identities
from tests.support.services import Clock, Running


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def queries(stats: StatsStore, clock: Clock) -> Queries:
    Taking(stats, clock).take(messages(made for life in LIVES for made in life.events()))
    return Queries(stats)


def plain(item: dict[str, Any]) -> dict[str, Any]:
    names = ("agency", "agency_name", "field", "procedure", "channel", "service_level", "month", "day")
    return {name: value for name, value in item.items() if name not in names}


def test_every_filter_narrows_to_what_it_says_and_they_narrow_together(queries: Queries) -> None:
    start, end = date(2024, 7, 10), date(2024, 10, 5)
    filters: Sequence[dict[str, Any]] = (
        {"field": "F1"},
        {"procedure": "1.012784"},
        {"channel": "online"},
        {"service_level": 3},
        {"service_level": "partial", "channel": "counter"},
        {"agency": "H56.15", "procedure": "1.012784", "channel": "online"},
        {"procedure": "9.999999"},
    )
    for wanted in filters:
        mine = [life for life in LIVES if all(getattr(life, name) == value for name, value in wanted.items())]
        [item] = queries.counts(Wanted(start=start, end=end, **wanted), NOW)
        assert plain(item) == by_hand(mine, start, end), wanted
        by_month = queries.counts(Wanted(start=start, end=end, by=("month",), **wanted), NOW)
        assert sum(row["received"]["total"] for row in by_month) == item["received"]["total"]


def test_each_day_opens_with_what_the_one_before_closed_with(queries: Queries) -> None:
    start, end = date(2024, 8, 28), date(2024, 9, 5)
    rows = queries.counts(Wanted(start=start, end=end, by=("agency", "day")), NOW)
    for agency in ("H56.14", "H56.15", "H56.15.03"):
        mine = [life for life in LIVES if life.agency == agency]
        days = {row["day"]: row for row in rows if row["agency"] == agency}
        for n in range((end - start).days):
            day = start + timedelta(days=n)
            hand = by_hand(mine, day, day + timedelta(days=1))
            assert plain(days[str(day)]) == hand, day
            identities(days[str(day)])


def test_who_asks_for_days_and_months_gets_the_day_s_month(queries: Queries) -> None:
    rows = queries.counts(Wanted(start=date(2024, 8, 30), end=date(2024, 9, 3), by=("month", "day")), NOW)
    assert [(row["month"], row["day"]) for row in rows] == [
        ("2024-08", "2024-08-30"),
        ("2024-08", "2024-08-31"),
        ("2024-09", "2024-09-01"),
        ("2024-09", "2024-09-02"),
    ]


def test_days_to_come_have_no_row_and_the_last_one_is_as_of_now(queries: Queries) -> None:
    rows = queries.counts(Wanted(start=date(2024, 11, 18), end=date(2024, 12, 1), by=("day",)), NOW)
    assert [row["day"] for row in rows] == ["2024-11-18", "2024-11-19", "2024-11-20"]
    assert plain(rows[-1]) == by_hand(LIVES, date(2024, 11, 20), date(2024, 11, 21))


# -- as known on an earlier day ----------------------------------------------------------------------------------------


def test_what_was_known_on_an_earlier_day_stays_what_it_was(stats: StatsStore, clock: Clock) -> None:
    """Late news change the past as it is known now, and not what was known then."""
    taking, queries = Taking(stats, clock), Queries(stats)
    lives = many(60, at("2024-08-01 08:00"), 60, ("H56.14", "H56.15"), ("1.001193",))
    events = [(made, datetime.fromisoformat(made["time"])) for life in lives for made in life.events()]
    wanted = Wanted(start=date(2024, 8, 1), end=date(2024, 10, 1), by=("agency", "month"))
    known: dict[date, list[dict[str, Any]]] = {}
    for day in (date(2024, 9, 2), date(2024, 9, 20), date(2024, 10, 25)):
        clock.now = at(f"{day} 16:00")
        told = [made for made, time in events if time <= clock.now]
        # Every fifth is late by weeks.
        taking.take(messages(made for n, made in enumerate(told) if n % 5 or day.month == 10))
        known[day] = queries.counts(wanted, clock.now)
    clock.now = at("2024-11-20 10:00")
    for day, rows in known.items():
        asked = Wanted(start=wanted.start, end=wanted.end, by=wanted.by, as_of=day)
        assert queries.counts(asked, clock.now) == rows, day
    assert len({str(rows) for rows in known.values()}) == 3
    early = Wanted(start=wanted.start, end=wanted.end, as_of=date(2024, 8, 31))
    [nothing] = queries.counts(early, clock.now)
    assert not any(value for value in plain(nothing).values() if isinstance(value, int))


def test_the_answer_says_as_of_when(served: Running, queries: Queries, clock: Clock) -> None:
    assert served.get("counts", "leader").get_json()["as_of"] == "2024-11-20T03:00:00Z"
    assert served.get("counts?as_of=2024-11-20", "leader").get_json()["as_of"] == "2024-11-20T03:00:00Z"
    assert served.get("counts?as_of=2024-11-30", "leader").get_json()["as_of"] == "2024-11-20T03:00:00Z"
    earlier = served.get("counts?as_of=2024-11-18", "leader").get_json()
    assert earlier["as_of"] == "2024-11-18T17:00:00Z"
    assert earlier["items"][0]["received"]["total"] == 0, "everything came on the 20th"


# -- agencies ----------------------------------------------------------------------------------------------------------


def test_what_was_filed_before_a_reorganisation_stays_where_it_was(stats: StatsStore, clock: Clock) -> None:
    """1 July 2025: the communes of a district become one of the province. Each dossier counts for the agency that it
    was filed with; the successor begins with nothing, and the province has both."""
    clock.now = at("2025-08-15 09:00")

    def told(
        sequence: int, id: str, parent: str | None, valid_from: str | None, valid_to: str | None
    ) -> dict[str, Any]:
        data = {"id": id, "name": id, "level": "commune", "parent": parent, "kind": "commune", "one_stop": True}
        days: dict[str, Any] = {"valid_from": valid_from, "valid_to": valid_to, "inherited_levels": []}
        return event("catalog.agency.changed.v1", id, sequence, clock.now, {"agency": {**data, **days}})

    tree = [
        told(1, "H56", None, "2019-01-01", None),
        told(2, "H56.40", "H56", "2019-01-01", "2025-07-01"),
        told(2, "H56.40.01", "H56.40", "2019-01-01", "2025-07-01"),
        told(1, "H56.60", "H56", "2025-07-01", None),
    ]
    before = Life(id="before", agency="H56.40.01", channel="post", filed_at=at("2025-06-20 09:00"),
                  received_at=at("2025-06-20 09:00"))  # fmt: skip
    after = Life(id="after", agency="H56.60", channel="post", filed_at=at("2025-07-02 09:00"),
                 received_at=at("2025-07-02 09:00"))  # fmt: skip
    Taking(stats, clock).take(messages([*tree, *before.events(), *after.events()]))

    def received(agency: str, **more: Any) -> tuple[int, int]:
        [item] = Queries(stats).counts(Wanted(agency=agency, subtree=True, **more), clock.now)
        identities(item)
        return item["received"]["total"], item["open"]["total"]

    assert received("H56") == (2, 2)
    assert received("H56.40") == received("H56.40.01") == received("H56.60") == (1, 1)
    assert received("H56.60", end=date(2025, 7, 1)) == (0, 0)


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_list_of_days_and_the_rows_of_an_answer_have_a_limit(
    queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PeriodInvalid, match="at most 400 days"):
        queries.counts(Wanted(start=date(2023, 1, 1), end=date(2024, 6, 1), by=("day",)), NOW)
    asked = Wanted(by=("agency", "procedure", "month"))
    rows = len(queries.counts(asked, NOW))
    monkeypatch.setattr(counts, "MAX_ROWS", rows)
    assert len(queries.counts(asked, NOW)) == rows
    with monkeypatch.context() as narrow:
        narrow.setattr(counts, "MAX_FLOWS", rows - 1)
        with pytest.raises(TooManyRows):
            queries.counts(asked, NOW)
    monkeypatch.setattr(counts, "MAX_ROWS", rows - 1)
    with pytest.raises(TooManyRows, match=f"more than {rows - 1} rows"):
        queries.counts(asked, NOW)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("channel=fax", "/channel"),
        ("service_level=0", "/service_level"),
        ("service_level=whole", "/service_level"),
        ("as_of=2024-13-01", "/as_of"),
        ("as_of=0001-01-01", "/as_of"),
        ("links=perhaps", "/links"),
        ("by=day,day", "/by"),
        ("procedure=" + "1" * 101, "/procedure"),
    ],
)
def test_a_wrong_parameter_is_named(served: Running, query: str, pointer: str) -> None:
    answer = served.get(f"counts?{query}", "leader")
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
