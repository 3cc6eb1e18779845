"""The acts by which many messages are sent again."""

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.retries import Retries


class RetryActs:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.aggregates = store.Aggregates(database, "message_retries", Retries, carrier)

    def ensure_indexes(self) -> None:
        self.aggregates.collection.create_index(
            [("requested_at", ASCENDING)], name="waiting", partialFilterExpression={"state": "waiting"}
        )

    def waiting(self) -> store.Loaded[Retries] | None:
        """The one that was asked for first of those that are not done."""
        found = self.aggregates.collection.find_one(
            {"state": "waiting"}, {"doc_answers": 0}, sort=[("requested_at", ASCENDING)], hint="waiting"
        )
        return None if found is None else self.aggregates.loaded(found)
