"""The numbers as they are asked for, against the same numbers added up by hand."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stats.queries.counts import Queries, Wanted
from stats.schemas.counts import CountsItem
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import LOCAL, Life, at, event, many, messages, naive_cells, naive_stock

AGENCIES = ("H56.14", "H56.15", "H56.15.03")
PROCEDURES = ("1.001193", "1.012784", "2.000815")
NOW = at("2024-11-20 10:00")
LIVES = many(240, at("2024-06-01 08:00"), 160, AGENCIES, PROCEDURES)


@pytest.fixture
def queries(stats: StatsStore, taking: Taking) -> Queries:
    taking.take(messages(made for life in LIVES for made in life.events()))
    return Queries(stats)


BESIDES = (
    *("second_supplements", "extensions", "apologies", "reused", "paid", "paid_online", "electronic_results"),
    *("digitised_results", "rated", "satisfied"),
)


def by_hand(lives: Sequence[Life], start: date, end: date, now: datetime = NOW) -> dict[str, Any]:
    flows: dict[str, int] = {}
    channels = dict.fromkeys(("online", "counter", "post"), 0)
    for key, counted in naive_cells(lives).items():
        if str(start) <= key[5] < str(end):
            for name, count in counted.items():
                flows[name] = flows.get(name, 0) + count
            channels[key[3]] += counted.get("received", 0)
    today = str(now.astimezone(LOCAL).date())
    stock = naive_stock(lives, str(end), today)
    finished = {timing: flows.get(f"finished_{timing}", 0) for timing in ("early", "on_time", "late")}
    return {
        "received": {**channels, "total": flows.get("received", 0)},
        "carried_over": naive_stock(lives, str(start), today).open,
        "finished": {**finished, "total": sum(finished.values())},
        "open": {"within": stock.open - stock.overdue, "overdue": stock.overdue, "total": stock.open},
        "waiting": stock.waiting,
        "refused": flows.get("refused", 0),
        "handed_over": flows.get("handed_over", 0),
        "digitised": flows.get("digitised", 0),
        "withdrawn": flows.get("withdrawn", 0),
        "withdrawn_waiting": flows.get("withdrawn_waiting", 0),
        "supplement": stock.supplement,
        "paused": stock.paused,
        "stopped": flows.get("stopped", 0),
        "supplement_requests": flows.get("supplement_requests", 0),
        **{name: flows.get(name, 0) for name in BESIDES},
        "document_lookups": 0,
    }


def identities(item: dict[str, Any]) -> None:
    """domain.md, "Indicators"."""
    received, finished, still = item["received"], item["finished"], item["open"]
    assert received["total"] == received["online"] + received["counter"] + received["post"]
    assert finished["total"] == finished["early"] + finished["on_time"] + finished["late"]
    assert still["total"] == still["within"] + still["overdue"]
    withdrawn = item["withdrawn"] - item["withdrawn_waiting"]
    ended = finished["total"] + item["stopped"] + withdrawn
    assert item["carried_over"] + received["total"] == ended + still["total"]
    assert 0 <= item["supplement"] + item["paused"] <= still["total"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (None, None),
        ("2024-06-01", "2024-07-01"),
        ("2024-08-13", "2024-08-14"),
        ("2024-09-01", "2025-01-01"),
        ("2024-11-20", "2024-11-21"),
        ("2019-01-01", "2019-02-01"),
    ],
)
def test_a_period_is_as_counted_by_hand(queries: Queries, start: str | None, end: str | None) -> None:
    days = (start and date.fromisoformat(start), end and date.fromisoformat(end))
    [item] = queries.counts(Wanted(start=days[0] or None, end=days[1] or None), NOW)
    assert item == by_hand(LIVES, days[0] or date(2024, 1, 1), days[1] or date(2025, 1, 1))
    identities(item)
    CountsItem.model_validate(item)


@pytest.mark.parametrize("by", ["agency", "field", "procedure", "channel", "service_level"])
def test_each_dimension_is_as_counted_by_hand(queries: Queries, by: str) -> None:
    start, end = date(2024, 8, 1), date(2024, 10, 1)
    items = queries.counts(Wanted(start=start, end=end, by=(by,)), NOW)
    assert [item[by] for item in items] == sorted({getattr(life, by) for life in LIVES}, key=str)
    for item in items:
        mine = [life for life in LIVES if getattr(life, by) == item[by]]
        assert {**by_hand(mine, start, end), by: item[by]} == {k: v for k, v in item.items() if k != "agency_name"}
        identities(item)


def test_each_month_opens_with_what_the_one_before_closed_with(queries: Queries) -> None:
    items = queries.counts(Wanted(start=date(2024, 6, 15), end=date(2025, 1, 1), by=("channel", "month")), NOW)
    assert {item["month"] for item in items} == {f"2024-{month:02}" for month in range(6, 12)}
    for channel in ("online", "counter", "post"):
        months = [item for item in items if item["channel"] == channel]
        mine = [life for life in LIVES if life.channel == channel]
        for item, following in zip(months, [*months[1:], None], strict=True):
            year, month = map(int, item["month"].split("-"))
            first, after = date(year, month, 1), (date(year, month, 1) + timedelta(days=32)).replace(day=1)
            hand = by_hand(mine, max(first, date(2024, 6, 15)), after)
            assert {**hand, "month": item["month"], "channel": channel} == item
            assert following is None or following["carried_over"] == item["open"]["total"]
            identities(item)


def test_all_are_waiting_in_process_withdrawn_or_finished(queries: Queries) -> None:
    """domain.md: all = waiting + in process + withdrawn + finished; what is refused was never received."""
    [item] = queries.counts(Wanted(start=date(2019, 1, 1), end=date(2025, 1, 1)), NOW)
    assert item["withdrawn"] > item["withdrawn_waiting"] > 0
    assert min(item["stopped"], item["supplement"], item["paused"]) > 0
    counted = item["waiting"] + item["open"]["total"] + item["withdrawn"] + item["finished"]["total"] + item["refused"]
    assert counted + item["stopped"] == len(LIVES)


def test_an_agency_alone_and_with_what_is_below_it(stats: StatsStore, queries: Queries) -> None:
    def received(agency: str, subtree: bool) -> int:
        [item] = queries.counts(Wanted(agency=agency, subtree=subtree), NOW)
        identities(item)
        total: int = item["received"]["total"]
        return total

    def of(*agencies: str) -> int:
        return sum(1 for life in LIVES if life.received_at and life.agency in agencies)

    assert received("H56.15", False) == of("H56.15")
    assert received("H56.15", True) == of("H56.15", "H56.15.03")
    assert received("H56", True) == of(*AGENCIES)
    assert received("H56.1", True) == 0


def agency_changed(sequence: int, id: str, name: str, parent: str | None) -> dict[str, Any]:
    data = {"agency": {"id": id, "name": name, "level": "commune", "parent": parent}}
    return event("catalog.agency.changed.v1", id, sequence, NOW, data)


def test_catalog_decides_about_parents_and_names_whenever_it_tells(
    stats: StatsStore, taking: Taking, queries: Queries
) -> None:
    [unit] = [item for item in queries.counts(Wanted(by=("agency",)), NOW) if item["agency"] == "H56.15.03"]
    assert unit["agency_name"] == "Cơ quan H56.15.03"
    taking.take(messages([agency_changed(7, "H56.15.03", "Xã Đông Tiến", "H56.14")]))
    taking.take(messages([agency_changed(6, "H56.15.03", "Xã Cũ", "H56.15")]))
    taking.take(messages(Life(id="new", agency="H56.15.03", filed_at=NOW).events()))
    [unit] = [item for item in queries.counts(Wanted(by=("agency",)), NOW) if item["agency"] == "H56.15.03"]
    assert unit["agency_name"] == "Xã Đông Tiến"
    [below] = queries.counts(Wanted(agency="H56.14", subtree=True), NOW)
    [alone] = queries.counts(Wanted(agency="H56.14"), NOW)
    assert below["received"]["total"] == alone["received"]["total"] + unit["received"]["total"]


def test_a_circle_of_parents_ends(stats: StatsStore, taking: Taking, queries: Queries) -> None:
    taking.take(messages([agency_changed(1, "H56.14", "A", "H56.15"), agency_changed(1, "H56.15", "B", "H56.14")]))
    assert len(queries.counts(Wanted(agency="H56.14", subtree=True), NOW)) == 1


def test_overdue_begins_the_day_after_the_due_day(stats: StatsStore, taking: Taking) -> None:
    received = at("2024-08-20 09:00")
    life = Life(id="d", channel="post", filed_at=received, received_at=received, due_at=at("2024-08-22 10:00"))
    taking.take(messages(life.events()))

    def overdue(now: str) -> int:
        [item] = Queries(stats).counts(Wanted(), at(now))
        number: int = item["open"]["overdue"]
        return number

    assert overdue("2024-08-22 16:00") == 0
    assert overdue("2024-08-23 00:01") == 1
    [item] = Queries(stats).counts(Wanted(end=date(2024, 8, 23)), at("2024-12-01 09:00"))
    assert item["open"] == {"within": 0, "overdue": 1, "total": 1}
    [item] = Queries(stats).counts(Wanted(end=date(2024, 8, 22)), at("2024-12-01 09:00"))
    assert item["open"] == {"within": 1, "overdue": 0, "total": 1}


def test_workflow_s_due_date_beats_the_promised_one(stats: StatsStore, taking: Taking) -> None:
    received = at("2024-08-20 09:00")
    life = Life(id="d", channel="post", filed_at=received, received_at=received, due_at=at("2024-08-22 17:00"))
    later = event("workflow.dossier.started.v1", "d", 1, received, {"due_at": "2024-08-30T10:00:00Z"})
    taking.take(messages([later, life.events()[0]]))
    [item] = Queries(stats).counts(Wanted(), at("2024-08-25 09:00"))
    assert item["open"]["overdue"] == 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_a_due_date_that_the_calendar_moved_is_the_one_that_counts(
    stats: StatsStore, taking: Taking, order: tuple[int, ...]
) -> None:
    received = at("2024-08-20 09:00")
    life = Life(id="d", channel="post", filed_at=received, received_at=received, due_at=at("2024-08-22 17:00"))
    started = event("workflow.dossier.started.v1", "d", 1, received, {"due_at": "2024-08-22T10:00:00Z"})
    moved = event("workflow.dossier.rescheduled.v1", "d", 4, received, {"due_at": "2024-08-30T10:00:00Z"})
    said = [life.events()[0], started, moved]
    taking.take(messages([said[n] for n in order]))
    [item] = Queries(stats).counts(Wanted(), at("2024-08-25 09:00"))
    assert item["open"]["overdue"] == 0
    [item] = Queries(stats).counts(Wanted(), at("2024-08-31 09:00"))
    assert item["open"]["overdue"] == 1


def test_without_dossiers_there_is_a_row_of_zeros_or_none(stats: StatsStore) -> None:
    [item] = Queries(stats).counts(Wanted(), NOW)
    assert item["received"]["total"] == item["open"]["total"] == 0
    assert Queries(stats).counts(Wanted(by=("agency", "month")), NOW) == []


def test_years_reach_back_to_the_first_dossier(stats: StatsStore, taking: Taking) -> None:
    assert Queries(stats).years(NOW) == [2024]
    taking.take(messages(Life(id="d", filed_at=datetime(2021, 12, 31, 17, 0, tzinfo=UTC)).events()))
    assert Queries(stats).years(NOW) == [2024, 2023, 2022]
