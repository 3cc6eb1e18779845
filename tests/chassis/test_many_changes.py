"""Many changes with one request: each as if it came by itself, with few writes, and each exactly once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from chassis import acts, store
from chassis.acts import Alteration
from chassis.envelope import EventData
from chassis.errors import KeyReused, NotFound, Stale, Unavailable, WrongState
from chassis.web import Answer
from tests.chassis.test_acts import call, shown
from tests.chassis.toy import WHEN, Thing, ThingRenamed, thing

Things = store.Aggregates[Thing]


def add(id: str, letter: str, key: str | None = None, **more: Any) -> Alteration[Thing]:
    """Puts the letter behind the thing's name."""

    def decide(state: Thing) -> tuple[Thing, Sequence[EventData]]:
        if letter == "!":
            raise WrongState("no")
        return replace(state, name=state.name + letter), [ThingRenamed(name=letter)]

    return Alteration(id, call(key or f"{id}{letter}", **more), lambda state: not state.tags, decide, shown)


@pytest.fixture
def three(things: Things) -> Things:
    things.add([store.New(id, thing(id, name=""), [], WHEN) for id in ("a", "b", "c")])
    hidden = thing("hidden", name="")
    things.add([store.New("hidden", replace(hidden, tags=("x",)), [], WHEN)])
    return things


def names(things: Things) -> dict[str, str]:
    return {id: loaded.state.name for id, loaded in things.load_many(["a", "b", "c", "hidden"]).items()}


def kinds(outcomes: Sequence[Any]) -> list[Any]:
    return [each.version if isinstance(each, Answer) else type(each) for each in outcomes]


def test_each_has_its_own_outcome_in_order(three: Things) -> None:
    items = [
        add("a", "1"),
        add("hidden", "1"),
        add("nowhere", "1"),
        add("a", "2"),
        add("b", "!"),
        add("b", "1", if_match=7),
        add("b", "2", if_match=1),
        add("a", "3"),
    ]
    assert kinds(acts.change_many(three, items)) == [2, NotFound, NotFound, 3, WrongState, Stale, 2, 4]
    assert names(three) == {"a": "123", "b": "2", "c": "", "hidden": ""}


def test_a_repetition_gets_the_first_answers(three: Things) -> None:
    items = [add("a", "1"), add("b", "1")]
    first = [each.text() for each in acts.change_many(three, items) if isinstance(each, Answer)]
    acts.change_many(three, [add("a", "2")])
    again = acts.change_many(three, [*items, add("a", "3", key="a1", body="other")])
    assert [each.text() for each in again if isinstance(each, Answer)] == first
    assert isinstance(again[2], KeyReused)
    assert names(three)["a"] == "12"


def test_one_read_and_one_write_for_all(three: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    save = three.save

    def counting(changes: Sequence[Any]) -> list[bool]:
        asked.append(len(changes))
        return save(changes)

    monkeypatch.setattr(three, "save", counting)
    acts.change_many(three, [add("a", "1"), add("b", "1"), add("c", "1"), add("a", "2")])
    assert asked == [3, 1], "the second of the same thing is done after the first"
    assert acts.change_many(three, []) == []


def test_those_that_lost_a_race_are_decided_again(three: Things) -> None:
    start = Barrier(6)

    def run(letter: str) -> list[Any]:
        start.wait(60)
        return kinds(acts.change_many(three, [add(id, letter) for id in ("a", "b", "c")]))

    with ThreadPoolExecutor(6) as at_once:
        versions = list(at_once.map(run, "uvwxyz"))
    assert [sorted(name) for id, name in names(three).items() if id != "hidden"] == [list("uvwxyz")] * 3
    assert [sorted(each) for each in zip(*versions, strict=True)] == [[2, 3, 4, 5, 6, 7]] * 3


def test_after_too_many_lost_races_only_those_are_asked_to_come_back(
    three: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = three.save

    def losing(changes: Sequence[Any]) -> list[bool]:
        won = [change for change in changes if change.before.id != "b"]
        save(won)
        return [change.before.id != "b" for change in changes]

    monkeypatch.setattr(three, "save", losing)
    assert kinds(acts.change_many(three, [add("a", "1"), add("b", "1"), add("c", "1")])) == [2, Unavailable, 2]
