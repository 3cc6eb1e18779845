"""The counts equal the dossiers, whatever comes twice, in another order, half-way, or from two processes at once."""

import multiprocessing
import os
import random
import signal
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chassis import store
from chassis.clock import system_clock
from chassis.consume import Done, Duplicate, Invalid, Received
from stats.domain.cells import contributions
from stats.domain.facts import Fact
from stats.store import StatsStore, facts
from stats.store.building import Building
from stats.store.later import Later
from stats.store.log import Blocked, Log
from stats.store.overtaking import Overtaken
from stats.store.projection import COLLECTIONS, DIMENSIONS, Projection
from stats.store.sums import Sums
from stats.store.totals import Totals
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import PERSON, Halt, Life, at, cells_of, event, many, messages, naive_cells, naive_stock
from tests.support.effort import THOROUGH

AGENCIES = ("H56.14", "H56.15")
PROCEDURES = ("1.001193", "1.012784")
LEVELS: list[int | str] = [3, 4, "partial", "full"]


def facts_of(projection: Projection) -> dict[str, Any]:
    return {row["_id"]: (row["said"], row["adds"]) for row in projection.facts.find()}


def summed(projection: Projection) -> dict[tuple[Any, ...], dict[str, int]]:
    """What the facts add up to, the plain way."""
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for row in projection.facts.find({"agency": {"$exists": True}}):
        for day, adds in row["adds"].items():
            sums = found.setdefault((*(row[name] for name in DIMENSIONS), day), {})
            for measure, number in adds.items():
                sums[measure] = sums.get(measure, 0) + number
    plain = {key: {measure: number for measure, number in sums.items() if number} for key, sums in found.items()}
    return {key: sums for key, sums in plain.items() if sums}


def is_sound(projection: Projection) -> bool:
    """The sums are what the facts add up to, in each of the forms in which they are kept."""
    facts = summed(projection)
    ever = (date(1990, 1, 1), date(2200, 1, 1))
    every = (
        ("agency", "month"),
        ("field", "procedure", "month"),
        ("channel",),
        ("procedure",),
        ("agency", "procedure"),
        (),
    )
    for by in ((*DIMENSIONS, "day"), ("day",), *every):
        expected: dict[tuple[Any, ...], dict[str, int]] = {}
        for key, sums in facts.items():
            values = dict(zip((*DIMENSIONS, "day"), key, strict=True)) | {"month": key[-1][:7]}
            row = expected.setdefault(tuple(values[name] for name in by), {})
            for measure, number in sums.items():
                row[measure] = row.get(measure, 0) + number
        plain = {key: {measure: number for measure, number in row.items() if number} for key, row in expected.items()}
        found = {
            key: {measure: number for measure, number in row.items() if number and not measure.startswith("received_")}
            for key, row in projection.flows(*ever, by).items()
        }
        if found != {key: row for key, row in plain.items() if row}:
            return False
    return True


def forget(stats: StatsStore) -> None:
    """All that was counted, not the archive."""
    sums = stats.current().sums
    for collection in (stats.current().facts, sums.years, sums.procedures, sums.months, sums.totals.documents):
        collection.delete_many({})


def events_of(lives: Sequence[Life]) -> list[Received]:
    return messages(made for life in lives for made in life.events())


@st.composite
def lots(draw: st.DrawFn) -> list[Life]:
    lives = []
    for n in range(draw(st.integers(1, 6))):
        # Around a month's end in local time.
        filed = at("2024-08-31 00:00") + timedelta(minutes=draw(st.integers(0, 2880)))
        steps = [draw(st.integers(0, 3000)) for _ in range(3)]
        halts = tuple(sorted(draw(st.lists(st.integers(0, 3000), unique=True, max_size=4))))
        kinds = [draw(st.sampled_from(["supplement", "fee", "other"])) for _ in halts[::2]]
        received = filed + timedelta(minutes=steps[0])
        finished = received + timedelta(minutes=steps[1])
        end = draw(st.sampled_from(["waiting", "refused", "received", "stopped", "finished", "handed_over"]))
        channel = draw(st.sampled_from(["online", "counter", "post"]))
        known = end in ("received", "stopped", "finished", "handed_over")
        moments = [received + timedelta(minutes=minutes) for minutes in halts]
        due = draw(st.sampled_from([None, received + timedelta(days=1)])) if known else None
        lives.append(
            Life(
                id=f"dossier-{n}",
                agency=draw(st.sampled_from(AGENCIES)),
                procedure=draw(st.sampled_from(PROCEDURES)),
                channel=channel if known else "online",
                service_level=draw(st.sampled_from(LEVELS)),
                filed_at=filed,
                received_at=received if known else None,
                due_at=due,
                digitised=draw(st.booleans()) if known else False,
                promised_at=draw(st.sampled_from([None, received + timedelta(hours=9)])) if due else None,
                halts=tuple(
                    Halt(kind=kind, begin=begin, end=ended)
                    for kind, begin, ended in zip_longest(kinds, moments[::2], moments[1::2])
                )
                if known
                else (),
                stopped_at=finished if end == "stopped" else None,
                scans=tuple(draw(st.lists(st.booleans(), max_size=2))) if known else (),
                refused_at=received if end == "refused" else None,
                finished_at=finished if end in ("finished", "handed_over") else None,
                handed_over_at=finished + timedelta(minutes=steps[2]) if end == "handed_over" else None,
            )
        )
    return lives


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lots(), st.randoms(use_true_random=False), st.data())
def test_any_order_repetition_and_batching_give_the_same(
    stats: StatsStore, taking: Taking, lives: list[Life], shuffled: random.Random, data: st.DataObject
) -> None:
    for name in stats.database.list_collection_names():
        stats.database[name].delete_many({})
    items = events_of(lives)
    items += data.draw(st.lists(st.sampled_from(items), max_size=6))
    shuffled.shuffle(items)
    while items:
        size = data.draw(st.integers(1, len(items)))
        taking.take(items[:size])
        items = items[size:]
    assert cells_of(stats.current()) == naive_cells(lives)
    assert is_sound(stats.current())
    for day in ("2024-09-01", "2024-09-02", "2024-09-20"):
        found = stats.current().levels(date.fromisoformat(day), ()).get((), {})
        hand = naive_stock(lives, day, day)
        assert found.get("open", 0) == hand.open
        assert (found.get("supplement", 0), found.get("paused", 0)) == (hand.supplement, hand.paused)
        assert found.get("waiting", 0) == hand.waiting
    arrived = facts_of(stats.current())
    forget(stats)
    Taking(StatsStore(stats.database), system_clock).take(events_of(lives))
    assert facts_of(stats.current()) == arrived


def test_a_duplicate_is_not_inserted_to_be_refused(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    """One makes the server insert all that came with it one by one."""
    inserted: list[str] = []
    insert_many = Collection.insert_many

    def noted(collection: Collection[Any], documents: Sequence[Any], **options: Any) -> Any:
        if collection.name == "events":
            inserted.extend(document["_id"] for document in documents)
        return insert_many(collection, documents, **options)

    monkeypatch.setattr(Collection, "insert_many", noted)
    items = events_of(many(5, at("2024-08-20 08:00"), 5, AGENCIES, PROCEDURES))
    taking.take([*items, *items])
    taking.take(items)
    assert sorted(inserted) == sorted({item.event.id for item in items})


def test_a_duplicate_says_so_and_counts_once(stats: StatsStore, taking: Taking) -> None:
    items = events_of([Life(id="d", filed_at=at("2024-08-20 09:00"))])
    assert taking.take([*items, *items]) == [Done(), Duplicate()]
    assert taking.take(items) == [Duplicate()]
    assert [list(counted.values()) for counted in cells_of(stats.current()).values()] == [[1]]


def test_a_dossier_that_moved_leaves_the_cell_that_it_was_in(stats: StatsStore, taking: Taking) -> None:
    was = Life(id="d", filed_at=at("2024-08-20 09:00"))
    now = Life(id="d", filed_at=at("2024-08-20 09:00"), agency="H56.15", received_at=at("2024-08-21 09:00"))
    taking.take(events_of([was]))
    assert cells_of(stats.current()) == naive_cells([was])
    taking.take(events_of([now])[1:])
    assert cells_of(stats.current()) == naive_cells([now])


def test_a_reception_after_midnight_local_time_counts_in_the_next_month(stats: StatsStore, taking: Taking) -> None:
    night = datetime(2024, 8, 31, 17, 30, tzinfo=UTC)
    taking.take(events_of([Life(id="d", channel="counter", filed_at=night, received_at=night)]))
    assert list(stats.current().months()) == [(("H56.14", "1.001193", "counter", "full", "2024-09"), {"received": 1})]


# -- crashes -----------------------------------------------------------------------------------------------------------


class DiedError(Exception):
    pass


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str], None]:
    """The process dies when it comes to that point, once."""

    def at_point(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def die(*_: Any) -> None:
            monkeypatch.setattr(owner, name, real)
            raise DiedError

        monkeypatch.setattr(owner, name, die)

    return at_point


POINTS = [
    (Log, "apply"),
    (Log, "_apply"),
    (Projection, "take"),
    (Projection, "_write"),
    (Sums, "write"),
    (Totals, "add"),
]
"""Between any two writes: after the archive's, and within the transaction before each of its reads and writes."""


@pytest.mark.parametrize(("owner", "name"), POINTS)
def test_what_died_between_two_writes_is_right_after_redelivery(
    new_store: Callable[[], StatsStore],
    dies: Callable[[type, str], None],
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
) -> None:
    monkeypatch.setattr("stats.store.facts.AT_ONCE", 7)
    lives = many(60, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES)
    items = events_of(lives)
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    Taking(new_store(), system_clock).take(first[:40])
    before = cells_of(new_store().current())
    dies(owner, name)
    with pytest.raises(DiedError):
        Taking(new_store(), system_clock).take(first)
    assert cells_of(new_store().current()) == before
    # What comes next is not the batch that died but another one: some of it beside news of the same dossiers.
    taking = Taking(new_store(), system_clock)
    taking.take([*second, *first[::2]])
    taking.take(first[1::2])
    assert cells_of(new_store().current()) == naive_cells(lives)
    assert is_sound(new_store().current())


def test_what_was_counted_but_not_acknowledged_counts_once(new_store: Callable[[], StatsStore]) -> None:
    lives = many(60, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES)
    items = events_of(lives)
    Taking(new_store(), system_clock).take(items)
    facts = facts_of(new_store().current())
    assert set(Taking(new_store(), system_clock).take(items)) == {Duplicate()}
    assert "deltas" not in new_store().log.after(1, 1)[0]
    assert cells_of(new_store().current()) == naive_cells(lives)
    assert facts_of(new_store().current()) == facts


@pytest.fixture
def short_transactions(mongo: MongoClient[dict[str, Any]]) -> Iterator[None]:
    """The server gives up at once what died within a transaction."""
    name = "transactionLifetimeLimitSeconds"
    before = mongo.admin.command({"getParameter": 1, name: 1})[name]
    mongo.admin.command({"setParameter": 1, name: 1})
    yield
    mongo.admin.command({"setParameter": 1, name: before})


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("short_transactions")
@pytest.mark.parametrize(
    ("owner", "name"), [(Projection, "_write"), (Sums, "write"), (Totals, "add"), (ClientSession, "commit_transaction")]
)
def test_what_is_killed_within_its_transaction_leaves_nothing_and_is_not_in_the_way_for_long(
    new_store: Callable[[], StatsStore], stats_url: str, owner: type, name: str
) -> None:
    """`kill -9`: nobody tells the server that the transaction is over."""
    lives = many(30, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES)
    items = events_of(lives)
    Taking(new_store(), system_clock).take(items[:40])
    before = cells_of(new_store().current())

    def die() -> None:
        setattr(owner, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        Taking(StatsStore(store.connect(stats_url)), system_clock).take(items[:200])

    child = multiprocessing.get_context("fork").Process(target=die)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert cells_of(new_store().current()) == before
    assert new_store().log.last().number == 1
    Taking(new_store(), system_clock).take(items)
    assert cells_of(new_store().current()) == naive_cells(lives)
    assert is_sound(new_store().current())


def test_a_batch_is_held_while_another_transaction_is_in_the_way(
    new_store: Callable[[], StatsStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stats.store.log.BLOCKED_SECONDS", 0.2)
    stats, items = new_store(), events_of([Life(id="d", filed_at=at("2024-08-20 09:00"))])
    with stats.database.client.start_session() as session, session.start_transaction():
        stats.log.rows.insert_one({"_id": 1}, session=session)
        with pytest.raises(Blocked) as caught:
            Taking(new_store(), system_clock).take(items)
        session.abort_transaction()
    assert isinstance(caught.value, store.UNAVAILABLE)
    assert Taking(new_store(), system_clock).take(items) == [Duplicate()]
    assert [list(counted.values()) for counted in cells_of(stats.current()).values()] == [[1]]


# -- two processes at once ---------------------------------------------------------------------------------------------


class Interrupted:
    """Something else happens, once, just before the method does what it does."""

    def __init__(self, owner: Any, name: str, meanwhile: Callable[[], object]) -> None:
        self._real = getattr(owner, name)
        self._meanwhile: list[Callable[[], object]] = [meanwhile]
        setattr(owner, name, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._real(*arguments, **named)


@pytest.mark.parametrize("known", [False, True])
def test_what_two_processes_learn_of_a_dossier_at_once_is_all_kept(
    new_store: Callable[[], StatsStore], known: bool
) -> None:
    """One looks which row is the last, stalls, another counts more: what it does then is refused, and done anew."""
    received = at("2024-08-20 09:00")
    life = Life(id="d", channel="post", filed_at=received, received_at=received, finished_at=at("2024-08-21 09:00"))
    first, _, _, _, finished = events_of([life])
    stalled, active = new_store(), Taking(new_store(), system_clock)
    if known:
        active.take(events_of([life])[1:2])
    interrupted = Interrupted(stalled.log.rows, "insert_one", lambda: active.take([first]))
    Taking(stalled, system_clock).take([finished])
    assert not interrupted._meanwhile
    assert cells_of(new_store().current()) == naive_cells([life])
    assert is_sound(new_store().current())


@pytest.mark.parametrize("seed", range(4 if THOROUGH else 1))
def test_processes_that_consume_the_same_at_once_agree(new_store: Callable[[], StatsStore], seed: int) -> None:
    lives = many(60, at("2024-08-20 08:00"), 3, AGENCIES, PROCEDURES)
    items = events_of(lives)
    failures: list[BaseException] = []

    def consume(number: int) -> None:
        mine = list(items)
        mine.sort(key=lambda item: zlib.crc32(f"{seed}{number}{item.event.id}".encode()))
        taking = Taking(new_store(), system_clock)
        try:
            for n in range(0, len(mine), 50):
                taking.take(mine[n : n + 50])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert cells_of(new_store().current()) == naive_cells(lives)
    assert is_sound(new_store().current())
    logged = [row["_id"] for row in new_store().log.rows.find(sort=[("_id", 1)])]
    assert logged == list(range(1, len(logged) + 1))


# -- the archive -------------------------------------------------------------------------------------------------------


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


def test_nothing_personal_is_stored(stats: StatsStore, taking: Taking) -> None:
    taking.take(events_of(many(50, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES)))
    stored = [
        text
        for name in stats.database.list_collection_names()
        for document in stats.database[name].find()
        for text in strings(document)
    ]
    assert len(stored) > 1000
    assert "Thiếu giấy chứng sinh" in stored
    assert [text for text in stored if text == "personal" or any(word in text for word in PERSON.values())] == []


def test_what_says_nothing_that_is_counted_is_archived_too(stats: StatsStore, taking: Taking) -> None:
    made = event("notify.message.sent.v9", "m1", 1, at("2024-08-20 09:00"), {"attempts": 2, "personal": PERSON})
    assert taking.take(messages([made])) == [Done()]
    document = stats.archive.events.find_one({"_id": "notify.message:m1:1"})
    assert document is not None
    assert document["data"] == {"attempts": 2}
    assert document["time"] == at("2024-08-20 09:00")
    assert (document["type"], document["subject"], document["sequence"]) == ("notify.message.sent.v9", "m1", 1)


def test_what_cannot_be_stored_is_parked_and_the_rest_is_not(stats: StatsStore, taking: Taking) -> None:
    now = at("2024-08-20 09:00")
    made = [event("notify.message.sent.v1", f"m{n}", 1, now, {"n": value}) for n, value in enumerate([1, 2**64, 3])]
    made.append(event("notify.message.sent.v1", "m9", 1, now, {"a\0b": 1}))
    assert taking.take(messages(made)) == [Done(), Invalid("cannot be stored"), Done(), Invalid("cannot be stored")]
    assert stats.archive.events.count_documents({}) == 2


def test_a_row_says_what_it_changed(stats: StatsStore, taking: Taking) -> None:
    now, then = at("2024-08-20 09:00"), at("2024-07-31 23:59")
    taking.take(events_of([Life(id="a", filed_at=now), Life(id="b", agency="H56.15", filed_at=then)]))
    taking.take(messages([event("notify.message.sent.v1", "m1", 1, now, {})]))
    touched = stats.changes.after(0, 1)
    assert (touched.log, touched.agencies, touched.since, touched.more) == (
        1, frozenset({"H56.14", "H56.15"}), date(2024, 7, 31), True,
    )  # fmt: skip
    assert (stats.changes.after(1, 9).agencies, stats.changes.after(1, 9).since) == (frozenset(), None)
    assert [row["events"] for row in stats.log.after(1, 9)] == [["notify.message:m1:1"]]


# -- rebuild -----------------------------------------------------------------------------------------------------------


def test_a_rebuild_from_the_archive_gives_the_same_and_mends_what_was_wrong(stats: StatsStore, taking: Taking) -> None:
    lives = many(80, at("2024-08-20 08:00"), 30, AGENCIES, PROCEDURES)
    taking.take(events_of(lives))
    before = facts_of(stats.current())
    wrong = stats.current().sums.months.find_one({"agency": "H56.14"})
    assert wrong is not None
    name = min(wrong["e"])
    stats.current().sums.months.update_one({"_id": wrong["_id"]}, {"$inc": {f"e.{name}.21.received": 5}})
    stats.current().facts.delete_one({"_id": lives[1].id})
    rebuilding = Rebuilding(stats, system_clock)
    done = rebuilding.rebuild()
    assert stats.generation() == done.generation == 1
    assert done.differing == 1
    [found] = done.differences
    assert (found.place["agency"], found.month, found.measure) == ("H56.14", wrong["month"], "received")
    assert found.was == found.is_now + 5
    assert cells_of(stats.current()) == naive_cells(lives)
    assert facts_of(stats.current()) == before
    assert is_sound(stats.current())
    assert rebuilding.rebuild().differences == ()
    assert {name for name in stats.database.list_collection_names() if name.startswith("facts")} == {
        "facts_1",
        "facts_2",
    }


def test_what_is_consumed_after_a_rebuild_goes_on_from_it(stats: StatsStore, taking: Taking) -> None:
    lives = many(60, at("2024-08-20 08:00"), 30, AGENCIES, PROCEDURES)
    items = events_of(lives)
    taking.take(items[:150])
    Rebuilding(stats, system_clock).rebuild()
    taking.take(items[100:])
    assert cells_of(stats.current()) == naive_cells(lives)
    assert is_sound(stats.current())
    assert stats.log.last().generation == 1


def test_a_measure_that_is_new_is_there_after_a_rebuild(
    stats: StatsStore, taking: Taking, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = many(40, at("2024-08-20 08:00"), 30, AGENCIES, PROCEDURES)
    items = events_of(lives)
    taking.take(items[:100])
    real = contributions

    def more(fact: Fact) -> Any:
        return {
            day: sums | ({"doubled": 2 * sums["received"]} if "received" in sums else {})
            for day, sums in real(fact).items()
        }

    monkeypatch.setattr(facts, "contributions", more)
    # Until then the sums are what the facts say, old ones as they were counted and new ones as they are now.
    taking.take(items[100:])
    assert is_sound(stats.current())
    done = Rebuilding(stats, system_clock).rebuild()
    assert {found.measure for found in done.differences} == {"doubled"}
    [row] = stats.current().flows(date(2024, 1, 1), date(2025, 1, 1), ()).values()
    assert row["doubled"] == 2 * row["received"]


@pytest.mark.parametrize("late", [150, 400])
def test_a_rebuild_misses_nothing_that_is_consumed_meanwhile(
    new_store: Callable[[], StatsStore], monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    """`late`: some while it reads the archive, some in many rows before its switch, and some just before it."""
    lives = many(120, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)
    items = events_of(lives)
    live = new_store()
    consume = Taking(live, system_clock).take
    consume(items[:150])
    switch, build = Log.switch, Rebuilding.build

    def while_it_reads(rebuilding: Rebuilding, *arguments: Any, **named: Any) -> int:
        count = build(rebuilding, *arguments, **named)
        for n in range(150, late, 5):
            consume(items[n : n + 5])
        return count

    def at_the_last_moment(log: Log, *arguments: Any) -> int | None:
        monkeypatch.setattr(Log, "switch", switch)
        consume(items[late:])
        return switch(log, *arguments)

    monkeypatch.setattr(Rebuilding, "build", while_it_reads)
    monkeypatch.setattr(Log, "switch", at_the_last_moment)
    done = Rebuilding(new_store(), system_clock).rebuild()
    assert done.differences == ()
    assert cells_of(live.current()) == naive_cells(lives)
    assert is_sound(live.current())


def test_a_batch_that_stalls_over_the_switch_goes_into_the_new_projection(new_store: Callable[[], StatsStore]) -> None:
    lives = many(60, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)
    items = events_of(lives)
    stalled, rebuilding = new_store(), Rebuilding(new_store(), system_clock)
    Taking(stalled, system_clock).take(items[:100])
    Interrupted(stalled.log.rows, "insert_one", rebuilding.rebuild)
    Taking(stalled, system_clock).take(items[100:])
    assert stalled.generation() == 1
    assert cells_of(stalled.current()) == naive_cells(lives)
    assert is_sound(stalled.current())


@pytest.mark.parametrize(("owner", "name"), [(Building, "flush"), (Log, "switch"), (Log, "_switch"), (Later, "begin")])
def test_a_rebuild_that_died_changed_nothing_and_can_be_begun_anew(
    stats: StatsStore, taking: Taking, dies: Callable[[type, str], None], owner: type, name: str
) -> None:
    lives = many(40, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)
    items = events_of(lives)
    taking.take(items[:100])
    before = cells_of(stats.current())
    dies(owner, name)
    with pytest.raises(DiedError):
        Rebuilding(stats, system_clock).rebuild()
    assert stats.generation() == 0
    assert cells_of(stats.current()) == before
    taking.take(items[100:])
    assert Rebuilding(stats, system_clock).rebuild().generation == 2
    assert cells_of(stats.current()) == naive_cells(lives)


def test_what_was_rebuilt_is_found_by_the_same_indexes(stats: StatsStore, taking: Taking) -> None:
    taking.take(events_of(many(20, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)))
    Rebuilding(stats, system_clock).rebuild()
    for kind in COLLECTIONS:
        before, after = (stats.database[f"{kind}_{generation}"].index_information() for generation in (0, 1))
        assert before
        assert after == before, kind


def test_of_two_rebuilds_the_later_one_wins(new_store: Callable[[], StatsStore]) -> None:
    first, second = new_store(), new_store()
    slow, fast = first.new_generation(), second.new_generation()

    def switch(stats: StatsStore, fresh: Projection) -> None:
        stats.log.switch(fresh, stats.log.last().number, system_clock(), lambda *_: None, 5)

    switch(second, fast)
    with pytest.raises(Overtaken, match="rebuild"):
        switch(first, slow)
    assert first.generation() == fast.generation
