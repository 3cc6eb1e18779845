"""Requests for many acts at once: that they came, with what was answered (`chassis.acts`)."""

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from workflow.domain.bulks import Bulk

KEPT_SECONDS = 30 * 24 * 3600
"""Whoever sends a request again does so within days. After that, what was done still says so, act by act."""


class Bulks(store.Aggregates[Bulk]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "bulks", Bulk, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index([("at", ASCENDING)], name="expiry", expireAfterSeconds=KEPT_SECONDS)
