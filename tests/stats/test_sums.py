"""What is asked of the sums, in any form and for any days, against the facts added up the plain way; and what was known
on an earlier day."""

import threading
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from chassis.consume import Received
from stats.cold import Export
from stats.domain.cells import LEVELS
from stats.store import StatsStore
from stats.store.archive import Archive
from stats.store.later import Later
from stats.store.log import Log, Row
from stats.store.projection import DIMENSIONS, EVERYWHERE, Projection, TooManyError, Where, boundaries
from stats.store.sums import years_of
from stats.usecases.archives import Archiving
from stats.usecases.events import Taking
from stats.usecases.rebuilds import SAYING, Rebuilding
from tests.stats.making import Life, at, many, messages
from tests.support.effort import THOROUGH
from tests.support.services import Clock

AGENCIES = ("H56.14", "H56.15", "H56.15.03")
PROCEDURES = ("1.001193", "2.000.00%$", "3.1")
LIVES = many(100, at("2023-11-20 08:00"), 480, AGENCIES, PROCEDURES)
Plain = dict[tuple[Any, ...], dict[str, int]]


@pytest.fixture
def loaded(stats: StatsStore, taking: Taking) -> Projection:
    taking.take(messages(made for life in LIVES for made in life.events()))
    return stats.current()


def added_up(
    facts: Sequence[dict[str, Any]],
    start: date | None,
    end: date,
    by: Sequence[str],
    where: Where,
    only: Sequence[str] = (),
) -> Plain:
    """The rows of the facts, one after the other."""
    found: Plain = {}
    for row in facts:
        place = tuple(row[name] for name in DIMENSIONS)
        wanted = dict(
            zip(DIMENSIONS[1:], (where.field, where.procedure, where.channel, where.service_level), strict=True)
        )
        if where.agencies is not None and row["agency"] not in where.agencies:
            continue
        if any(value not in (None, row[name]) for name, value in wanted.items()):
            continue
        for day, adds in row["adds"].items():
            if (start is not None and day < str(start)) or day >= str(end):
                continue
            values = dict(zip(DIMENSIONS, place, strict=True)) | {"month": day[:7], "day": day}
            sums = found.setdefault(tuple(values[name] for name in by), {})
            for measure, number in adds.items():
                if not only or measure in only:
                    sums[measure] = sums.get(measure, 0) + number
            if "received" in adds and not only:
                sums[f"received_{row['channel']}"] = sums.get(f"received_{row['channel']}", 0) + adds["received"]
    plain = {key: {measure: number for measure, number in sums.items() if number} for key, sums in found.items()}
    return {key: sums for key, sums in plain.items() if sums}


def plain(found: Plain) -> Plain:
    """Without zeros."""
    return {key: {measure: number for measure, number in row.items() if number} for key, row in found.items()}


PERIODS = [
    (date(2024, 1, 1), date(2025, 1, 1)),
    (date(2023, 1, 1), date(2026, 1, 1)),
    (date(2023, 12, 5), date(2025, 2, 17)),
    (date(2024, 3, 1), date(2024, 4, 1)),
    (date(2024, 2, 29), date(2024, 3, 1)),
    (date(2024, 2, 11), date(2024, 2, 23)),
    (date(2024, 1, 31), date(2024, 3, 2)),
    (date(2024, 12, 1), date(2025, 2, 1)),
    (date(2024, 5, 5), date(2024, 5, 5)),
]
WHERES = [
    EVERYWHERE,
    Where(agencies=["H56.14", "H56.15.03"]),
    Where(agencies=[]),
    Where(procedure="2.000.00%$"),
    Where(agencies=["H56.15"], field="F1"),
    Where(channel="online"),
    Where(agencies=["H56.14"], service_level=3),
    Where(field="F0", service_level="full"),
]
BYS = [
    (),
    ("agency",),
    ("agency", "month"),
    ("month",),
    ("day",),
    ("channel", "day"),
    ("procedure",),
    ("field", "month"),
    ("agency", "channel"),
    ("service_level", "procedure", "agency"),
]


def test_flows_are_the_facts_added_up(loaded: Projection) -> None:
    facts = list(loaded.facts.find({"agency": {"$exists": True}}))
    # Seven has no factor in common with how many there are of each, so each meets each of the others.
    for where, (start, end), by in list(product(WHERES, PERIODS, BYS))[:: 1 if THOROUGH else 7]:
        assert plain(loaded.flows(start, end, by, where)) == added_up(facts, start, end, by, where), (
            where,
            start,
            end,
            by,
        )


def test_levels_are_all_that_was_added_before(loaded: Projection) -> None:
    facts = list(loaded.facts.find({"agency": {"$exists": True}}))
    for where, by in product(WHERES, ((), ("agency",), ("procedure", "channel"), ("service_level",))):
        for start, end in PERIODS[1:4]:
            found = loaded.levels_by_month(start, end, by, where)
            assert list(found) == boundaries(start, end)
            for moment in {start, end, *list(found)[1:-1:7]}:
                assert plain(found[moment]) == added_up(facts, None, moment, by, where, LEVELS), (where, moment, by)
            assert plain(loaded.levels(end, by, where)) == plain(found[end])


def test_levels_before_anything_are_none(loaded: Projection) -> None:
    assert loaded.levels(date(2020, 1, 1), ()) == {}
    assert loaded.levels_at([], ()) == {}


def test_without_anything_there_is_nothing(stats: StatsStore) -> None:
    assert stats.current().flows(date(2024, 1, 1), date(2025, 1, 1), ("agency",)) == {}
    assert stats.current().levels(date(2024, 1, 1), ()) == {}
    assert stats.current().first_day() is None


@pytest.mark.parametrize(
    ("first", "last", "parts"),
    [
        ("2024-01", "2024-12", [("2024-01", "2024-12")]),
        ("2024-03", "2024-05", [("2024-03", "2024-05")]),
        ("2023-02", "2026-03", [("2023-02", "2023-12"), ("2024-01", "2025-12"), ("2026-01", "2026-03")]),
        ("2023-01", "2024-12", [("2023-01", "2024-12")]),
        ("2023-12", "2024-01", [("2023-12", "2023-12"), ("2024-01", "2024-01")]),
        ("2023-12", "2024-12", [("2023-12", "2023-12"), ("2024-01", "2024-12")]),
    ],
)
def test_whole_years_lie_together(first: str, last: str, parts: list[tuple[str, str]]) -> None:
    assert list(years_of(first, last)) == parts


# -- as known on an earlier day ----------------------------------------------------------------------------------------

Snapshots = dict[date, tuple[Plain, Plain, Plain]]


def shown(projection: Projection, day: date, as_of: date | None) -> tuple[Plain, Plain, Plain]:
    start, end = date(2023, 12, 1), date(2024, 3, 15)
    flows = projection.flows(start, end, ("agency", "month"), EVERYWHERE, as_of)
    fine = projection.flows(start, end, ("procedure", "day"), Where(agencies=["H56.14"]), as_of)
    levels = projection.levels(day + timedelta(days=1), ("channel",), EVERYWHERE, as_of)
    return plain(flows), plain(fine), plain(levels)


def delivered(items: Sequence[Received]) -> list[tuple[datetime, list[Received]]]:
    """Day by day; every seventh event comes late, and some come once more."""
    moved = [(item.event.time + timedelta(days=23 if n % 7 == 3 else 0), n, item) for n, item in enumerate(items)]
    moved += [(item.event.time + timedelta(days=5), n, item) for n, item in enumerate(items) if n % 11 == 2]
    days: dict[date, list[tuple[datetime, Received]]] = {}
    for when, _, item in sorted(moved, key=lambda each: each[:2]):
        days.setdefault(when.date(), []).append((when, item))
    return [(part[-1][0], [item for _, item in part]) for _, part in sorted(days.items())]


@pytest.fixture
def remembered(stats: StatsStore, clock: Clock) -> Snapshots:
    """What was shown at the end of some days, before more became known."""
    lives = many(36, at("2023-12-01 08:00"), 90, AGENCIES, PROCEDURES)
    taking, found = Taking(stats, clock), Snapshots()
    batches = delivered(messages(made for life in lives for made in life.events()))
    for (when, items), (following, _) in pairwise([*batches, (batches[-1][0] + timedelta(days=9), [])]):
        clock.now = when
        taking.take(items)
        day = date.fromisoformat(stats.log.last().known)
        if following.date() > day and len(found) * 11 < (day - date(2023, 12, 1)).days:
            found[day] = shown(stats.current(), day, None)
    assert len(found) > 8
    return found


def check(stats: StatsStore, remembered: Snapshots) -> None:
    last = max(remembered)
    now = shown(stats.current(), last, None)
    assert sum(shown(stats.current(), day, None) != then for day, then in remembered.items()) > 6
    for day, then in remembered.items():
        assert shown(stats.current(), day, day) == then, day
    assert shown(stats.current(), last, date(2030, 1, 1)) == now


def test_what_was_known_on_a_day_is_what_was_shown_then(stats: StatsStore, remembered: Snapshots) -> None:
    check(stats, remembered)


def test_gathering_the_days_that_are_over_changes_no_answer(
    stats: StatsStore, remembered: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = stats.current().later
    monkeypatch.setattr("stats.store.later._TOGETHER", 7)
    for _ in range(4):
        assert later.gather()
    check(stats, remembered)
    while later.gather():
        pass
    check(stats, remembered)
    # The last day may go on.
    assert [row["_id"] for row in stats.log.after(later._gathered(), 99)] == [stats.log.last().number]


def test_who_gathers_beside_another_changes_nothing(
    new_store: Callable[[], StatsStore], remembered: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalled, active = new_store().current().later, new_store()
    real = Later.put

    def put(later: Later, *arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(Later, "put", real)
        while active.gather():
            pass
        real(later, *arguments, **named)

    monkeypatch.setattr(Later, "put", put)
    stalled.gather()
    check(active, remembered)


@pytest.mark.parametrize("gathered", [False, True])
def test_a_rebuild_knows_what_was_known_when(
    stats: StatsStore, remembered: Snapshots, clock: Clock, gathered: bool
) -> None:
    while gathered and stats.gather():
        pass
    done = Rebuilding(stats, clock).rebuild()
    assert done.differences == ()
    check(stats, remembered)
    life = Life(id="late", agency="H56.14", filed_at=at("2023-12-20 08:00"))
    clock.now += timedelta(days=3)
    Taking(stats, clock).take(messages(life.events()))
    check(stats, remembered)
    while stats.gather():
        pass
    check(stats, remembered)


def test_what_was_archived_but_not_counted_is_known_from_the_day_on_which_it_was_counted(
    stats: StatsStore, clock: Clock
) -> None:
    """Whoever archived it died before midnight."""
    life = Life(id="d", filed_at=at("2024-08-20 09:00"))
    [filed] = messages(life.events())
    stats.archive.add([filed.event], date(2024, 8, 20))
    clock.now = at("2024-08-22 09:00")
    Taking(stats, clock).take([filed])
    for _ in range(2):
        for day, number in ((21, 0), (22, 1)):
            found = stats.current().flows(date(2024, 8, 1), date(2024, 9, 1), (), EVERYWHERE, date(2024, 8, day))
            assert found.get((), {}).get("filed", 0) == number
        Rebuilding(stats, clock).rebuild()


def test_a_clock_that_went_back_knows_nothing_earlier(stats: StatsStore, clock: Clock) -> None:
    first, second = (Life(id=f"d{n}", filed_at=at("2024-08-20 09:00")) for n in range(2))
    clock.now = at("2024-08-22 00:10")
    Taking(stats, clock).take(messages(first.events()))
    clock.now = at("2024-08-21 23:50")
    Taking(stats, clock).take(messages(second.events()))
    assert stats.log.last().known == "2024-08-22"
    assert {row["known"] for row in stats.archive.events.find()} == {"2024-08-22"}


def test_a_transaction_that_began_before_its_events_were_archived_still_tells_when_they_were_counted(
    stats: StatsStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, last, add = threading.Event(), Log.last, Archive.add

    def note(log: Log, session: ClientSession | None = None) -> Row:
        found = last(log, session)
        began.set()
        return found

    def wait(archive: Archive, *arguments: Any) -> Any:
        assert began.wait(30)
        return add(archive, *arguments)

    first, second = (Life(id=f"d{n}", filed_at=at("2024-08-20 09:00")) for n in range(2))
    clock.now = at("2024-08-22 00:10")
    Taking(stats, clock).take(messages(first.events()))
    clock.now = at("2024-08-21 23:50")
    monkeypatch.setattr(Log, "last", note)
    monkeypatch.setattr(Archive, "add", wait)
    Taking(stats, clock).take(messages(second.events()))
    assert {row["known"] for row in stats.archive.events.find()} == {"2024-08-22"}
    assert stats.log.rows.count_documents({}) == 2


# -- indexes -----------------------------------------------------------------------------------------------------------


def test_indexes_serve_everything_that_is_read(
    stats: StatsStore, clock: Clock, mongo: MongoClient[dict[str, Any]], tmp_path: Path
) -> None:
    items = messages(made for life in LIVES[:30] for made in life.events())
    clock.now = at("2024-12-01 08:00")
    taking = Taking(stats, clock)
    taking.take(items[:100])
    database = mongo[stats.database.name]
    database.command("profile", 2)
    try:
        clock.now += timedelta(days=1)
        taking.take(items[50:])
        current, day = stats.current(), clock.now.date()
        for where, by in product(WHERES, BYS):
            for as_of in (None, day - timedelta(days=1)):
                current.flows(date(2023, 12, 5), date(2025, 2, 17), by, where, as_of)
        for where in WHERES:
            current.levels_by_month(date(2024, 1, 5), date(2025, 1, 1), ("agency",), where, day - timedelta(days=1))
        stats.changes.after(0, 10)
        stats.gather()
        Archiving(stats, clock).export(day - timedelta(days=1), Export(tmp_path), lambda _: None)
        Archiving(stats, clock).prune(day, Export(tmp_path), lambda _: None)
        Rebuilding(stats, clock).rebuild_from(Export(tmp_path))
        stats.archive.cut(3)
        list(stats.archive.by_subject(SAYING))
    finally:
        database.command("profile", 0)
    ours = ("years_", "procedures_", "months_", "totals_", "later_", "facts_", "log", "events", "projection", "pruned")
    looked: dict[str, set[str]] = {}
    for row in database["system.profile"].find({"planSummary": {"$exists": True}}):
        name = row["ns"].partition(".")[2]
        if name.startswith(ours):
            looked.setdefault(name.rstrip("0123456789"), set()).add(row["planSummary"])
    database.drop_collection("system.profile")
    assert looked.keys() >= set(ours)
    assert {name: plans for name, plans in looked.items() if any("COLLSCAN" in plan for plan in plans)} == {}


def test_no_more_rows_are_made_than_there_are_and_are_asked_for(loaded: Projection) -> None:
    """Else a question by day makes millions of empty ones."""
    asked = (date(2024, 1, 1), date(2025, 1, 1), (*DIMENSIONS, "day"))
    whole = loaded.flows(*asked)
    assert loaded.flows(*asked, most=len(whole)) == whole
    with pytest.raises(TooManyError):
        loaded.flows(*asked, most=len(whole) - 1)
