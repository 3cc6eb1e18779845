"""Aggregates, copies and leases on a real server: what two at once do, what a repetition does, what a poll costs."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure

from chassis import store
from chassis.clock import system_clock
from chassis.store import Carrier, Change, Copies, KeptAnswer, Lease
from tests.chassis import toy
from tests.chassis.toy import WHEN, Hands, Thing, ThingMade, ThingRenamed, new, thing
from tests.support.waiting import until

Things = store.Aggregates[Thing]
MongoDB = Database[store.Document]


def loaded(things: Things, id: str = "t1") -> store.Loaded[Thing]:
    found = things.load(id)
    assert found is not None
    return found


def renamed(before: store.Loaded[Thing], name: str, *events: Any, **options: Any) -> Change[Thing]:
    return Change(before, replace(before.state, name=name), events or [ThingRenamed(name=name)], WHEN, **options)


def outbox(things: Things, id: str = "t1") -> list[str]:
    document = things.collection.find_one({"_id": id})
    assert document is not None
    return [entry["id"] for entry in document["outbox"]]


# -- aggregates --------------------------------------------------------------------------------------------------------


def test_what_is_added_is_loaded(things: Things) -> None:
    state = thing(colour=toy.Colour.BLUE, day=date(2024, 2, 29), tags=("x", "đ"), code="c1")
    assert things.add([store.New("t1", state, [ThingMade(name="Đức")], WHEN)]) == [None]
    assert loaded(things) == store.Loaded("t1", 1, 1, state)
    assert things.load("t2") is None
    assert things.load_many(["t1", "t2"]) == {"t1": loaded(things)}


def test_the_events_are_in_the_same_document(things: Things, clock: Hands) -> None:
    things.add([store.New("t1", thing(), [ThingMade(name="a"), ThingRenamed(name="b")], WHEN, trace="tr")])
    document = things.collection.find_one({"_id": "t1"})
    assert document is not None
    assert [(e["id"], e["key"], e["sequence"], e["at"]) for e in document["outbox"]] == [
        ("toy.thing:t1:1", "toy.thing.made", 1, clock.now), ("toy.thing:t1:2", "toy.thing.renamed", 2, clock.now),
    ]  # fmt: skip
    assert (document["doc_version"], document["doc_sequence"], document["nudged_at"]) == (1, 2, clock.now)
    assert '"traceparent":"tr"' in document["outbox"][0]["body"]
    assert "outbox" not in loaded(things).state.__slots__


def test_nothing_to_do_is_no_write(things: Things) -> None:
    assert things.add([]) == []
    assert things.save([]) == []


def test_the_second_of_the_same_id_is_refused_and_changes_nothing(things: Things) -> None:
    assert things.add([new(name="first")]) == [None]
    assert things.add([new("t2"), new(name="second"), new("t3")]) == [None, "_id", None]
    assert loaded(things).state.name == "first"
    assert outbox(things) == ["toy.thing:t1:1"]
    assert set(things.load_many(["t1", "t2", "t3"])) == {"t1", "t2", "t3"}


def test_a_unique_field_says_which_it_is(things: Things) -> None:
    things.collection.create_index("code", unique=True, sparse=True)
    things.add([new("t1", code="c1")])
    assert things.add([new("t2", code="c1"), new("t3", code="c3"), new("t1", code="c4")]) == ["code", None, "_id"]
    assert things.load("t2") is None
    assert things.add([new("t2", code="c1")]) == ["code"]
    change = Change(loaded(things, "t3"), thing("t3", code="c1"), [], WHEN)
    with pytest.raises(DuplicateKeyError, match=r"things\.code"):
        things.save([change])
    assert loaded(things, "t3").state.code == "c3"


def test_a_change_is_saved_with_its_events_behind_the_others(things: Things) -> None:
    things.add([new()])
    assert things.save([renamed(loaded(things), "b", ThingRenamed(name="b"), ThingRenamed(name="b"))]) == [True]
    assert loaded(things) == store.Loaded("t1", 2, 3, thing(name="b"))
    assert outbox(things) == ["toy.thing:t1:1", "toy.thing:t1:2", "toy.thing:t1:3"]


def test_a_change_without_events_is_a_new_version_and_wakes_nobody(things: Things, clock: Hands) -> None:
    things.add([new()])
    clock.move(seconds=5)
    assert things.save([Change(loaded(things), thing(name="b"), [], WHEN)]) == [True]
    document = things.collection.find_one({"_id": "t1"})
    assert document is not None
    assert (document["doc_version"], document["doc_sequence"], document["nudged_at"]) == (2, 1, WHEN)


@pytest.mark.parametrize("before", [(), ("a",), ("a", "b")])
@pytest.mark.parametrize("after", [(), ("a",), ("a", "b"), ("a", "b", "c"), ("c", "a", "b"), ("b", "a")])
def test_a_list_is_what_it_became_however_it_was_changed(
    things: Things, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    things.add([store.New("t1", thing(tags=before), [], WHEN)])
    assert things.save([Change(loaded(things), thing(tags=after, name="b"), [], WHEN)]) == [True]
    assert loaded(things).state == thing(tags=after, name="b")


def test_a_list_that_grew_is_appended_to_and_not_written_anew(things: Things) -> None:
    things.add([store.New("t1", thing(tags=("a",)), [], WHEN)])
    before = loaded(things)
    # What a write from behind put there stays, so the list was not set.
    things.collection.update_one({"_id": "t1"}, {"$set": {"tags": ["kept"]}})
    assert things.save([Change(before, thing(tags=("a", "b")), [], WHEN)]) == [True]
    assert loaded(things).state.tags == ("kept", "b")


def test_of_two_changes_of_the_same_state_one_is_refused(things: Things) -> None:
    things.add([new(), new("t2")])
    first, second = loaded(things), loaded(things)
    assert things.save([renamed(first, "b")]) == [True]
    assert things.save([renamed(second, "c"), renamed(loaded(things, "t2"), "d")]) == [False, True]
    assert loaded(things).state.name == "b"
    assert outbox(things) == ["toy.thing:t1:1", "toy.thing:t1:2"]
    assert loaded(things, "t2").state.name == "d"


def test_of_two_changes_of_one_thing_in_one_bulk_the_second_is_refused(things: Things) -> None:
    things.add([new()])
    before = loaded(things)
    assert things.save([renamed(before, "b"), renamed(before, "c")]) == [True, False]
    assert (loaded(things).state.name, loaded(things).version) == ("b", 2)


def raced(count: int, act: Callable[[int], bool]) -> list[int]:
    """The numbers of those who won, after `count` threads did it at the same moment."""
    start, won = threading.Barrier(count), list[int]()

    def run(number: int) -> None:
        start.wait(60)
        if act(number):
            won.append(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return won


def test_of_many_savers_at_once_exactly_one_wins(things: Things) -> None:
    def rename(before: store.Loaded[Thing], n: int) -> bool:
        return things.save([renamed(before, f"by {n}")])[0]

    things.add([new()])
    for round in range(10):
        before = loaded(things)
        won = raced(8, partial(rename, before))
        assert len(won) == 1
        after = loaded(things)
        assert (after.state.name, after.version, after.sequence) == (f"by {won[0]}", round + 2, round + 2)
        assert outbox(things)[-1] == f"toy.thing:t1:{round + 2}"


def test_of_many_adders_at_once_exactly_one_wins(things: Things) -> None:
    def add(id: str, n: int) -> bool:
        return things.add([new(id, f"by {n}")]) == [None]

    for round in range(5):
        won = raced(8, partial(add, f"r{round}"))
        assert len(won) == 1
        assert loaded(things, f"r{round}").state.name == f"by {won[0]}"


def test_a_kept_answer_is_kept_with_its_change_and_only_the_newest_are(things: Things) -> None:
    answers = [KeptAnswer(f"k{n}", "h", 200, "{}", n) for n in range(store.KEPT_ANSWERS + 5)]
    things.add([replace(new(), answer=answers[0])])
    assert loaded(things).answers == (answers[0],)
    for answer in answers[1:]:
        things.save([renamed(loaded(things), "b", answer=answer)])
    assert loaded(things).answers == tuple(answers[-store.KEPT_ANSWERS :])
    things.save([renamed(loaded(things), "c")])
    assert loaded(things).answers == tuple(answers[-store.KEPT_ANSWERS :])


def test_documents_of_a_series_continue_its_numbers(things: Things) -> None:
    things.add([replace(new("p1:2"), subject="p1", after=1)])
    assert outbox(things, "p1:2") == ["toy.thing:p1:2"]
    assert loaded(things, "p1:2").sequence == 2


def test_a_write_whose_durability_is_unsure_is_a_store_that_is_away(things: Things) -> None:
    # Two members are asked to confirm, and there is one: the server writes and says that it cannot promise.
    things.add([new()])
    before = loaded(things)
    things.collection = things.collection.with_options(write_concern=WriteConcern(w=2, wtimeout=100))
    with pytest.raises(store.UNAVAILABLE):
        things.add([new("t2")])
    with pytest.raises(store.UNAVAILABLE):
        things.save([renamed(before, "b")])
    copies = Copies(things.collection.database, "copies")
    copies.collection = copies.collection.with_options(write_concern=WriteConcern(w=2, wtimeout=100))
    with pytest.raises(store.UNAVAILABLE):
        copies.put([("a", 1, {})])


@pytest.mark.parametrize("bad", [[new("t1", name="bad")], [new("t1", name="bad"), new("t2", name="bad")]])
def test_any_other_refusal_is_not_taken_for_a_duplicate(things: Things, bad: list[store.New[Thing]]) -> None:
    things.collection.database.create_collection("strict", validator={"name": {"$ne": "bad"}})
    things.collection = things.collection.database["strict"]
    with pytest.raises(OperationFailure):
        things.add(bad)
    assert things.add([new()]) == [None]


def test_writes_are_majority_and_journaled(database: MongoDB) -> None:
    assert database["x"].write_concern.document == {"w": "majority", "j": True}


def test_a_large_number_comes_back_as_a_plain_one(database: MongoDB) -> None:
    database["x"].insert_one({"_id": 1, "a": [2**31, {"b": 2**62}], "c": 7})
    found = database["x"].find_one({"_id": 1})
    assert found == {"_id": 1, "a": [2**31, {"b": 2**62}], "c": 7}
    assert {type(found["a"][0]), type(found["a"][1]["b"]), type(found["c"])} == {int}


def test_what_a_document_cannot_hold_is_refused(database: MongoDB) -> None:
    with pytest.raises(TypeError, match="has no place in a document"):
        database["x"].insert_one({"a": object()})


# -- who publishes -----------------------------------------------------------------------------------------------------


def test_a_worker_takes_what_it_wrote_and_the_relay_gets_it_after_the_grace(database: MongoDB, clock: Hands) -> None:
    carrier = Carrier(clock, grace=timedelta(seconds=10))
    things = store.Aggregates(database, "things", Thing, carrier)
    things.ensure_indexes()
    things.add([new("t1"), new("t2")])
    things.add([new("t1", "again")])
    things.save([renamed(loaded(things, "t2"), "b")])
    stale = renamed(store.Loaded("t1", 7, 7, thing()), "stale")
    assert things.save([stale]) == [False]
    taken = carrier.take()
    assert [(w.collection, w.document, w.event.id) for w in taken] == [
        ("things", "t1", "toy.thing:t1:1"), ("things", "t2", "toy.thing:t2:1"), ("things", "t2", "toy.thing:t2:2"),
    ]  # fmt: skip
    assert carrier.take() == []
    assert store.waiting(things.collection, clock.now + timedelta(seconds=9), 10) == []
    later = store.waiting(things.collection, clock.now + timedelta(seconds=10), 10)
    assert {w.event.id for w in later} == {w.event.id for w in taken}
    assert "nudged_at" not in (things.collection.find_one({"_id": "t1"}) or {})


def test_a_web_process_keeps_nothing_for_itself(things: Things, clock: Hands) -> None:
    carrier = Carrier(clock)
    things.add([new()])
    assert carrier.take() == []
    assert carrier.leaves_to_relay


def test_writers_in_several_threads_lose_nothing_and_mix_nothing(clock: Hands) -> None:
    carrier = Carrier(clock, grace=timedelta(seconds=1))
    event = toy.outgoing_event()
    taken: list[store.Written] = []
    done = threading.Event()

    def take() -> None:
        while not done.is_set():
            mine = carrier.take()
            size = len(mine)
            taken.extend(mine)
            assert len(mine) == size, "what was taken grew"

    taker = threading.Thread(target=take)
    taker.start()

    def note(n: int) -> bool:
        for _ in range(500):
            carrier.note([store.Written("c", str(n), event)])
        return True

    for _ in range(5):
        raced(4, note)
    done.set()
    taker.join()
    taken += carrier.take()
    assert len(taken) == 5 * 4 * 500


# -- the outbox --------------------------------------------------------------------------------------------------------


def test_the_oldest_wait_in_front_and_a_documents_events_stay_in_order(things: Things, clock: Hands) -> None:
    for id in ("b", "a", "c"):
        things.add([new(id)])
        clock.move(seconds=1)
    things.save([renamed(loaded(things, "a"), "x")])
    found = store.waiting(things.collection, clock.now, 10)
    assert [w.event.id for w in found] == ["toy.thing:b:1", "toy.thing:a:1", "toy.thing:a:2", "toy.thing:c:1"]
    assert [w.document for w in store.waiting(things.collection, clock.now, 1)] == ["b"]
    assert [w.document for w in store.waiting(things.collection, WHEN, 10)] == ["b"]


def test_only_what_was_published_is_cleared(things: Things, clock: Hands, database: MongoDB) -> None:
    things.add([new("a"), new("b")])
    found = store.waiting(things.collection, clock.now, 10)
    things.save([renamed(loaded(things, "a"), "x")])
    store.clear(database, found)
    assert (outbox(things, "a"), outbox(things, "b")) == (["toy.thing:a:2"], [])
    assert loaded(things, "a").version == 2
    store.clear(database, found)
    store.clear(database, [])


def test_postponed_events_wait_and_the_others_do_not(things: Things, clock: Hands, database: MongoDB) -> None:
    things.add([new("a"), new("b")])
    found = store.waiting(things.collection, clock.now, 10)
    store.postpone(database, [w for w in found if w.document == "a"], clock.now + timedelta(seconds=30))
    assert [w.document for w in store.waiting(things.collection, clock.now, 10)] == ["b"]
    assert len(store.waiting(things.collection, clock.now + timedelta(seconds=30), 10)) == 2


def test_the_age_of_the_oldest_is_told(things: Things, clock: Hands, database: MongoDB) -> None:
    assert store.oldest_waiting(things.collection) is None
    things.add([new("a")])
    clock.move(seconds=7)
    things.add([new("b")])
    assert store.oldest_waiting(things.collection) == WHEN
    store.clear(database, store.waiting(things.collection, WHEN, 10))
    assert store.oldest_waiting(things.collection) == clock.now


def test_the_poll_reads_no_more_than_what_waits(things: Things, clock: Hands, database: MongoDB) -> None:
    things.add([new(f"old{n}") for n in range(500)])
    store.clear(database, store.waiting(things.collection, clock.now, 1000))
    things.add([new("a"), new("b")])
    commands: list[dict[str, Any]] = []
    # The very filter and hint that `waiting` uses, explained.
    spec = {"find": "things", "filter": {"outbox.at": {"$lte": clock.now}}, "hint": store.OUTBOX_INDEX, "limit": 10}
    commands.append(spec)
    commands.append({**spec, "filter": {"outbox.at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}, "limit": 1})
    for command, documents in zip(commands, (2, 1), strict=True):
        explained = database.command({"explain": command, "verbosity": "executionStats"})
        stats = explained["executionStats"]
        assert (stats["totalDocsExamined"], stats["nReturned"]) == (documents, documents)
        assert stats["totalKeysExamined"] <= documents + 1
        assert "COLLSCAN" not in str(explained["queryPlanner"]["winningPlan"])
    # Without the index, neither is answered at all: the hint makes a missing index an error, not a scan.
    things.collection.drop_index(store.OUTBOX_INDEX)
    with pytest.raises(store.OperationFailure):
        store.waiting(things.collection, clock.now, 10)
    with pytest.raises(store.OperationFailure):
        store.oldest_waiting(things.collection)


def test_a_nudge_is_seen_for_a_web_processs_events_only(things: Things, database: MongoDB, clock: Hands) -> None:
    work = store.Aggregates(database, "work", Thing, Carrier(clock, grace=timedelta(seconds=10)))
    with store.watch_nudges(database, max_await_ms=50) as stream:
        assert stream.try_next() is None
        things.add([new()])
        assert until(stream.try_next)["_id"]
        work.add([new()])
        things.save([Change(loaded(things), thing(name="b"), [], WHEN)])
        clock.move(seconds=1)
        things.save([renamed(loaded(things), "c")])
        assert until(stream.try_next)["_id"]
        assert stream.try_next() is None


# -- copies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_newest_wins_in_whatever_order_it_comes(database: MongoDB, order: tuple[int, ...]) -> None:
    copies = Copies(database, "copies")
    results = [copies.put([("a", sequence, {"name": f"v{sequence}"})])[0] for sequence in order]
    assert copies.collection.find_one({"_id": "a"}) == {"_id": "a", "sequence": 3, "name": "v3"}
    assert results == [sequence == max(order[: n + 1]) for n, sequence in enumerate(order)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 2, 3))))
def test_also_within_one_batch(database: MongoDB, order: tuple[int, ...]) -> None:
    copies = Copies(database, "copies")
    results = copies.put([("a", sequence, {"name": f"v{sequence}"}) for sequence in order])
    assert copies.collection.find_one({"_id": "a"}) == {"_id": "a", "sequence": 3, "name": "v3"}
    assert results == [sequence == 3 for sequence in order]
    assert copies.put([("a", 3, {"name": "again"}), ("b", 1, {})]) == [False, True]
    assert copies.put([]) == []


# -- leases ------------------------------------------------------------------------------------------------------------


def test_of_many_who_ask_one_holds_it(database: MongoDB) -> None:
    leases = [Lease(database, "relay", f"holder-{n}") for n in range(6)]
    [holder] = raced(6, lambda n: leases[n].hold())
    assert [n for n in range(6) if leases[n].hold()] == [holder]
    assert Lease(database, "another", "me").hold()


def test_it_is_free_when_released_and_only_its_holder_releases_it(database: MongoDB) -> None:
    first, second = Lease(database, "relay", "first"), Lease(database, "relay", "second")
    assert first.hold()
    second.release()
    assert not second.hold()
    first.release()
    assert second.hold()
    assert not first.hold()


def test_it_ends_by_the_servers_clock(database: MongoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, heir = Lease(database, "relay", "dead", seconds=2), Lease(database, "relay", "heir", seconds=2)
    # What the holder's own clock says is of no importance.
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert dead.hold()
    assert not heir.hold()
    until(heir.hold)
    row = database["leases"].find_one({"_id": "relay"})
    assert row is not None
    assert row["holder"] == "heir"
    assert abs((row["until"] - system_clock()).total_seconds()) < 60


def test_a_holder_renews_before_it_ends(database: MongoDB) -> None:
    holder, other = Lease(database, "relay", "holder", seconds=3), Lease(database, "relay", "other", seconds=3)
    assert holder.hold()
    first = database["leases"].find_one({"_id": "relay"})
    assert first is not None

    def renewed() -> bool:
        assert holder.hold()
        assert not other.hold()
        row = database["leases"].find_one({"_id": "relay"})
        return row is not None and row["until"] > first["until"]

    until(renewed)


# -- the server --------------------------------------------------------------------------------------------------------


def test_a_ping_says_whether_the_server_answers(database: MongoDB) -> None:
    assert store.ping(database)


def test_looking_for_a_server_that_is_not_there_waits_for_nothing_until_used() -> None:
    database = store.connect("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=1", lazy=True)
    assert database.name == "none"
    database.client.close()
