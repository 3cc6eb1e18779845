"""What threads ask for at the same moment: one command for all, and each gets what is theirs."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from pymongo.errors import WriteError

from chassis import store
from chassis.errors import Unavailable
from chassis.together import Together
from tests.chassis.toy import WHEN, Thing, ThingRenamed, new, thing
from tests.support.waiting import until

Things = store.Aggregates[Thing]


class Away(Exception):  # noqa: N818 (a state of things, as in chassis.worker)
    """The error that concerns everybody."""


class Slow:
    """Answers each number with its double, and each command only when it is let go."""

    def __init__(self) -> None:
        self.commands: list[list[int]] = []
        self.go = threading.Semaphore(0)

    def __call__(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.commands.append(list(numbers))
        assert self.go.acquire(timeout=30)
        if 13 in numbers:
            raise ValueError("13")
        if 99 in numbers:
            raise Away
        return [2 * n if n >= 0 else KeyError(n) for n in numbers]


class Crowd:
    """Asks from threads of their own. The first command is held up until all the others wait for the next."""

    def __init__(self, at_most: int = 100) -> None:
        self.slow = Slow()
        self.together = Together(self.slow, common=(Away,), at_most=at_most)
        self._pool = ThreadPoolExecutor(20)

    def ask(self, number: int) -> Future[int]:
        return self._pool.submit(self.together, number)

    def waiting(self) -> int:
        return len(self.together._waiting)

    def asks(self, *numbers: int) -> list[Future[int]]:
        """The futures of the numbers; the first is in a command alone, the others wait behind it in this order."""
        futures = [self.ask(numbers[0])]
        assert until(lambda: len(self.slow.commands) == 1)
        for n, number in enumerate(numbers[1:], 1):
            futures.append(self.ask(number))
            assert until(lambda n=n: self.waiting() == n)  # type: ignore[misc]
        return futures

    def let_all_go(self) -> None:
        for _ in range(50):
            self.slow.go.release()


def test_who_is_alone_waits_for_nobody() -> None:
    together: Together[int, int] = Together(lambda numbers: [2 * n for n in numbers])
    assert [together(1), together(2)] == [2, 4]


def test_what_comes_meanwhile_is_one_command() -> None:
    crowd = Crowd()
    futures = crowd.asks(1, 2, 3, 4)
    crowd.let_all_go()
    assert [future.result(30) for future in futures] == [2, 4, 6, 8]
    assert crowd.slow.commands == [[1], [2, 3, 4]]


def test_nobody_is_in_a_command_that_began_before() -> None:
    """What is read for somebody is not older than their question."""
    crowd = Crowd()
    futures = crowd.asks(1, 2)
    crowd.slow.go.release()
    assert futures[0].result(30) == 2
    assert until(lambda: crowd.slow.commands == [[1], [2]])
    third = crowd.ask(3)
    assert until(lambda: crowd.waiting() == 1)
    crowd.let_all_go()
    assert (futures[1].result(30), third.result(30)) == (4, 6)
    assert crowd.slow.commands == [[1], [2], [3]]


def test_a_command_has_its_most() -> None:
    crowd = Crowd(at_most=2)
    futures = crowd.asks(1, 2, 3, 4, 5, 6)
    crowd.let_all_go()
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12]
    assert crowd.slow.commands == [[1], [2, 3], [4, 5], [6]]


def test_an_error_of_one_is_raised_to_that_one() -> None:
    crowd = Crowd()
    futures = crowd.asks(1, 2, -3, 4)
    crowd.let_all_go()
    assert [futures[n].result(30) for n in (0, 1, 3)] == [2, 4, 8]
    assert isinstance(futures[2].exception(30), KeyError)


def test_a_bad_one_spoils_only_itself() -> None:
    crowd = Crowd()
    futures = crowd.asks(1, 2, 13, 4)
    crowd.let_all_go()
    assert [futures[n].result(30) for n in (0, 1, 3)] == [2, 4, 8]
    assert isinstance(futures[2].exception(30), ValueError)
    assert crowd.slow.commands == [[1], [2, 13, 4], [2], [13], [4]]


def test_what_concerns_all_is_raised_to_all_without_another_try() -> None:
    crowd = Crowd()
    futures = crowd.asks(1, 2, 99)
    crowd.let_all_go()
    assert [type(future.exception(30)) for future in futures] == [type(None), Away, Away]
    assert crowd.slow.commands == [[1], [2, 99]]
    assert crowd.ask(5).result(30) == 10


def test_who_waited_for_an_interrupted_one_is_told_and_the_next_goes_on() -> None:
    held = threading.Semaphore(0)

    def run(numbers: Sequence[int]) -> list[int | Exception]:
        assert held.acquire(timeout=30)
        if 2 in numbers:
            raise SystemExit
        return list(numbers)

    together: Together[int, int] = Together(run, at_most=2)
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(together, 1)]
        assert until(lambda: together._busy)
        for n in (2, 3, 4):
            futures.append(pool.submit(together, n))
            assert until(lambda n=n: len(together._waiting) == n - 1)  # type: ignore[misc]
        for _ in range(9):
            held.release()
        assert futures[0].result(30) == 1
        assert isinstance(futures[1].exception(30), SystemExit)
        assert isinstance(futures[2].exception(30), Unavailable)
        assert futures[3].result(30) == 4


# -- aggregates, on a real server --------------------------------------------------------------------------------------

Crowding = Callable[..., list[Any]]


@pytest.fixture
def coded(things: Things) -> Things:
    """Things whose code is unique."""
    things.collection.create_index("code", unique=True, partialFilterExpression={"code": {"$type": "string"}})
    return things


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Crowding:
    """Does all these acts in one command of `things` (`_find`, `_insert` or `_update`), and returns their outcomes."""

    def do(things: Things, command: str, acts: Sequence[Callable[[], object]]) -> list[object]:
        together: Together[object, object] = getattr(things, command)
        inner, held, sizes = together._run, threading.Event(), []

        def run(items: Sequence[object]) -> Sequence[object]:
            sizes.append(len(items))
            if len(sizes) == 1:
                assert held.wait(30)
            return inner(items)

        monkeypatch.setattr(together, "_run", run)
        # A first one that holds the others up, so that they are together.
        first = threading.Thread(target=lambda: things.load("nobody") if command == "_find" else acts[0]())
        outcomes: list[object] = []
        with ThreadPoolExecutor(20) as pool:
            first.start()
            assert until(lambda: bool(sizes))
            rest = acts if command == "_find" else acts[1:]
            futures = []
            for n, act in enumerate(rest, 1):
                futures.append(pool.submit(act))
                assert until(lambda n=n: len(together._waiting) == n)  # type: ignore[misc]
            held.set()
            outcomes = [future.exception(30) or future.result(30) for future in futures]
        first.join(30)
        assert sizes[:2] == [1, len(rest)]
        return outcomes

    return do


def test_many_loads_each_get_their_own(things: Things, crowded: Crowding) -> None:
    things.add([new("a"), new("b"), new("c")])
    found = crowded(things, "_find", [lambda id=id: things.load(id) for id in ("a", "x", "c", "a")])
    assert [each and each.id for each in found] == ["a", None, "c", "a"]


def test_many_loads_are_complete_whatever_their_size(things: Things, crowded: Crowding) -> None:
    """More than one reply of the server can hold (48 MB)."""
    for id in ("a", "b", "c", "d"):
        things.add([store.New(id, thing(id, name=id * 14_000_000), [], WHEN)])
    found = crowded(things, "_find", [lambda id=id: things.load(id) for id in ("a", "b", "c", "d")])
    assert [each and each.state.name[0] for each in found] == ["a", "b", "c", "d"]


def test_many_additions_each_know_what_became_of_them(coded: Things, crowded: Crowding) -> None:
    things = coded
    things.add([new("t0", code="taken"), new("t9", code="other")])
    added = [
        lambda: things.add([new("t1")]),
        lambda: things.add([new("t2")]),
        lambda: things.add([new("t0")]),
        lambda: things.add([new("t3", code="taken")]),
        lambda: things.add([new("t4")]),
    ]
    assert crowded(things, "_insert", added) == [[None], ["_id"], ["code"], [None]]
    assert set(things.load_many(["t1", "t2", "t3", "t4"])) == {"t1", "t2", "t4"}


def test_many_changes_each_know_what_became_of_them(coded: Things, crowded: Crowding) -> None:
    things = coded
    ids = ["a", "b", "c", "d", "e"]
    things.add([new(id, code=f"code {id}") for id in ids])
    before = things.load_many(ids)

    def rename(id: str, **more: Any) -> Callable[[], list[bool]]:
        state = replace(before[id].state, **{"name": "new", **more})
        return lambda: things.save([store.Change(before[id], state, [ThingRenamed(name="new")], WHEN)])

    too_large = rename("e", name="é" * 8_500_000)
    found = crowded(
        things, "_update", [rename("a"), rename("b"), rename("b"), rename("c", code="code a"), rename("d"), too_large]
    )
    assert found[0] == [True]
    # Of two that saw the same version the second lost.
    assert found[1] == [False]
    assert isinstance(found[2], store.FieldTaken)
    assert found[2].field == "code"
    assert found[3] == [True]
    assert isinstance(found[4], Exception)
    assert not isinstance(found[4], store.UNAVAILABLE)
    after = things.load_many(ids)
    assert {id: after[id].state.name for id in ids} == {
        "a": "new", "b": "new", "c": before["c"].state.name, "d": "new", "e": before["e"].state.name,
    }  # fmt: skip
    assert [after[id].version for id in ids] == [2, 2, 1, 2, 1]


def test_what_the_server_refuses_of_one_is_an_error_of_that_one(things: Things, crowded: Crowding) -> None:
    """A list in a place where the server finds something else."""
    things.add([new("a"), new("b"), new("c")])
    before = things.load_many(["a", "b", "c"])
    things.collection.update_one({"_id": "b"}, {"$set": {"outbox": "no list"}})

    def rename(id: str) -> Callable[[], list[bool]]:
        state = replace(before[id].state, name="new")
        return lambda: things.save([store.Change(before[id], state, [ThingRenamed(name="new")], WHEN)])

    found = crowded(things, "_update", [rename("a"), rename("b"), rename("c")])
    assert isinstance(found[0], WriteError)
    assert found[1] == [True]
