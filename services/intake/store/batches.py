"""The answers to batches, kept so that a repeated batch gets its first answer."""

from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import store

KEPT_SECONDS = 30 * 24 * 3600
"""An office that sends a batch again does so within days. After that, what was accepted is still found by its lines."""


@dataclass(frozen=True, slots=True)
class KeptBatch:
    body_hash: str
    answer: str


class Batches:
    def __init__(self, database: Database[store.Document]) -> None:
        self._collection: Collection[store.Document] = database["batches"]

    def ensure_indexes(self) -> None:
        self._collection.create_index([("at", ASCENDING)], name="expiry", expireAfterSeconds=KEPT_SECONDS)

    def get(self, id: str) -> KeptBatch | None:
        found = self._collection.find_one({"_id": id})
        return None if found is None else KeptBatch(found["body_hash"], found["answer"])

    def keep(self, id: str, batch: KeptBatch, at: datetime) -> KeptBatch:
        """The batch as it is kept: this one, or the one that somebody else kept at the same moment."""
        try:
            self._collection.insert_one({"_id": id, "body_hash": batch.body_hash, "answer": batch.answer, "at": at})
        except DuplicateKeyError:
            return self.get(id) or batch
        return batch
