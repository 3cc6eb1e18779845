"""A row of counts as it is answered: the numbers of LEAVES, each a sum of measures, as a tree or as its JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from pydantic_core import to_json

from stats.domain.numbers import LEAVES, NUMBERS, Number, measure_of

Numbers = tuple[int, ...]
"""Those of LEAVES, group by group as each begins there. A row is there when one of them is."""
NOTHING: Numbers = (0,) * len(LEAVES)
CARRIED_OVER = "carried_over"
"""What a row calls what was open at its start; levels are those at its end."""


def numbers_of(row: Mapping[str, int]) -> Numbers:
    """Of a row of measures, without those that are 0, and what is carried over."""
    whole = {**ZEROS, **row}
    for name, terms in COMPOSED:
        number = 0
        for term, times in terms:
            number += times * whole[term]
        whole[name] = number
    numbers: Numbers = in_order(whole)
    return numbers


def as_tree(values: Sequence[Any]) -> dict[str, Any]:
    """Each at its path."""
    tree: dict[str, Any] = {}
    for group, names, of in _GROUPS:
        if group:
            tree[group] = dict(zip(names, values[of], strict=True))
        else:
            tree.update(zip(names, values[of], strict=True))
    return tree


def as_text(names: Sequence[bytes], rows: Sequence[Numbers]) -> bytes:
    """JSON of the rows; `names`: of each the members that name it, with a comma behind. What stands between the numbers
    is the same in each row, and most numbers are small: to join them takes half of what a serializer takes."""
    if not rows:
        return b"[]"
    width = 2 * len(LEAVES)
    texts = [text for before in _BEFORE for text in (before, b"")] * len(rows)
    begin, end = _END + b",{", _BEFORE[0]
    texts[0::width] = [begin + name + end for name in names]
    texts[1::2] = map(_DIGITS.__getitem__, chain.from_iterable(rows))
    texts[0] = texts[0].removeprefix(_END + b",")
    return b"[%b%b]" % (b"".join(texts), _END)


def _in_row(name: str, number: Number) -> str:
    """What a row calls it."""
    if number.when == "start" or len(number.terms) > 1:
        return name
    [measure] = number.terms
    return measure_of(measure, number.channel)


def _group_of(path: str) -> str:
    return path.rpartition(".")[0]


def _groups() -> Iterator[tuple[str, tuple[str, ...], slice]]:
    """Of each group of leaves its name, what the leaves are called, and where they are."""
    reached = 0
    for group, paths in groupby(_PATHS, _group_of):
        names = tuple(path.rpartition(".")[2] for path in paths)
        yield group, names, slice(reached, reached + len(names))
        reached += len(names)


COMPOSED = [(name, tuple(NUMBERS[name].terms.items())) for name in LEAVES.values() if len(NUMBERS[name].terms) > 1]
"""The names of what is made of several measures, with these, and how many times each."""
_GROUP_NAMES = list(dict.fromkeys(map(_group_of, LEAVES)))
_PATHS = sorted(LEAVES, key=lambda path: _GROUP_NAMES.index(_group_of(path)))
_NAMES = [_in_row(LEAVES[path], NUMBERS[LEAVES[path]]) for path in _PATHS]
ZEROS = dict.fromkeys([*_NAMES, *(term for _, terms in COMPOSED for term, _ in terms)], 0)
in_order: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*_NAMES)
"""Of a row with all its names its numbers."""
_GROUPS = list(_groups())


class _Digits(dict[int, bytes]):
    """Numbers as they are written: the small ones are kept."""

    def __missing__(self, number: int) -> bytes:
        return b"%d" % number


_DIGITS = _Digits((number, b"%d" % number) for number in range(10_000))
*_BEFORE, _END = to_json(as_tree([0] * len(LEAVES)))[1:].split(b"0")
"""What stands before each number in a row's JSON, and after the last."""
