"""What a whole batch says of a dossier is what its events say, one after the other."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from stats.domain.facts import Fact, merge, together
from stats.inbound.dossiers import Saying
from tests.stats.making import at, many, messages

SAID = [
    item.data.fact(item.event.sequence + shift)
    for life in many(12, at("2024-08-20 08:00"), 9, ("H56.14", "H56.15"), ("1.1", "1.2"))
    for item in messages(life.events())
    if isinstance(item.data, Saying)
    for shift in (0, 1)
]


@given(st.lists(st.sampled_from(SAID), max_size=12))
def test_together_is_merged_one_after_the_other(said: list[Fact]) -> None:
    assert together(said) == reduce(merge, said, Fact())
    merged = [reduce(merge, said[:4], Fact()), reduce(merge, said[4:], Fact())]
    assert together(merged) == reduce(merge, said, Fact())
