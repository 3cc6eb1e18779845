"""The totals: packed numbers of an agency and year, what adds to them, and the rows by month that are made of them."""

import json
import threading
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from stats.queries import counts
from stats.queries.by_month import rows_by_month
from stats.queries.counts import Queries, Wanted
from stats.store import StatsStore
from stats.store.sums import Sums
from stats.store.totals import Added, Total, add_to
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import at, cells_of, many, messages, naive_cells
from tests.stats.test_projection import is_sound
from tests.support.services import Clock

AGENCIES = ("H56.14", "H56.15", "H56.15.03")
LIVES = many(120, at("2023-10-20 08:00"), 480, AGENCIES, ("1.001193", "2.000.00%$", "3.1"))


@pytest.fixture
def loaded(stats: StatsStore, taking: Taking) -> StatsStore:
    taking.take(messages(made for life in LIVES for made in life.events()))
    return stats


def added(*entries: tuple[str, str, int, dict[str, int]]) -> Added:
    found = Added()
    for agency, year, month, adds in entries:
        add_to(found.setdefault((agency, year), {}), month, adds)
    return found


def read(sums: Sums, year: str = "2024") -> dict[str, Total]:
    return {total.agency: total for total in sums.totals.months(year, {})}


def shown(total: Total, month: int) -> dict[str, int]:
    return {measure: number for measure, number in total.row(month).items() if number}


# -- packed numbers ----------------------------------------------------------------------------------------------------


def test_numbers_add_up_in_their_month_and_in_the_year(stats: StatsStore) -> None:
    sums = stats.current().sums
    sums.totals.add(
        added(("A", "2024", 0, {"received": 2}), ("A", "2024", 11, {"open": -3}), ("B", "2024", 5, {"paid": 1}))
    )
    sums.totals.add(added(("A", "2024", 0, {"received": 40_000_000_000, "filed": 1})))
    found = read(sums)
    assert shown(found["A"], 0) == {"received": 40_000_000_002, "filed": 1}
    assert shown(found["A"], 11) == {"open": -3}
    assert [shown(found["A"], month) for month in range(1, 11)] == [{}] * 10
    assert shown(found["B"], 5) == {"paid": 1}
    [whole] = sums.totals.years("2024", "2024", {"agency": "A"})
    assert shown(whole, 0) == {"received": 40_000_000_002, "filed": 1, "open": -3}
    assert list(sums.totals.years("2020", "2023", {})) == []


def test_a_measure_that_comes_later_gets_a_column_and_the_others_stay(stats: StatsStore) -> None:
    sums = stats.current().sums
    sums.totals.add(added(("A", "2024", 3, {"received": 7}), ("A", "2024", 11, {"open": 1})))
    sums.totals.add(added(("A", "2024", 2, {"newest": 5}), ("A", "2024", 4, {"newer": 6, "received": 1})))
    found = read(sums)["A"]
    rows = {month: shown(found, month) for month in range(12) if shown(found, month)}
    assert rows == {2: {"newest": 5}, 3: {"received": 7}, 4: {"newer": 6, "received": 1}, 11: {"open": 1}}
    [whole] = sums.totals.years("2024", "2024", {})
    assert shown(whole, 0) == {"newest": 5, "newer": 6, "received": 8, "open": 1}
    columns = found.columns()
    assert columns["newest"] == (0, 0, 5, *[0] * 9)
    assert columns["received"] == (0, 0, 0, 7, 1, *[0] * 7)


def test_what_several_add_at_once_is_all_there(stats: StatsStore) -> None:
    """As the builders of a rebuild do."""
    sums, failed = stats.current().sums, list[BaseException]()

    def add(n: int) -> None:
        try:
            for month in range(12):
                sums.totals.add(added(*((agency, "2024", month, {"received": 1, f"m{n}": 1}) for agency in AGENCIES)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for total in read(sums).values():
        assert [shown(total, month) for month in range(12)] == [{"received": 3, "m0": 1, "m1": 1, "m2": 1}] * 12


def test_what_is_added_in_a_transaction_that_is_given_up_is_not_there(stats: StatsStore) -> None:
    sums = stats.current().sums
    sums.totals.add(added(("A", "2024", 0, {"received": 2})))
    with stats.database.client.start_session() as session, session.start_transaction():
        sums.totals.add(added(("A", "2024", 0, {"received": 5}), ("B", "2024", 0, {"received": 5})), session)
        session.abort_transaction()
    assert {agency: shown(total, 0) for agency, total in read(sums).items()} == {"A": {"received": 2}}


# -- rows by month -----------------------------------------------------------------------------------------------------

PERIODS = [
    (date(2024, 1, 1), date(2025, 1, 1)),
    (date(2024, 3, 1), date(2024, 7, 1)),
    (date(2023, 1, 1), date(2024, 1, 1)),
    (date(2024, 12, 1), date(2025, 1, 1)),
    (date(2022, 1, 1), date(2023, 1, 1)),
    (date(2026, 1, 1), date(2027, 1, 1)),
]
BYS = [("agency", "month"), ("month", "agency"), ("month",)]
WHOSE: list[dict[str, Any]] = [{}, {"agency": "H56.15", "subtree": True}, {"agency": "H56.14"}, {"agency": "nobody"}]


@pytest.mark.parametrize("now", ["2025-06-20 10:00", "2024-05-17 10:00", "2024-12-31 23:00", "2024-03-01 00:10"])
def test_rows_by_month_are_those_that_any_question_is_answered_with(
    loaded: StatsStore, monkeypatch: pytest.MonkeyPatch, now: str
) -> None:
    queries = Queries(loaded)
    asked = [Wanted(start=start, end=end, by=by, **whose) for (start, end), by, whose in product(PERIODS, BYS, WHOSE)]
    quick = [queries.counts(wanted, at(now)) for wanted in asked]
    monkeypatch.setattr(counts, "is_of_columns", lambda *_: False)
    for wanted, made in zip(asked, quick, strict=True):
        assert made == queries.counts(wanted, at(now)), wanted
    assert sum(map(len, quick)) > 100


@pytest.mark.parametrize(
    ("more", "quick"),
    [
        ({}, True),
        ({"as_of": date(2024, 5, 1)}, False),
        ({"channel": "online"}, False),
        ({"field": ""}, False),
        ({"start": date(2024, 1, 2)}, False),
        ({"end": date(2025, 2, 1)}, False),
        ({"by": ("agency",)}, False),
        ({"by": ("agency", "month", "channel")}, False),
    ],
)
def test_only_whole_months_of_a_year_are_made_of_columns(
    loaded: StatsStore, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], quick: bool
) -> None:
    used = list[int]()

    def noted(*given: Any) -> Any:
        used.append(1)
        return rows_by_month(*given)

    monkeypatch.setattr(counts, "rows_by_month", noted)
    wanted = {"start": date(2024, 1, 1), "end": date(2025, 1, 1), "by": ("agency", "month"), **more}
    Queries(loaded).counts(Wanted(**wanted), at("2025-06-20 10:00"))
    assert bool(used) == quick


@pytest.mark.parametrize(
    "by", [(), ("month",), ("agency", "month"), ("day", "channel"), ("service_level", "procedure")]
)
def test_json_says_what_the_rows_say(loaded: StatsStore, by: tuple[str, ...]) -> None:
    queries, now = Queries(loaded), at("2025-06-20 10:00")
    for start in (date(2024, 1, 1), date(2010, 1, 1)):
        wanted = Wanted(start=start, end=start + timedelta(days=300), by=by)
        assert json.loads(queries.counts_json(wanted, now)) == queries.counts(wanted, now)


# -- a store that kept them elsewhere ----------------------------------------------------------------------------------


def as_they_were(stats: StatsStore) -> None:
    """Until totals were packed they were fields of the years."""
    sums = stats.current().sums
    for whole in list(sums.totals.years("1990", "2200", {})):
        [total] = sums.totals.months(whole.year, {"agency": whole.agency})
        rows = {f"{month + 1:02}": shown(total, month) for month in range(12)} | {"00": shown(whole, 0)}
        moved = {"m": {month: row for month, row in rows.items() if row}}
        sums.years.update_one({"_id": f"{whole.agency}|{whole.year}"}, {"$set": moved})
    sums.totals.documents.delete_many({})


def test_they_are_moved_once_without_a_rebuild(loaded: StatsStore, clock: Clock) -> None:
    as_they_were(loaded)
    assert not is_sound(loaded.current())
    for _ in range(2):
        Rebuilding(loaded, clock).if_due()
        assert loaded.generation() == 0
        assert is_sound(loaded.current())
        assert loaded.current().sums.years.count_documents({"m": {"$exists": True}}) == 0


def test_who_dies_while_they_are_moved_and_who_counts_meanwhile_lose_nothing(
    loaded: StatsStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_they_were(loaded)
    real, moved = Sums._move, list[str]()

    def die(sums: Sums, name: str, session: Any) -> None:
        real(sums, name, session)
        moved.append(name)
        if len(moved) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Sums, "_move", die)
    with pytest.raises(KeyboardInterrupt):
        Rebuilding(loaded, clock).if_due()
    more = many(150, at("2023-10-20 08:00"), 600, AGENCIES, ("1.001193", "2.000.00%$", "3.1"))
    Taking(loaded, clock).take(messages(made for life in more[120:] for made in life.events()))
    Rebuilding(loaded, clock).if_due()
    assert is_sound(loaded.current())
    assert cells_of(loaded.current()) == naive_cells([*LIVES, *more[120:]])
