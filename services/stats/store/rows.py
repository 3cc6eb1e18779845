"""The fields of a fact's row by which dossiers are listed, and the indexes for that.

Each is a function of the fact, so that a row can be written anew at any time. Lists go by agency and one of the days;
whatever else they ask for is filtered, since each further index costs every write.
"""

from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection

from chassis.store import Document
from stats.domain.cells import Adds, Measure, place
from stats.domain.facts import Fact
from stats.store.sums import DIMENSIONS

OPEN = "9999-12-31"
WAITING = "9999-12-30"
"""Stand in `ended_on` for the day that has not come: of a dossier that was received, and of one that was not."""
LISTED_BY = ("filed_on", "received_on", "ended_on", "handed_over_on", "rated_on", "paid_on", "looked_up_on")


def fields_of(fact: Fact, adds: Adds) -> Document:
    """The dimensions, the days that are known (`YYYY-MM-DD`), and every measure that the dossier ever adds to. Empty
    while its place is not known. `adds`: its contributions."""
    where = place(fact)
    if where is None:
        return {}
    found: Document = dict(zip(DIMENSIONS, where, strict=True))
    measures = set[Measure]().union(*adds.values())
    for measure in measures & _DAYS.keys():
        found[_DAYS[measure]] = next(day for day, sums in adds.items() if measure in sums)
    if fact.dimensions is not None and "ended_on" not in found:
        found["ended_on"] = OPEN if "received_on" in found else WAITING
    found["measures"] = sorted(measures)
    return found


_DAYS: dict[Measure, str] = {
    "filed": "filed_on",
    "received": "received_on",
    "handed_over": "handed_over_on",
    "rated": "rated_on",
    "paid": "paid_on",
    "document_lookups": "looked_up_on",
    **dict.fromkeys(
        ("finished_early", "finished_on_time", "finished_late", "stopped", "withdrawn", "refused"), "ended_on"
    ),
}
"""On which day the dossier counts once as that."""


def ensure_list_indexes(facts: Collection[Any]) -> None:
    """All at once, so that what is there already is read once."""
    facts.create_indexes(
        [
            IndexModel(
                [("agency", ASCENDING), (name, ASCENDING), ("_id", ASCENDING)],
                name=name,
                partialFilterExpression={name: {"$gt": ""}},
            )
            for name in LISTED_BY
        ]
    )
