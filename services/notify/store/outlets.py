"""Which outlets cannot be used, and since when: written by the workers, asked by operators."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo import WriteConcern
from pymongo.database import Database

from chassis import store


@dataclass(frozen=True, slots=True)
class OutletState:
    """`away`: why it cannot be used since `at`, None when it can. The last worker to notice a change says so."""

    away: str | None
    at: datetime


class Outlets:
    def __init__(self, database: Database[store.Document]) -> None:
        self._outlets = database.get_collection("outlets", write_concern=WriteConcern(w=1))

    def note(self, outlet: str, away: str | None, at: datetime) -> None:
        """An outlet that stays away is away since it was first noticed, whatever the reason is now."""
        stays = {"$and": [{"$ne": [{"$ifNull": ["$away", None]}, None]}, away is not None]}
        self._outlets.update_one(
            {"_id": outlet}, [{"$set": {"away": away, "at": {"$cond": [stays, "$at", at]}}}], upsert=True
        )

    def states(self) -> Mapping[str, OutletState]:
        return {document["_id"]: OutletState(document["away"], document["at"]) for document in self._outlets.find({})}
