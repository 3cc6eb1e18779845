"""What providers said of messages that they took: kept from when it is heard until long after it was looked at."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.receipts import Receipt

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Receipts:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.aggregates = store.Aggregates(database, "receipts", Receipt, carrier)

    def ensure_indexes(self) -> None:
        receipts = self.aggregates.collection
        receipts.create_index(
            [("next_at", ASCENDING)], name="due", partialFilterExpression={"next_at": {"$gt": _LONG_AGO}}
        )
        receipts.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)

    def add(self, receipts: Sequence[Receipt], now: datetime) -> list[bool]:
        """In one write; False for one that was heard before."""
        refused = self.aggregates.add([store.New(receipt.id, receipt, (), now) for receipt in receipts])
        return [field is None for field in refused]

    def due(self, now: datetime, limit: int) -> list[store.Loaded[Receipt]]:
        """Those whose time to be looked at has come, the longest waiting first."""
        found = self.aggregates.collection.find(
            {"next_at": {"$gt": _LONG_AGO, "$lte": now}}, {"outbox": 0},
            sort=[("next_at", ASCENDING)], limit=limit, hint="due",
        )  # fmt: skip
        return [self.aggregates.loaded(document) for document in found]

    def save(self, changes: Sequence[store.Change[Receipt]]) -> list[bool]:
        return self.aggregates.save(changes)
