"""How many messages went out to whom in an hour or on a day: fixed windows, counted once a row whoever asks again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database

from chassis import store

KEPT = 2_000
"""So many of a window's newest rows are known by name. A row is asked for again within minutes, when a worker died."""
NAME = 12
"""Of a row's id its end: 48 bits, which are random or a hash's in every id."""
_NOTE = WriteConcern(w=1)
"""What a failing server forgets lets a few messages more through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Rows that would go out in a window, by id, the first ones first. `free`: those that go whatever the limit; they
    are counted all the same."""

    window: str
    limit: int
    ids: Sequence[str]
    free: frozenset[str]
    expires_at: datetime


class Counters:
    def __init__(self, database: Database[store.Document]) -> None:
        self._windows: Collection[store.Document] = database.get_collection("counters", write_concern=_NOTE)

    def ensure_indexes(self) -> None:
        self._windows.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)

    def count(self, asked: Sequence[Asked]) -> list[frozenset[str]]:
        """Of each window the rows that may go; they are counted. Each window at most once. One write, one read."""
        if not asked:
            return []
        self._windows.bulk_write(
            [UpdateOne({"_id": one.window}, _counting(one), upsert=True) for one in asked], ordered=False
        )
        found = self._windows.find({"_id": {"$in": [one.window for one in asked]}}, {"rows": 1})
        counted = {document["_id"]: frozenset(document["rows"]) for document in found}
        return [frozenset(id for id in one.ids if _name(id) in counted.get(one.window, frozenset())) for one in asked]

    def uncount(self, items: Sequence[tuple[str, Sequence[str]]]) -> None:
        """(window, ids) each: rows that another window kept back."""
        if items:
            self._windows.bulk_write(
                [UpdateOne({"_id": window}, _uncounting(ids)) for window, ids in items], ordered=False
            )


def _name(id: str) -> str:
    return id[-NAME:]


def _counting(asked: Asked) -> list[dict[str, Any]]:
    """The whole decision in one write: with several workers, and with one that dies and asks again, it stays exact."""
    ids = [_name(id) for id in asked.ids]
    free = [_name(id) for id in asked.ids if id in asked.free]
    room = {"$subtract": [asked.limit, {"$add": ["$count", {"$size": "$free"}]}]}
    return [
        {"$set": {"rows": {"$ifNull": ["$rows", []]}, "count": {"$ifNull": ["$count", 0]}}},
        {"$set": {"new": _only(ids, {"$not": {"$in": ["$$id", "$rows"]}})}},
        {"$set": {"free": _only("$new", {"$in": ["$$id", free]})}},
        {"$set": {"new": _only("$new", {"$not": {"$in": ["$$id", free]}})}},
        {"$set": {"new": {"$cond": [{"$gt": [room, 0]}, {"$slice": ["$new", room]}, []]}}},
        {"$set": {"new": {"$concatArrays": ["$free", "$new"]}}},
        {
            "$set": {
                "count": {"$add": ["$count", {"$size": "$new"}]},
                "rows": {"$slice": [{"$concatArrays": ["$rows", "$new"]}, -KEPT]},
                "expires_at": asked.expires_at,
            }
        },
        {"$unset": ["new", "free"]},
    ]


def _uncounting(ids: Sequence[str]) -> list[dict[str, Any]]:
    names = [_name(id) for id in ids]
    return [
        {"$set": {"known": {"$size": {"$setIntersection": ["$rows", names]}}}},
        {
            "$set": {
                "count": {"$subtract": ["$count", "$known"]},
                "rows": _only("$rows", {"$not": {"$in": ["$$id", names]}}),
            }
        },
        {"$unset": "known"},
    ]


def _only(names: Any, condition: dict[str, Any]) -> dict[str, Any]:
    return {"$filter": {"input": names, "as": "id", "cond": condition}}
