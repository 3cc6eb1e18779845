"""What the province offers, and what it was assigned, on any day. Plain Python.

Each thing has a history: its entries are never changed, and each has the number that catalog gave it. What was known on
an earlier day are the entries that had come by then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Literal

from stats.domain.facts import ServiceLevel

Level = Literal["province", "district", "commune"]
EssentialState = Literal["deployed", "waiting", "national"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """There is something to be paid in [valid_from, valid_to); None is without an end."""

    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """An entry of a procedure's history: a version, or with `withdrawn` the end of it. `agencies` empty: every one-stop
    agency of `levels` offers it. It counts in [valid_from, valid_to), until a later number counts."""

    code: str
    number: int
    valid_from: date
    valid_to: date | None
    name: str = ""
    field: str = ""
    service_level: ServiceLevel = 1
    agencies: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    payable: tuple[Payable, ...] = ()
    essential: tuple[str, ...] = ()
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """`level` None: catalog has not told of it yet, dossiers name it. It is there in [valid_from, valid_to)."""

    id: str
    name: str
    parent: str | None
    level: Level | None = None
    inherited_levels: tuple[Level, ...] = ()
    one_stop: bool = True
    valid_from: date | None = None
    valid_to: date | None = None

    def within(self, start: date, end: date) -> bool:
        """It is there on some day of [start, end)."""
        return (self.valid_from or date.min) < end and start < (self.valid_to or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What an agency was assigned for a year, the `number`th time: indicator → percent, indicator → dossiers."""

    agency: str
    year: int
    number: int
    percents: Mapping[str, float] = field(default_factory=dict)
    demands: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Essential:
    """How an essential service of a list stands since its `number`th change."""

    list: str
    id: str
    number: int
    name: str
    state: EssentialState
    waiting_for: str | None


def offered(history: Iterable[Procedure], start: date, end: date) -> list[Procedure]:
    """The procedures that were offered on some day of [start, end), each as it was last there, by code.

    `history`: entries of any procedures by code and number.
    """
    found: list[Procedure] = []
    for _, entries in groupby(history, key=lambda entry: entry.code):
        last = _last_within(list(entries), start, end)
        if last is not None:
            found.append(last)
    return found


def _last_within(entries: Sequence[Procedure], start: date, end: date) -> Procedure | None:
    until = date.max
    for entry in reversed(entries):
        # A later number never begins before an earlier one, and where both begin on one day the earlier never counts.
        ends = min(entry.valid_to or date.max, until)
        if not entry.withdrawn and max(entry.valid_from, start) < min(ends, end):
            return entry
        until = min(until, entry.valid_from)
    return None


class Offering:
    """Procedures by who offers them."""

    def __init__(self, procedures: Iterable[Procedure]) -> None:
        self.all = list(procedures)
        self._made: dict[tuple[frozenset[str], frozenset[Level]], list[Procedure]] = {}
        self._named: dict[str, list[Procedure]] = {}
        self._by_level: dict[Level, list[Procedure]] = {}
        for each in self.all:
            for agency in each.agencies:
                self._named.setdefault(agency, []).append(each)
            for level in () if each.agencies else each.levels:
                self._by_level.setdefault(level, []).append(each)

    def of(self, agencies: Iterable[Agency] | None) -> list[Procedure]:
        """Those that any of the agencies offers, by code; None: all. One that names no agencies is offered by every
        one-stop agency of its levels, or of levels that it took over."""
        if agencies is None:
            return self.all
        ids: set[str] = set()
        levels: set[Level] = set()
        for agency in agencies:
            if agency.id in self._named:
                ids.add(agency.id)
            if agency.one_stop:
                levels.update(
                    agency.inherited_levels if agency.level is None else (agency.level, *agency.inherited_levels)
                )
        # Most agencies of a level offer the same, so it is put together once.
        key = frozenset(ids), frozenset(levels)
        if key not in self._made:
            found = {each.code: each for id in ids for each in self._named[id]}
            found |= {each.code: each for level in levels for each in self._by_level.get(level, ())}
            self._made[key] = [found[code] for code in sorted(found)]
        return self._made[key]


def is_payable(procedure: Procedure, day: date) -> bool:
    """Whether something is to be paid for it on the day."""
    return any((each.valid_from or date.min) <= day < (each.valid_to or date.max) for each in procedure.payable)


def subtree(agencies: Mapping[str, Agency], root: str) -> list[str]:
    """The agency with all below it; a ring of parents, which nobody should make, is gone round once."""
    children: dict[str | None, list[str]] = {}
    for each in agencies.values():
        children.setdefault(each.parent, []).append(each.id)
    chosen, found = {root: None}, [root]
    while found:
        found = [child for parent in found for child in children.get(parent, ()) if child not in chosen]
        chosen |= dict.fromkeys(found)
    return list(chosen)


def top(agencies: Mapping[str, Agency]) -> str | None:
    """The topmost agency, to which what the whole province is assigned belongs; None when none is known."""
    return min((each.id for each in agencies.values() if each.parent is None), default=None)
