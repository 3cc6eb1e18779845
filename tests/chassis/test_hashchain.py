"""A chain of entries: a change anywhere is seen, and where."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chassis.hashchain import first_broken, link

ENTRIES: list[dict[str, Any]] = [
    {"at": datetime(2026, 3, 2, 1, tzinfo=UTC), "act": "filed", "by": "Đức"},
    {"at": datetime(2026, 3, 2, 2, tzinfo=UTC), "act": "received", "by": "officer"},
    {"at": datetime(2026, 3, 2, 3, tzinfo=UTC), "act": "handed_over", "by": "officer"},
]


def chained(entries: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    chain: list[tuple[dict[str, Any], str]] = []
    for entry in entries:
        chain.append((entry, link(chain[-1][1] if chain else None, entry)))
    return chain


def test_an_untouched_chain_holds() -> None:
    assert first_broken(chained(ENTRIES)) is None
    assert first_broken([]) is None


def test_the_hash_is_the_documented_one() -> None:
    # Written down: a chain that was stored must verify for ever.
    assert link(None, {"b": 1, "a": "Đ"}) == "e0e69e39d18cd912e95a15cf90fb5c7a5d57cb68af77b5a2e463c2a652930e39"
    assert link("x", {"a": 1}) != link("y", {"a": 1})


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_changed_entry_is_found(index: int) -> None:
    chain = chained(ENTRIES)
    content, kept = chain[index]
    chain[index] = ({**content, "by": "somebody else"}, kept)
    assert first_broken(chain) == index


@pytest.mark.parametrize("index", [0, 1])
def test_a_removed_entry_is_found(index: int) -> None:
    chain = chained(ENTRIES)
    del chain[index]
    assert first_broken(chain) == index


def test_an_entry_that_is_changed_with_its_hash_breaks_the_next() -> None:
    chain = chained(ENTRIES)
    content = {**chain[0][0], "by": "somebody else"}
    chain[0] = (content, link(None, content))
    assert first_broken(chain) == 1


def test_order_of_names_and_zone_of_times_do_not_matter() -> None:
    hanoi = timezone(timedelta(hours=7))
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert link(None, {"a": 1, "at": at}) == link(None, {"at": at.astimezone(hanoi), "a": 1})


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no place"):
        link(None, {"a": object()})
