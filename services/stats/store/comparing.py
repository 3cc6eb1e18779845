"""Two generations of the projection, compared number by number."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession

from stats.store.deltas import unpack
from stats.store.log import Log
from stats.store.projection import Projection
from stats.store.sums import DIMENSIONS

Numbers = dict[tuple[Any, ...], int]
"""By field, procedure, channel, service level and measure."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`place` by the names of DIMENSIONS; `month` is YYYY-MM."""

    place: Mapping[str, Any]
    month: str
    measure: str
    was: int
    is_now: int


def differences(log: Log, before: Projection, fresh: Projection, switched: int) -> Iterator[Difference]:
    """Where `fresh` counted something else than `before` when it took its place with the log's row `switched`.

    Read as of one moment after it. What was counted since then is in the log, and is taken off: `before` has not
    changed any more.
    """
    with log.rows.database.client.start_session(snapshot=True) as session:
        since = _since(log, switched, session)
        was, now = before.sums.finest("", session), fresh.sums.finest("", session)
        for (month, agency), old, new in _side_by_side(was, now):
            later = since.pop((month, agency), {})
            # Most is equal as it lies there, and need not be taken apart.
            places = {key[:-1] for key in later} | {
                place for place in old.keys() | new.keys() if old.get(place) != new.get(place)
            }
            ours, theirs = _numbers(old, places), _numbers(new, places)
            for key, number in later.items():
                theirs[key] = theirs.get(key, 0) - number
            for key in sorted(ours.keys() | theirs.keys(), key=str):
                if ours.get(key, 0) != theirs.get(key, 0):
                    names = dict(zip(DIMENSIONS, (agency, *key[:-1]), strict=True))
                    yield Difference(names, month, key[-1], ours.get(key, 0), theirs.get(key, 0))


def _since(log: Log, switched: int, session: ClientSession) -> dict[tuple[str, str], Numbers]:
    found: dict[tuple[str, str], Numbers] = {}
    for row in log.rows.find({"_id": {"$gt": switched}}, {"deltas": 1}, session=session):
        for (agency, *rest), day, adds in unpack(row["deltas"]) if "deltas" in row else ():
            numbers = found.setdefault((day[:7], agency), {})
            for measure, number in adds.items():
                numbers[(*rest, measure)] = numbers.get((*rest, measure), 0) + number
    return found


Parts = Mapping[tuple[Any, ...], Mapping[str, Mapping[str, int]]]
_Side = Iterator[tuple[str, str, Parts]]


def _side_by_side(was: _Side, now: _Side) -> Iterator[tuple[tuple[str, str], Parts, Parts]]:
    """Month and agency, with what each of both has there; both come in that order."""
    left, right = next(was, None), next(now, None)
    while left is not None or right is not None:
        key = min((side[0], side[1]) for side in (left, right) if side is not None)
        old = left[2] if left is not None and left[:2] == key else None
        new = right[2] if right is not None and right[:2] == key else None
        yield key, old or {}, new or {}
        left = left if old is None else next(was, None)
        right = right if new is None else next(now, None)


def _numbers(parts: Parts, places: Iterable[tuple[Any, ...]]) -> Numbers:
    found: Numbers = {}
    for place in places:
        for adds in parts.get(place, {}).values():
            for measure, number in adds.items():
                found[(*place, measure)] = found.get((*place, measure), 0) + number
    return found
