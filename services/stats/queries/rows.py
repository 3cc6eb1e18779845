"""A row of counts as it is answered: the numbers of LEAVES, each a sum of measures, as a tree or as its JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
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
    is the same in each row, so they are filled in, and no serializer walks through a tree."""
    return b"[" + b",".join([_ROW % (name, *numbers) for name, numbers in zip(names, rows, strict=True)]) + b"]"


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
_ROW = b"{%b" + to_json(as_tree([0] * len(LEAVES)))[1:].replace(b"0", b"%d")
"""Takes what names the row, and its numbers."""
