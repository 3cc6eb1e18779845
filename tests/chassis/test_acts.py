"""Repeated requests, stale versions and races: the first answer byte for byte, and every change exactly once."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chassis import acts, store
from chassis.auth import Principal
from chassis.clock import id_from
from chassis.envelope import EventData
from chassis.errors import KeyReused, NotFound, Stale, Unavailable, WrongState
from chassis.web import Answer, Call
from tests.chassis.toy import WHEN, Thing, ThingMade, ThingRenamed, thing

Things = store.Aggregates[Thing]


def call(key: str | None = "k1", body: str = "{}", subject: str = "u1", if_match: int | None = None) -> Call:
    principal = Principal(subject, "", frozenset(), None, frozenset(), "person")
    return Call(principal, WHEN, WHEN, key, if_match, None, id_from(body))


def shown(state: Thing, version: int) -> Answer:
    return Answer({"id": state.id, "name": state.name, "version": version}, 201 if version == 1 else 200, version)


def create(things: Things, by: Call, name: str = "Đức", code: str | None = None) -> Answer:
    id = by.id_for_new("thing")
    return acts.create(things, id, thing(id, name, code=code), [ThingMade(name=name)], by, shown)


def rename(things: Things, id: str, by: Call, name: str) -> Answer:
    def decide(state: Thing) -> tuple[Thing, Sequence[EventData]]:
        if state.name == "closed":
            raise WrongState("closed")
        return replace(state, name=name), [ThingRenamed(name=name)]

    return acts.change(things, id, by, sees=lambda state: state.tags == (), decide=decide, render=shown)


def test_a_repeated_creation_gets_the_first_answer_byte_for_byte(things: Things) -> None:
    first = create(things, call())
    again = create(things, call(), name="rendered otherwise")
    assert again.text() == first.text()
    assert '"name":"Đức"' in str(again.body)
    assert (again.status, again.version) == (first.status, first.version) == (201, 1)
    assert things.collection.count_documents({}) == 1


def test_even_after_it_was_changed(things: Things) -> None:
    first = create(things, call("k1"))
    rename(things, call("k1").id_for_new("thing"), call("k2"), "b")
    assert create(things, call("k1")) == first


def test_the_same_key_with_another_body_is_refused(things: Things) -> None:
    create(things, call())
    with pytest.raises(KeyReused):
        create(things, call(body="{other}"))
    assert things.collection.count_documents({}) == 1


def test_another_callers_same_key_is_another_one(things: Things) -> None:
    assert create(things, call(subject="u1")).text() != create(things, call(subject="u2")).text()
    assert things.collection.count_documents({}) == 2


def test_without_a_key_each_is_a_new_one(things: Things) -> None:
    create(things, call(None))
    create(things, call(None))
    assert things.collection.count_documents({}) == 2


def test_a_taken_unique_value_is_told_to_the_caller(things: Things) -> None:
    things.collection.create_index("code", unique=True, sparse=True)
    create(things, call("k1"), code="c1")
    with pytest.raises(acts.Taken) as error:
        create(things, call("k2"), code="c1")
    assert error.value.field == "code"


def test_taken_passes_through_context_managers() -> None:
    @contextlib.contextmanager
    def around() -> Iterator[None]:
        yield

    with pytest.raises(acts.Taken, match="code"), around():
        raise acts.Taken("code")


def test_of_many_at_once_with_the_same_key_all_get_the_same_answer(things: Things) -> None:
    start, answers = threading.Barrier(8), list[Any]()

    def run() -> None:
        start.wait(60)
        answers.append(create(things, call()).text())

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert things.collection.count_documents({}) == 1


def test_a_repeated_change_gets_the_first_answer_and_happens_once(things: Things) -> None:
    create(things, call("k1"))
    id = call("k1").id_for_new("thing")
    first = rename(things, id, call("k2"), "b")
    rename(things, id, call("k3"), "c")
    assert rename(things, id, call("k2"), "b") == first
    found = things.load(id)
    assert found is not None
    assert (found.state.name, found.version, found.sequence) == ("c", 3, 3)
    with pytest.raises(KeyReused):
        rename(things, id, call("k2", body="{other}"), "d")


def test_a_stale_version_is_refused_but_a_repetition_is_not(things: Things) -> None:
    create(things, call("k1"))
    id = call("k1").id_for_new("thing")
    first = rename(things, id, call("k2", if_match=1), "b")
    assert rename(things, id, call("k2", if_match=1), "b") == first
    with pytest.raises(Stale):
        rename(things, id, call("k3", if_match=1), "c")
    assert rename(things, id, call(None, if_match=2), "c").version == 3


def test_what_may_not_be_seen_is_not_there(things: Things) -> None:
    things.add([store.New("t1", thing("t1", tags=("hidden",)), [], WHEN)])
    for id in ("t1", "t2"):
        with pytest.raises(NotFound):
            rename(things, id, call(), "b")


def test_what_the_domain_refuses_changes_nothing(things: Things) -> None:
    things.add([store.New("t1", thing("t1", name="closed"), [], WHEN)])
    with pytest.raises(WrongState):
        rename(things, "t1", call(), "b")
    found = things.load("t1")
    assert found is not None
    assert found.version == 1


def test_a_change_that_lost_a_race_is_decided_again(things: Things) -> None:
    things.add([store.New("t1", thing("t1", name=""), [], WHEN)])
    start = threading.Barrier(6)
    seen: list[str] = []

    def run(letter: str) -> None:
        def decide(state: Thing) -> tuple[Thing, Sequence[EventData]]:
            seen.append(state.name)
            return replace(state, name=state.name + letter), [ThingRenamed(name=letter)]

        start.wait(60)
        acts.change(things, "t1", call(letter), sees=lambda _: True, decide=decide, render=shown)

    threads = [threading.Thread(target=run, args=(letter,)) for letter in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = things.load("t1")
    assert found is not None
    assert sorted(found.state.name) == list("abcdef")
    assert (found.version, found.sequence) == (7, 6)


def test_after_too_many_lost_races_the_caller_is_asked_to_come_back(
    things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(things, call("k1"))
    tried: list[int] = []

    def loses(changes: Sequence[Any]) -> list[bool]:
        tried.append(len(changes))
        return [False]

    monkeypatch.setattr(things, "save", loses)
    with pytest.raises(Unavailable) as error:
        rename(things, call("k1").id_for_new("thing"), call("k2"), "b")
    assert (len(tried), error.value.retry_after) == (acts.RACES, 1)


def put(things: Things, by: Call, name: str) -> Answer:
    def decide(state: Thing | None) -> tuple[Thing, Sequence[EventData]]:
        return thing("t1", name), [ThingRenamed(name=name)]

    return acts.put(things, "t1", by, decide=decide, render=shown)


def test_put_makes_and_then_changes(things: Things) -> None:
    first = put(things, call("k1"), "a")
    second = put(things, call("k2", if_match=1), "b")
    assert ((first.status, first.version), (second.status, second.version)) == ((201, 1), (200, 2))
    assert put(things, call("k1"), "a") == first
    assert put(things, call("k2", if_match=1), "b") == second
    with pytest.raises(Stale):
        put(things, call("k3", if_match=1), "c")
    with pytest.raises(KeyReused):
        put(things, call("k2", body="{other}"), "c")


def test_put_of_what_is_not_there_yet_has_the_version_0(things: Things) -> None:
    with pytest.raises(Stale):
        put(things, call("k1", if_match=1), "a")
    assert put(things, call("k1", if_match=0), "a").version == 1
