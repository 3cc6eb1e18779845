"""What was read lately is remembered for a moment."""

import time

import pytest

from chassis.cache import Cached


def test_what_was_read_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now, reads = [100.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def read(key: str) -> str:
        reads.append(key)
        return f"{key}{len(reads)}"

    cached = Cached(read, seconds=5)
    assert [cached("a"), cached("a"), cached("b")] == ["a1", "a1", "b2"]
    now[0] += 4.9
    assert cached("a") == "a1"
    now[0] += 0.2
    assert cached("a") == "a3"


def test_nothing_found_is_not_remembered() -> None:
    found: dict[str, str] = {}
    cached = Cached(found.get, seconds=100)
    assert cached("a") is None
    found["a"] = "x"
    assert cached("a") == "x"


def test_it_does_not_grow_without_end() -> None:
    cached = Cached(lambda key: key, seconds=100, most=3)
    for n in range(10):
        assert cached(str(n)) == str(n)
        assert len(cached._known) <= 3
