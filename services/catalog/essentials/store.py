"""Essential services in MongoDB: a document each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.essentials.domain import EssentialService, State
from chassis import store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEssential:
    """`id` is `<list>/<id>`."""

    id: str
    service: EssentialService
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many services of a list are in a state, with an extent."""

    list: str
    state: str
    extent: str | None
    count: int


class Essentials:
    def __init__(self, database: Any, carrier: store.Carrier) -> None:
        self.services = store.Aggregates(database, "essentials", StoredEssential, carrier)

    def ensure_indexes(self) -> None:
        self.services.ensure_indexes()
        # Holds all that is counted, so that no document is fetched for it.
        self.services.collection.create_index(
            [("service.list", 1), ("service.state", 1), ("service.extent", 1), ("_id", 1)], name="list"
        )

    def page(
        self, list: str | None, state: State | None, after: str, limit: int
    ) -> "tuple[store.Loaded[StoredEssential], ...]":
        """Services behind the identifier `after`, by list and identifier."""
        wanted: store.Document = {"_id": {"$gt": after}}
        if list is not None:
            wanted["service.list"] = list
        if state is not None:
            wanted["service.state"] = state
        found = self.services.collection.find(wanted, {"outbox": 0, "doc_answers": 0}).sort("_id", 1).limit(limit)
        return tuple(self.services.loaded(each) for each in found)

    def tallies(self) -> "tuple[Tally, ...]":
        """By list, state and extent."""
        found = self.services.collection.aggregate(
            [
                {"$match": {"service.list": {"$gt": ""}}},
                {
                    "$group": {
                        "_id": {"list": "$service.list", "state": "$service.state", "extent": "$service.extent"},
                        "count": {"$sum": 1},
                    }
                },
            ]
        )
        return tuple(Tally(**{"extent": None, **each["_id"]}, count=each["count"]) for each in found)


def id_of(list: str, id: str) -> str:
    return f"{list}/{id}"
