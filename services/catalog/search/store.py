"""What a search reads of MongoDB: the versions that fit, and how much each procedure is used.

Of a dossier nothing is kept but the code of its procedure, the day, and a hash by which a repeated message is known;
and that for a year only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pymongo import ASCENDING, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from catalog.search.domain import Typed, title_of
from chassis import store
from chassis.cache import Cached
from chassis.clock import id_from

COUNTED_FOR = timedelta(days=365)
KNOWN_FOR_SECONDS = 30
"""How long a process ranks by the counts that it read last."""


def condition(typed: Typed) -> list[store.Document]:
    """What a version's document must fulfil, so that an index of its words or of its title is used."""
    if not typed.words:
        return [{"words": {"$in": []}}]
    if typed.code_prefix is not None:
        return [{"version.code": {"$regex": f"^{re.escape(typed.code_prefix)}"}}]
    if typed.is_letter:
        return [{"title": {"$regex": f"^{re.escape(typed.words[0])}"}}]
    return [{"words": {"$regex": f"^{re.escape(word)}"}} for word in typed.words]


def tier(typed: Typed) -> store.Document:
    """The tier of a hit (see `domain.Tier`), as an expression."""
    if typed.code_prefix is not None:
        # All alike; and what is not looked at need not be fetched.
        return {"$literal": 4}
    # With the space before it, so that it is found where a word begins.
    place = {"$indexOfCP": [{"$concat": [" ", "$title"]}, f" {typed.title}"]}
    branches: list[store.Document] = [
        {"case": {"$eq": ["$title", typed.title]}, "then": 1},
        {"case": {"$eq": [place, 0]}, "then": 2},
        {"case": {"$gt": [place, 0]}, "then": 3},
    ]
    if typed.code is not None:
        codes = ["$version.code", {"$toLower": "$version.procedure.local_code"}]
        branches.insert(0, {"case": {"$in": [typed.code, codes]}, "then": 0})
    return {"$switch": {"branches": branches, "default": 4}}


@dataclass(frozen=True, slots=True)
class Use:
    """A dossier was received under a procedure."""

    dossier: str
    code: str
    at: datetime


class Uses:
    """How many dossiers were received under each procedure in the last year."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.seen: Collection[store.Document] = database["uses_seen"]
        self.counted: Collection[store.Document] = database["uses"]
        self._known: Cached[dict[str, int]] = Cached(lambda _: self._read(), KNOWN_FOR_SECONDS)
        self._counted_at = -1

    def ensure_indexes(self) -> None:
        self.seen.create_index([("code", ASCENDING)], name="code")
        self.seen.create_index([("at", ASCENDING)], name="year", expireAfterSeconds=int(COUNTED_FOR.total_seconds()))

    def add(self, uses: Sequence[Use]) -> list[bool]:
        """Remembers each; False where it is known already. One write."""
        first: dict[str, int] = {}
        for n, use in enumerate(uses):
            first.setdefault(id_from("use", use.dossier), n)
        documents: list[store.Document] = [
            {"_id": id, "code": uses[n].code, "at": datetime.combine(uses[n].at.astimezone(UTC), time(), UTC)}
            for id, n in first.items()
        ]
        known: dict[int, str] = {}
        try:
            if documents:
                self.seen.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            known = store.duplicates(error)
        new = {n for position, n in enumerate(first.values()) if position not in known}
        return [n in new for n in range(len(uses))]

    def count(self) -> None:
        """Counts anew what is remembered: exact whatever was cut short, and what is too old counts no more."""
        size = self.seen.estimated_document_count()
        if size == self._counted_at:
            return
        counting: list[store.Document] = [
            {"$group": {"_id": "$code", "count": {"$sum": 1}}},
            {"$out": self.counted.name},
        ]
        self.seen.aggregate(counting, hint="code")
        self._counted_at = size

    def known(self) -> dict[str, int]:
        """Code → how often, as last counted; those that are never used are missing."""
        return self._known()

    def _read(self) -> dict[str, int]:
        return {document["_id"]: document["count"] for document in self.counted.find({})}


def give_titles(versions: Collection[store.Document]) -> None:
    """Versions that were published before there were titles get theirs."""
    found = versions.find({"title": {"$exists": False}}, {"version.procedure.name": 1})
    updates: list[Any] = [
        UpdateOne({"_id": document["_id"]}, {"$set": {"title": title_of(document["version"]["procedure"]["name"])}})
        for document in found
    ]
    if updates:
        versions.bulk_write(updates, ordered=False)
