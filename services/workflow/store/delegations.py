"""Who acts for whom, and when."""

from datetime import datetime

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from workflow.domain.delegations import Delegation, stands

MOST_AT_ONCE = 100
"""Of the delegations by which one officer acts at some time, so many are looked at."""


class Delegations(store.Aggregates[Delegation]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "delegations", Delegation, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index([("to", ASCENDING), ("ends", ASCENDING)], name="delegate")
        self.collection.create_index([("parties", ASCENDING), ("_id", ASCENDING)], name="party")
        self.collection.create_index([("agency", ASCENDING), ("_id", ASCENDING)], name="agency")

    def standing(self, to: str, at: datetime) -> list[Delegation]:
        """Those by which this officer acts for others at that time."""
        # Those that were revoked, or begin later, take no place of one that stands.
        wanted: store.Document = {
            "to": to, "ends": {"$gt": at}, "begins": {"$lte": at},
            "$or": [{"revoked_at": None}, {"revoked_at": {"$gt": at}}],
        }  # fmt: skip
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        every = [self.loaded(each).state for each in found.sort("ends", ASCENDING).limit(MOST_AT_ONCE)]
        return [each for each in every if stands(each, at)]

    def of_party(self, officer: str, after: str, limit: int) -> list[store.Loaded[Delegation]]:
        """Those that the officer gave or was given, by id."""
        return self._page({"parties": officer}, after, limit)

    def of_agency(self, agency: str, after: str, limit: int) -> list[store.Loaded[Delegation]]:
        """Those between an agency's officers, by id."""
        return self._page({"agency": agency}, after, limit)

    def _page(self, wanted: store.Document, after: str, limit: int) -> list[store.Loaded[Delegation]]:
        found = self.collection.find({**wanted, "_id": {"$gt": after}}, {"outbox": 0, "doc_answers": 0})
        return [self.loaded(each) for each in found.sort("_id", ASCENDING).limit(limit)]
