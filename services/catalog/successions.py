"""Agencies through time: which agencies took over from which, on what day, by whose decision. Plain Python.

A predecessor ends on the day of the succession, and from that day on its identifier is an alias of the one that takes
over: old codes stay valid, and what is filed with them goes to whoever answers for it now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from catalog.domain import YEARS, Agency, Alias
from chassis.errors import FieldError, WrongState


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """From `on` on, `successors` are there in the place of `predecessors`. Of several successors one takes over what
    is open and what is still sent to the old identifiers."""

    predecessors: tuple[str, ...]
    successors: tuple[str, ...]
    takes_over: str
    on: date
    decision: str

    @property
    def touched(self) -> frozenset[str]:
        """The agencies whose documents it changes."""
        return frozenset((*self.predecessors, self.takes_over))


class AlreadySucceeded(WrongState):
    code, title = "already_succeeded", "Cơ quan đã được sáp nhập, giải thể theo một quyết định khác"


def errors_of(
    succession: Succession, agencies: Mapping[str, Agency], earlier: Iterable[Succession]
) -> list[FieldError]:
    """Why it cannot be: unknown or repeated agencies, a circle, a predecessor that is not in force until that day, a
    successor that is not in force on it."""
    ends: dict[str, date] = {}
    takes_over_until: dict[str, date] = {}
    for other in earlier:
        ends.update(dict.fromkeys(other.predecessors, other.on))
        for id in other.successors:
            takes_over_until[id] = max(other.on, takes_over_until.get(id, date.min))
    wrong = [
        *_wrong_members("predecessors", succession.predecessors, agencies),
        *_wrong_members("successors", succession.successors, agencies),
    ]
    if succession.on.year not in YEARS:
        wrong.append(FieldError("/on", "year", f"a day of a year from {YEARS[0]} to {YEARS[-1]}"))
    if succession.takes_over not in succession.successors:
        wrong.append(FieldError("/takes_over", "not_a_successor", "one of the successors"))
    for n, id in enumerate(succession.predecessors):
        pointer = f"/predecessors/{n}"
        if id in succession.successors:
            wrong.append(FieldError(pointer, "circle", "an agency that is not a successor too"))
        elif id in ends:
            wrong.append(FieldError(pointer, "already_succeeded", f"it was succeeded on {ends[id]}"))
        elif id in takes_over_until and takes_over_until[id] >= succession.on:
            message = (
                f"an agency that takes over from nobody on or after that day, as this one on {takes_over_until[id]}"
            )
            wrong.append(FieldError(pointer, "circle", message))
        elif id in agencies and not _in_force_until(agencies[id], succession.on):
            wrong.append(FieldError(pointer, "not_in_force", f"an agency that is in force until {succession.on}"))
    for n, id in enumerate(succession.successors):
        gone = id in ends and ends[id] <= succession.on
        if id in agencies and (gone or not _in_force_on(agencies[id], succession.on)):
            message = f"an agency that is in force on {succession.on}"
            wrong.append(FieldError(f"/successors/{n}", "not_in_force", message))
    return wrong


def _wrong_members(name: str, ids: Sequence[str], agencies: Mapping[str, Agency]) -> list[FieldError]:
    wrong = [] if ids else [FieldError(f"/{name}", "empty", "at least one agency")]
    for n, id in enumerate(ids):
        if id in ids[:n]:
            wrong.append(FieldError(f"/{name}/{n}", "repeated", "is there already"))
        elif id not in agencies:
            wrong.append(FieldError(f"/{name}/{n}", "unknown_agency", "an agency that is known"))
    return wrong


def _in_force_until(agency: Agency, day: date) -> bool:
    return agency.valid_from < day and (agency.valid_to is None or agency.valid_to >= day)


def _in_force_on(agency: Agency, day: date) -> bool:
    return agency.valid_from <= day and (agency.valid_to is None or day < agency.valid_to)


def succeed(succession: Succession, agencies: Mapping[str, Agency]) -> dict[str, Agency]:
    """Those of the touched agencies that are not yet as the succession wants them, as it wants them.

    The one that takes over bears the predecessors' identifiers from that day on, and offers the procedures of their
    levels besides those of its own, until the province assigns these anew.
    """
    taker = agencies[succession.takes_over]
    borne = {alias.id for alias in taker.aliases}
    levels = {taker.level, *taker.inherited_levels}
    after: dict[str, Agency] = {}
    for id in succession.predecessors:
        predecessor = agencies[id]
        after[id] = replace(predecessor, valid_to=succession.on)
        if id not in borne:
            taker = replace(taker, aliases=(*taker.aliases, Alias(id=id, valid_from=succession.on)))
        if predecessor.one_stop:
            inherited = {predecessor.level, *predecessor.inherited_levels} - levels
            taker = replace(taker, inherited_levels=(*taker.inherited_levels, *sorted(inherited)))
            levels |= inherited
    after[taker.id] = taker
    return {id: agency for id, agency in after.items() if agency != agencies[id]}
