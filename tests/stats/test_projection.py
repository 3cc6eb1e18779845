"""The counts equal the dossiers, whatever comes twice, in another order, half-way, or from two processes at once."""

import random
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chassis.clock import system_clock
from chassis.consume import Done, Duplicate, Invalid, Received
from stats.store import StatsStore
from stats.store.archive import Archive
from stats.store.projection import Open, Projection
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.stats.making import PERSON, Halt, Life, Stock, at, cells_of, event, many, messages, naive_cells, naive_stock

AGENCIES = ("H56.14", "H56.15")
PROCEDURES = ("1.001193", "1.012784")
LEVELS: list[int | str] = [3, 4, "partial", "full"]


def facts_of(projection: Projection) -> dict[str, Any]:
    return {row["_id"]: (row["said"], {c["cell"]: c["as"] for c in row["counts"]}) for row in projection.facts.find()}


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
    for day in ("2024-09-01", "2024-09-02", "2024-09-20"):
        [found] = [
            *stats.current()
            .open_at(date.fromisoformat(day), min(date.fromisoformat(day), date(2024, 9, 10)), (), None)
            .values()
        ] or [Open(0, 0, 0, 0)]
        assert Stock(found.total, found.overdue, 0, found.supplement, found.paused) == replace(
            naive_stock(lives, day, "2024-09-10"), waiting=0
        )
    arrived = facts_of(stats.current())
    stats.current().facts.delete_many({})
    Taking(StatsStore(stats.database), system_clock).take(events_of(lives))
    assert facts_of(stats.current()) == arrived


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


@pytest.mark.parametrize(
    ("owner", "name"), [(Archive, "note"), (Projection, "merge"), (Projection, "recount"), (Projection, "count")]
)
def test_what_died_between_two_writes_is_right_after_redelivery(
    new_store: Callable[[], StatsStore], dies: Callable[[type, str], None], owner: type, name: str
) -> None:
    lives = many(60, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES)
    items = events_of(lives)
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    Taking(new_store(), system_clock).take(first[:40])
    dies(owner, name)
    with pytest.raises(DiedError):
        Taking(new_store(), system_clock).take(first)
    # What comes next is not the batch that died but another one: some of it beside news of the same dossiers.
    taking = Taking(new_store(), system_clock)
    taking.take([*second, *first[::2]])
    taking.take(first[1::2])
    assert cells_of(new_store().current()) == naive_cells(lives)


# -- two processes at once ---------------------------------------------------------------------------------------------


def test_a_stalled_process_cannot_overwrite_a_newer_count(new_store: Callable[[], StatsStore]) -> None:
    """It has counted the facts, stalls, others count more, it wakes up: its write is refused, and it counts anew."""
    lives = [Life(id=f"d{n}", filed_at=at("2024-08-20 09:00")) for n in range(400)]
    stalled, active = new_store(), new_store()
    projection = stalled.current()
    real = projection.count
    woke: list[bool] = []

    def count(cells: Sequence[str]) -> Any:
        counted = real(cells)
        if not woke:
            woke.append(True)
            Taking(active, system_clock).take(events_of(lives))
        return counted

    projection.count = count  # type: ignore[method-assign]
    stalled.current = lambda: projection  # type: ignore[method-assign]
    Taking(stalled, system_clock).take(events_of(lives[:70]))
    assert woke
    assert cells_of(active.current()) == naive_cells(lives)


def test_a_process_that_stalls_between_fact_and_cell_does_no_harm(
    new_store: Callable[[], StatsStore],
) -> None:
    lives = [Life(id=f"d{n}", filed_at=at("2024-08-20 09:00")) for n in range(100)]
    stalled = new_store().current()
    old = stalled.merge({i.event.subject: i.data.fact(1) for i in events_of(lives[:10])})
    Taking(new_store(), system_clock).take(events_of(lives))
    assert cells_of(stalled) == naive_cells(lives)
    stalled.recount(old)
    assert cells_of(stalled) == naive_cells(lives)


class Interrupted:
    """A collection behind which, once, something else happens between its first `find` and what follows."""

    def __init__(self, real: Any, meanwhile: Callable[[], object]) -> None:
        self._real = real
        self._meanwhile: list[Callable[[], object]] = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def find(self, *arguments: Any) -> list[Any]:
        found = list(self._real.find(*arguments))
        if self._meanwhile:
            self._meanwhile.pop()()
        return found


@pytest.mark.parametrize("known", [False, True])
def test_what_two_processes_learn_of_a_dossier_at_once_is_all_kept(
    new_store: Callable[[], StatsStore], known: bool
) -> None:
    received = at("2024-08-20 09:00")
    life = Life(id="d", channel="post", filed_at=received, received_at=received, finished_at=at("2024-08-21 09:00"))
    first, _, _, _, finished = events_of([life])
    stalled, active = new_store(), Taking(new_store(), system_clock)
    if known:
        active.take(events_of([life])[1:2])
    projection = stalled.current()
    meanwhile = Interrupted(projection.facts, lambda: active.take([first]))
    projection.facts = meanwhile  # type: ignore[assignment]
    stalled.current = lambda: projection  # type: ignore[method-assign]
    Taking(stalled, system_clock).take([finished])
    assert cells_of(new_store().current()) == naive_cells([life])


@pytest.mark.parametrize("seed", range(3))
def test_processes_that_consume_the_same_at_once_agree(new_store: Callable[[], StatsStore], seed: int) -> None:
    lives = many(120, at("2024-08-20 08:00"), 3, AGENCIES, PROCEDURES)
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
    logged = [row["_id"] for row in new_store().archive.log.find(sort=[("_id", 1)])]
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


def test_the_cursor_never_passes_by_an_event(new_store: Callable[[], StatsStore]) -> None:
    """A process that stalls between archiving and listing lists later, behind what readers have seen."""
    stalled, active = new_store().archive, new_store().archive
    early, late = events_of(
        [Life(id="a", filed_at=at("2024-08-20 09:00")), Life(id="b", filed_at=at("2024-08-20 10:00"))]
    )
    stalled.note(["intake.dossier:none:1"], system_clock())
    stalled.events.insert_one({**stalled_document(early), "_id": "intake.dossier:none:1"})
    stalled.add([early.event])
    active.add([late.event])
    active.note([late.event.id], system_clock())
    cursor, seen = active.after(1)
    assert [each.id for each in seen] == [late.event.id]
    stalled.note([early.event.id], system_clock())
    assert [each.id for each in active.after(cursor)[1]] == [early.event.id]
    assert active.after(active.last()) == (3, [])


def stalled_document(item: Received) -> dict[str, Any]:
    return {**item.event.model_dump(exclude={"id", "specversion"})}


def test_pages_of_the_archive_hold_whole_rows(stats: StatsStore, taking: Taking) -> None:
    items = events_of(many(30, at("2024-08-20 08:00"), 20, AGENCIES, PROCEDURES))
    for n in range(0, len(items), 7):
        taking.take(items[n : n + 7])
    cursor, seen = 0, []
    while (page := stats.archive.after(cursor, at_least=10))[1]:
        cursor = page[0]
        seen += [each.id for each in page[1]]
    assert seen == [item.event.id for item in items]
    assert cursor == stats.archive.last()


# -- rebuild -----------------------------------------------------------------------------------------------------------


def test_a_rebuild_from_the_archive_gives_the_same_and_mends_what_was_wrong(stats: StatsStore, taking: Taking) -> None:
    lives = many(80, at("2024-08-20 08:00"), 30, AGENCIES, PROCEDURES)
    taking.take(events_of(lives))
    before = facts_of(stats.current())
    stats.current().cells.update_one({"received": 1}, {"$inc": {"received": 5}})
    stats.current().facts.delete_one({"_id": lives[1].id})
    rebuilding = Rebuilding(stats)
    done = rebuilding.rebuild(lambda _: None)
    assert stats.generation() == done.generation == 1
    assert len(done.comparison.differences) == 1
    assert cells_of(stats.current()) == naive_cells(lives)
    assert facts_of(stats.current()) == before
    assert rebuilding.rebuild(lambda _: None).comparison.equal
    assert {name for name in stats.database.list_collection_names() if name.startswith("facts")} == {
        "facts_1",
        "facts_2",
    }


def test_a_rebuild_misses_nothing_that_is_consumed_meanwhile(
    new_store: Callable[[], StatsStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = many(120, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)
    items = events_of(lives)
    live = new_store()
    consume = Taking(live, system_clock).take
    consume(items[:200])
    switch = StatsStore.make_current

    def consumed_until_the_last_moment(store: StatsStore, projection: Projection, cursor: int) -> None:
        consume(items[300:400])
        # This one listed its events and looked which projection is current just before the switch; it writes after it.
        old = live.current()
        live.archive.add([item.event for item in items[400:]])
        live.archive.note([item.event.id for item in items[400:]], system_clock())
        switch(store, projection, cursor)
        old.recount(old.merge({item.event.subject: item.data.fact(item.event.sequence) for item in items[400:401]}))

    monkeypatch.setattr(StatsStore, "make_current", consumed_until_the_last_moment)
    Rebuilding(new_store()).rebuild(lambda count: consume(items[200:300]) if count == 200 else None)
    assert cells_of(live.current()) == naive_cells(lives)


@pytest.mark.parametrize("again", ["merge", "recount", "count"])
def test_a_rebuild_that_died_after_its_switch_is_finished_by_the_worker(
    new_store: Callable[[], StatsStore],
    monkeypatch: pytest.MonkeyPatch,
    dies: Callable[[type, str], None],
    again: str,
) -> None:
    lives = many(40, at("2024-08-20 08:00"), 10, AGENCIES, PROCEDURES)
    items = events_of(lives)
    stats = new_store()
    taking = Taking(stats, system_clock)
    taking.take(items[:100])
    rebuilding = Rebuilding(stats)
    with monkeypatch.context() as patch:
        patch.setattr(Rebuilding, "finish", lambda _: (_ for _ in ()).throw(DiedError))
        patch.setattr(StatsStore, "make_current", _consuming(StatsStore.make_current, taking, items[100:]))
        with pytest.raises(DiedError):
            rebuilding.rebuild(lambda _: None)
    assert cells_of(stats.current()) != naive_cells(lives)
    dies(Projection, again)
    with pytest.raises(DiedError):
        rebuilding.finish()
    assert rebuilding.finish() == len(items) - 100
    assert cells_of(stats.current()) == naive_cells(lives)
    assert rebuilding.finish() == 0


def _consuming(switch: Callable[..., None], taking: Taking, items: Sequence[Received]) -> Callable[..., None]:
    def consume_and_switch(*arguments: Any) -> None:
        taking.take(items)
        switch(*arguments)

    return consume_and_switch


def test_of_two_rebuilds_the_later_one_wins(new_store: Callable[[], StatsStore]) -> None:
    first, second = new_store(), new_store()
    slow, fast = first.new_generation(), second.new_generation()
    second.make_current(fast, 0)
    with pytest.raises(Exception, match="rebuild"):
        first.make_current(slow, 0)
    assert first.generation() == fast.generation
