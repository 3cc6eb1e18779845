"""The feed says each change of a number once, whoever dies where and however many work at it, and nothing personal."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pymongo import MongoClient

from chassis.envelope import Envelope, read
from stats.domain.feed import Statement, measured, published, raised
from stats.events import Words
from stats.queries.counts import Queries, Wanted
from stats.store import StatsStore
from stats.store import feed as store_feed
from stats.store.feed import Seen
from stats.store.overtaking import Overtaken
from stats.usecases.events import Taking
from stats.usecases.feed import CountsOfMonths, Feeding, Source
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import PERSON, Life, at, many, messages
from tests.support.plans import watched
from tests.support.services import Clock

RECEIVED = at("2024-08-20 10:00")
LIFE = Life(id="d1", filed_at=at("2024-08-20 09:00"), received_at=RECEIVED, due_at=at("2024-11-20 17:00"))
SEEN = Seen(0, "2024-11-20", 0)
Feed = Callable[..., Feeding]


@pytest.fixture
def feeding(clock: Clock) -> Feed:
    """A worker's, on this store."""

    def make(store: StatsStore, *more: Source) -> Feeding:
        return Feeding(store, [CountsOfMonths(store, Queries(store)), *more], clock)

    return make


def events(store: StatsStore, after: int = 0) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in store.feed.after(after, store.feed.end(), 100_000)]


def latest(store: StatsStore) -> dict[tuple[str, str], dict[str, Any]]:
    """What a follower has that keeps the newest of each agency and month, without what is all zeros."""
    found = {(event["data"]["agency"], event["data"]["month"]): event["data"]["counts"] for event in events(store)}
    return {place: counts for place, counts in found.items() if any(numbers(counts))}


def counted(store: StatsStore, clock: Clock) -> dict[tuple[str, str], dict[str, Any]]:
    rows = Queries(store).counts(Wanted(start=date(2024, 1, 1), by=("agency", "month")), clock())
    names = ("agency", "agency_name", "month")
    found = {(row["agency"], row["month"]): {k: v for k, v in row.items() if k not in names} for row in rows}
    return {place: counts for place, counts in found.items() if any(numbers(counts))}


def numbers(counts: dict[str, Any]) -> list[int]:
    return [n for value in counts.values() for n in (value.values() if isinstance(value, dict) else [value])]


def settle(feeding: Feeding) -> None:
    while feeding.round():
        pass


def test_each_month_since_the_reception_is_told_and_then_nothing_more(
    stats: StatsStore, taking: Taking, feeding: Feed, clock: Clock
) -> None:
    taking.take(messages(LIFE.events()))
    worker = feeding(stats)
    settle(worker)
    told = events(stats)
    assert [(event["data"]["month"], event["data"]["counts"]["open"]["total"]) for event in told] == [
        ("2024-08", 1), ("2024-09", 1), ("2024-10", 1), ("2024-11", 1),
    ]  # fmt: skip
    first = told[0]
    assert (first["id"], first["subject"], first["cursor"]) == ("stats.counts:H56.14/2024-08:1", "H56.14/2024-08", 1)
    assert (first["sequence"], first["data"]["revision"], first["data"]["agency_name"]) == (1, 1, "Cơ quan H56.14")
    assert read(json.dumps(first)) == Envelope.model_validate(first)
    settle(worker)
    settle(feeding(stats))
    taking.take(messages(LIFE.events()))
    settle(worker)
    assert len(events(stats)) == 4


def test_a_change_raises_the_revision_of_what_it_changed(
    stats: StatsStore, taking: Taking, feeding: Feed, clock: Clock
) -> None:
    worker = feeding(stats)
    taking.take(messages(LIFE.events()))
    settle(worker)
    taking.take(messages(replace(LIFE, finished_at=at("2024-10-02 10:00")).events()))
    settle(worker)
    told = events(stats)[4:]
    assert [(e["data"]["month"], e["sequence"], e["data"]["revision"], e["cursor"]) for e in told] == [
        ("2024-10", 2, 2, 5), ("2024-11", 2, 2, 6),
    ]  # fmt: skip
    assert told[0]["data"]["counts"]["finished"] == {"early": 1, "on_time": 0, "late": 0, "total": 1}
    assert latest(stats) == counted(stats, clock)


def test_what_becomes_overdue_over_night_is_told_without_any_event(
    stats: StatsStore, taking: Taking, feeding: Feed, clock: Clock
) -> None:
    worker = feeding(stats)
    taking.take(messages(LIFE.events()))
    settle(worker)
    clock.set("2024-11-21 00:01")
    settle(worker)
    [told] = events(stats)[4:]
    assert told["data"]["month"] == "2024-11"
    assert told["data"]["counts"]["open"] == {"within": 0, "overdue": 1, "total": 1}


def test_what_is_counted_nowhere_any_more_is_told_as_nothing(
    stats: StatsStore, taking: Taking, feeding: Feed, clock: Clock
) -> None:
    worker = feeding(stats)
    taking.take(messages(LIFE.events()))
    settle(worker)
    # The projection is emptied, as a rebuild does that finds less.
    stats.log.switch(stats.new_generation(), stats.log.last().number, clock(), lambda *_: None, 0)
    settle(worker)
    told = events(stats)[4:]
    assert {event["data"]["month"] for event in told} == {"2024-08", "2024-09", "2024-10", "2024-11"}
    assert not any(number for event in told for number in numbers(event["data"]["counts"]))
    assert latest(stats) == {}


def test_a_rebuild_that_finds_the_same_says_nothing(
    stats: StatsStore, taking: Taking, feeding: Feed, clock: Clock
) -> None:
    worker = feeding(stats)
    taking.take(messages(LIFE.events()))
    settle(worker)
    Rebuilding(stats, clock).rebuild(lambda _: None)
    settle(worker)
    assert len(events(stats)) == 4


def test_a_follower_of_the_feed_has_the_stores_counts_whatever_is_delivered_how_often(
    new_store: Callable[[], StatsStore],
    taking: Taking,
    feeding: Feed,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_feed, "BATCH", 4)
    lives = many(120, at("2024-09-01 08:00"), 60, ["H56.01", "H56.02", "H56.03"], ["1.1", "1.2"])
    told = messages(event for life in lives for event in life.events())
    draw = random.Random(6)  # noqa: S311 (any order will do)
    draw.shuffle(told)
    stores = [new_store(), new_store()]
    workers = [feeding(store) for store in stores]
    for first in range(0, len(told), 60):
        taking.take(told[first : first + 60])
        taking.take(draw.sample(told[: first + 60], 20))
        workers[draw.randrange(2)].round()
    settle(workers[0])
    settle(workers[1])
    assert latest(stores[0]) == counted(stores[0], clock)
    found = events(stores[0])
    assert [event["cursor"] for event in found] == list(range(1, len(found) + 1))
    assert len({event["id"] for event in found}) == len(found)
    revisions: dict[str, int] = {}
    for event in found:
        assert event["sequence"] == event["data"]["revision"] == revisions.get(event["subject"], 0) + 1
        revisions[event["subject"]] = event["sequence"]
    text = json.dumps(found, ensure_ascii=False)
    assert not [word for word in PERSON.values() if word in text]
    assert not [life.id for life in lives if life.id in text]


class Died(BaseException):
    """As `kill -9` ends a process: nothing of it runs any more."""


@pytest.mark.parametrize("point", ["insert_many", "note_made", "after_insert"])
def test_who_dies_between_two_writes_leaves_nothing_out_and_nothing_twice(
    new_store: Callable[[], StatsStore],
    taking: Taking,
    feeding: Feed,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    taking.take(messages(LIFE.events()))
    dying = new_store()
    if point == "note_made":

        def die(*_: Any) -> None:
            raise Died

        monkeypatch.setattr(dying.feed, "note_made", die)
    else:
        insert = dying.feed.entries.insert_many

        class Entries:
            """Dies before, or in the middle of the entries."""

            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def insert_many(self, rows: list[Any], ordered: bool) -> None:
                if point == "after_insert":
                    insert(rows[:2], ordered=ordered)
                raise Died

        real = dying.feed.entries
        monkeypatch.setattr(dying.feed, "entries", Entries())
    with pytest.raises(Died):
        settle(feeding(dying))
    stats = new_store()
    settle(feeding(stats))
    assert [event["id"] for event in events(stats)] == [
        f"stats.counts:H56.14/2024-{month}:1" for month in ("08", "09", "10", "11")
    ]
    assert latest(stats) == counted(stats, clock)


def test_a_worker_that_was_overtaken_says_nothing_of_what_it_had_counted_before(
    new_store: Callable[[], StatsStore], taking: Taking, feeding: Feed, clock: Clock
) -> None:
    slow, fast = new_store(), new_store()

    def meanwhile(*_: Any) -> list[Statement]:
        """The slow worker has counted; another one says what is newer, before it writes."""
        if not slow.feed.end():
            taking.take(messages(replace(LIFE, finished_at=at("2024-08-21 10:00")).events()))
            settle(feeding(fast))
        return []

    taking.take(messages(LIFE.events()))
    worker = feeding(slow, meanwhile)
    with pytest.raises(Overtaken):
        worker.round()
    settle(worker)
    assert latest(slow) == counted(slow, clock)
    assert [event["sequence"] for event in events(slow)] == [1]


def test_who_wrote_after_another_had_found_nothing_new_is_looked_after(
    new_store: Callable[[], StatsStore], taking: Taking, feeding: Feed, clock: Clock
) -> None:
    """One worker counts and stalls; another finds nothing new and notes that it has seen more; then the first one
    writes what is old by now, and dies."""
    slow, fast = new_store(), new_store()
    finished = replace(LIFE, finished_at=at("2024-08-21 10:00"))
    withdrawn = replace(LIFE, id="d2", withdrawn_at=at("2024-08-20 12:00"))
    taking.take(messages(finished.events()))
    settle(feeding(fast))
    slow.feed.catch_up()
    seen = slow.feed.made(Seen(0, "2024-11-20", 0))
    assert seen is not None
    stale = list(CountsOfMonths(slow, Queries(slow))(Feeding(slow, [], clock)._everything(clock()), clock()))
    taking.take(messages(withdrawn.events()))
    slow.feed.say([replace(stale[0], mark="old")], seen, clock())
    fast.feed.note_made(Seen(fast.changes.last(), seen.day, seen.generation))
    third = new_store()
    settle(feeding(third))
    assert latest(third) == counted(third, clock)


def test_an_indicator_tells_its_value_before(stats: StatsStore, clock: Clock) -> None:
    def say(numerator: float, denominator: float | None) -> None:
        stats.feed.catch_up()
        stats.feed.say([measured("online", None, "2024-11", numerator, denominator, clock())], SEEN, clock())

    say(0, 0)
    say(3, 4)
    say(3, 4)
    say(6, 8)
    say(0, 0)
    say(5, None)
    told = [event["data"] for event in events(stats)]
    assert [(e["value"], e["previous_value"], e["revision"]) for e in told] == [
        (0.75, None, 1), (0.75, 0.75, 2), (None, 0.75, 3), (5, None, 4),
    ]  # fmt: skip
    assert {event["subject"] for event in events(stats)} == {"online/-/2024-11"}


def test_an_alert_is_raised_once_for_kind_agency_and_period(new_store: Callable[[], StatsStore], clock: Clock) -> None:
    def alert(agency: str, period: str, share: float) -> Statement:
        return raised("overdue_share", agency, period, {"share": share}, Words(vi="Quá hạn", en="Late"), clock())

    for store in (new_store(), new_store()):
        store.feed.catch_up()
        for share in (0.2, 0.4):
            told = [alert("H56.01", "2024-11", share), alert("H56.02", "2024-11", share), alert("H56.01", "2024-12", 1)]
            store.feed.say(told, SEEN, clock())
    assert [event["id"] for event in events(store)] == [
        "stats.alert:overdue_share/H56.01/2024-11:1",
        "stats.alert:overdue_share/H56.02/2024-11:1",
        "stats.alert:overdue_share/H56.01/2024-12:1",
    ]
    assert events(store)[0]["data"]["words"] == {"vi": "Quá hạn", "en": "Late"}


def test_a_report_is_told_once_for_each_revision(stats: StatsStore, clock: Clock) -> None:
    for revision, sha256 in ((1, "a" * 64), (1, "a" * 64), (2, "b" * 64)):
        stats.feed.catch_up()
        made = published("06a", "H56", "2024-10", revision=revision, sha256=sha256, url="https://x", at=clock())
        stats.feed.say([made], SEEN, clock())
    assert [(e["data"]["revision"], e["data"]["sha256"][0]) for e in events(stats)] == [(1, "a"), (2, "b")]


def test_what_was_said_last_is_found_by_jumping_from_subject_to_subject(
    stats: StatsStore, clock: Clock, mongo: MongoClient[dict[str, Any]]
) -> None:
    for n in range(40):
        stats.feed.catch_up()
        stats.feed.say(
            [measured("online", agency, "2024-11", n, 40, clock()) for agency in ("H56.01", "H56.02")], SEEN, clock()
        )
    with watched(mongo, stats.database.name) as seen:
        StatsStore(stats.database).feed.catch_up()
        stats.feed.after(10, 80, 20, ["stats.indicator.changed.v1", "stats.counts.v1"])
        stats.feed.after(10, 80, 20)
    ran = seen.of("feed")
    assert "DISTINCT_SCAN" in " ".join(one.plan for one in ran)
    assert max(one.documents for one in ran) <= 20
    assert not [one for one in ran if one.sorted_in_memory or "COLLSCAN" in one.plan]
