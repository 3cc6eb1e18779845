"""The rows by month of a calendar year, with or without agency: monitoring systems ask for the whole province.

They are what `stats.queries.counts` makes of any question, here made twelve at once out of the columns of the totals.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from itertools import accumulate, islice
from operator import add

from stats.domain.cells import LEVELS, Level
from stats.domain.numbers import not_yet_due
from stats.queries.rows import CARRIED_OVER, COMPOSED, ZEROS, Numbers, in_order
from stats.store.projection import Found, Key, Projection, Where
from stats.store.totals import MONTHS, Total

Columns = Mapping[str, Sequence[int]]
"""By measure: a number for each month."""
Row = Mapping[str, int]
Levels = Mapping[Level, int]


def is_of_columns(start: date, end: date, by: Sequence[str], where: Where, as_of: date | None) -> bool:
    """Whether the question can be answered here."""
    whole_months = start.day == end.day == 1 and start < end <= date(start.year + 1, 1, 1)
    narrowed = where.field, where.procedure, where.channel, where.service_level
    return as_of is None and whole_months and "month" in by and set(by) <= {"agency", "month"} and not any(
        value is not None for value in narrowed
    )  # fmt: skip


def rows_by_month(
    projection: Projection, start: date, months: int, by: Sequence[str], where: Where, falling: Found | None
) -> Iterator[tuple[Key, str, Numbers]]:
    """The values of `by` without the month, the month, and the numbers of LEAVES: of each of so many `months` from
    `start` on in which there is anything. `falling`: what of the last of them has not come, see `not_yet_due`; None:
    all has."""
    still = [name for name in by if name == "agency"]
    opening: dict[Key, dict[Level, int]] = {}
    for agency, adds in projection.sums.levels_before(start.year, where.agencies):
        row = opening.setdefault((agency,) if still else (), dict.fromkeys(LEVELS, 0))
        for level, number in adds.items():
            row[level] += number
    first, end = start.month - 1, start.month - 1 + months
    names = [f"{start:%Y}-{month + 1:02}" for month in range(end)]
    found: dict[Key, list[Total]] = {}
    for total in projection.sums.totals_of(start.year, where.agencies):
        found.setdefault((total.agency,) if still else (), []).append(total)
    for key in {**dict.fromkeys(opening), **dict.fromkeys(found)}:
        due = None if falling is None else falling.get(key, {})
        shown = _shown(_columns(found.get(key, ())), opening.get(key, {}), due, end)
        for month, numbers in islice(zip(names, zip(*shown, strict=False), strict=False), first, end):
            if any(numbers):
                yield key, month, numbers


def _columns(totals: Iterable[Total]) -> Columns:
    """All of them added up; those first that are alike, which is nearly always all."""
    alike: dict[tuple[str, ...], Total] = {}
    for total in totals:
        before = alike.get(total.measures)
        both = total if before is None else replace(total, numbers=list(map(add, before.numbers, total.numbers)))
        alike[total.measures] = both
    return reduce(_added, (total.columns() for total in alike.values()), {})


def _added(one: Columns, other: Columns) -> Columns:
    both = {measure: list(map(add, numbers, other[measure])) for measure, numbers in one.items() if measure in other}
    return {**one, **other, **both}


def _shown(columns: Columns, opening: Levels, falling: Row | None, end: int) -> tuple[Sequence[int], ...]:
    """The numbers of a row, in their order, each of the months up to `end`, or of more."""
    levels: dict[str, list[int]] = {
        level: list(accumulate(columns.get(level, _NOTHING)[:end], initial=opening.get(level, 0))) for level in LEVELS
    }
    starts = {CARRIED_OVER: levels["open"][:-1]}
    for numbers in levels.values():
        del numbers[0]
    if falling is not None:
        for level, number in not_yet_due({level: numbers[-1] for level, numbers in levels.items()}, falling).items():
            levels[level][-1] = number
    row = {**_NONE, **columns, **starts, **levels}
    for name, terms in COMPOSED:
        parts = [row[term] if times == 1 else [times * number for number in row[term]] for term, times in terms]
        row[name] = list(map(sum, zip(*parts, strict=False)))
    return in_order(row)


_NOTHING = (0,) * MONTHS
_NONE: Columns = dict.fromkeys(ZEROS, _NOTHING)
