"""The facts behind a number, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import ASCENDING
from pymongo.collection import Collection

from chassis.store import Document
from stats.domain.cells import Adds, Measure
from stats.domain.facts import Fact
from stats.store.facts import fact_of
from stats.store.sums import DIMENSIONS, Where

_MAX_MS = 10_000
_FIELDS = dict.fromkeys(("agency", "said", "adds"), 1)
After = tuple[str, str, str]
"""The agency, day and identifier of the fact that was given last."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Facts with a day `by` (one of LISTED_BY) in [first, before) that ever add to one of `measures`; `besides`: days
    that are to be before some day."""

    by: str
    measures: Sequence[Measure]
    first: str = ""
    before: str | None = None
    besides: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behind:
    """A fact, what it adds by day and measure, and where it stands in the list."""

    id: str
    fact: Fact
    adds: Adds
    after: After


def behind(
    facts: Collection[Document], candidates: Candidates, where: Where, after: After | None, limit: int
) -> Iterator[Behind]:
    """At most `limit` candidates by agency, day and identifier: `after` itself, if it is still there, and those behind
    it."""
    for wanted in _ranges(candidates, where, after):
        found = facts.find(wanted, {**_FIELDS, candidates.by: 1}, hint=candidates.by, limit=limit, max_time_ms=_MAX_MS)
        for row in found.sort([("agency", ASCENDING), (candidates.by, ASCENDING), ("_id", ASCENDING)]):
            limit -= 1
            yield Behind(row["_id"], fact_of(row), row["adds"], (row["agency"], row[candidates.by], row["_id"]))
        if limit <= 0:
            return


def _ranges(candidates: Candidates, where: Where, after: After | None) -> list[Document]:
    """The conditions of the list from there on; each is a range of the index, in order."""
    names = DIMENSIONS[1:]
    wanted: Document = {name: value for name in names if (value := getattr(where, name)) is not None}
    wanted |= {day: {"$gt": "", "$lt": before} for day, before in candidates.besides.items()}
    wanted["measures"] = {"$in": list(candidates.measures)}
    # The empty text is before every day; the index holds none with it.
    days: dict[str, Any] = {"$gte": candidates.first} if candidates.first else {"$gt": ""}
    if candidates.before is not None:
        days["$lt"] = candidates.before
    agencies = None if where.agencies is None else sorted(set(where.agencies))
    if after is None:
        return [{**wanted, **_of(agencies, ""), candidates.by: days}]
    agency, day, id = after
    here = {**wanted, "agency": agency}
    rest = {**wanted, **_of(agencies, agency), candidates.by: days}
    if agencies is not None and agency not in agencies:
        return [rest]
    return [
        {**here, candidates.by: {**days, "$eq": day}, "_id": {"$gte": id}},
        {**here, candidates.by: {**days, "$gt": day}},
        rest,
    ]


def _of(agencies: Sequence[str] | None, behind: str) -> Document:
    """Of these agencies (None: all), those behind one; "" has nothing before it."""
    if agencies is not None:
        return {"agency": {"$in": [agency for agency in agencies if not behind or agency > behind]}}
    return {"agency": {"$gt": behind}} if behind else {}
