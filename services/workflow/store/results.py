"""Result documents and the requests to sign them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database

from chassis import store
from workflow.domain.results import Result, Signing

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class _Queue(store.Aggregates[T]):
    """Aggregates of which some wait for a worker, in the order of the field `turn`."""

    turn: str
    counted: bool = False

    def ensure_indexes(self) -> None:
        self.collection.create_index(
            [(self.turn, ASCENDING)], name="waiting", partialFilterExpression={self.turn: {"$gt": _ALWAYS}}
        )

    def take(self, now: datetime, until: datetime) -> store.Loaded[T] | None:
        """The one that waits longest, for this caller alone until then."""
        found = self.collection.find_one_and_update(
            {self.turn: {"$gt": _ALWAYS, "$lte": now}},
            {"$set": {self.turn: until}, **({"$inc": {"tries": 1}} if self.counted else {})},
            sort=[(self.turn, ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else self.loaded(found)


class Results(_Queue[Result]):
    turn, counted = "print_at", True

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "results", Result, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index([("dossier", ASCENDING), ("_id", ASCENDING)], name="by_dossier")
        self.collection.create_index([("token", ASCENDING)], name="by_token", unique=True)
        for field in ("file", "sha256"):
            self.collection.create_index(
                [(field, ASCENDING)], name=f"by_{field}", partialFilterExpression={field: {"$gt": ""}}
            )

    def of_dossier(self, dossier: str, after: str, limit: int) -> list[store.Loaded[Result]]:
        """A dossier's results behind the one with that id, by id, without what is being printed."""
        found = self.collection.find({"dossier": dossier, "_id": {"$gt": after}}, {"doc_answers": 0, "content": 0})
        return [self.loaded(document) for document in found.sort("_id", ASCENDING).limit(limit)]

    def by_token(self, token: str) -> Result | None:
        found = self.collection.find_one({"token": token}, {"doc_answers": 0, "content": 0})
        return None if found is None else self.loaded(found).state

    def by_sha256(self, sha256: str) -> Result | None:
        """The result whose file this is."""
        found = self.collection.find_one({"sha256": {"$eq": sha256, "$gt": ""}}, {"doc_answers": 0, "content": 0})
        return None if found is None else self.loaded(found).state

    def naming(self, contents: Sequence[str]) -> set[str]:
        """Those of the contents that are a result's file."""
        found = self.collection.find({"file": {"$in": list(contents), "$gt": ""}}, {"file": 1}, hint="by_file")
        return {document["file"] for document in found}


class Signings(_Queue[Signing]):
    turn = "free_at"

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "signings", Signing, carrier)
