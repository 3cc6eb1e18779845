"""People's documents and the look-ups of them in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from intake.domain.documents import Document, Lookup

MOST_FITTING = 200
"""Of one person and of the kinds that a procedure asks for; the newest ones."""
_NEVER: store.Document = {"withdrawn_at": None}


class Documents(store.Aggregates[Document]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "documents", Document, carrier)

    def ensure_indexes(self) -> None:
        newest = [("kept_at", DESCENDING), ("_id", DESCENDING)]
        self.collection.create_index([("owner", ASCENDING), *newest], name="by_owner")
        self.collection.create_index([("owner", ASCENDING), ("kind", ASCENDING), *newest], name="by_owner_and_kind")
        self.collection.create_index([("dossier", ASCENDING)], name="by_dossier")

    def page(
        self, owner: str, *, shared: bool, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[Document]]:
        """What the store holds of a person, newest first; with `shared` only what officers may see."""
        conditions: list[store.Document] = [{"owner": owner, **_NEVER, **({"shared": True} if shared else {})}]
        if after is not None:
            conditions.append(
                {"$or": [{"kept_at": {"$lt": after[0]}}, {"kept_at": after[0], "_id": {"$lt": after[1]}}]}
            )
        found = self.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        return [
            self.loaded(document)
            for document in found.sort([("kept_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        ]

    def of_kinds(self, owner: str, kinds: Sequence[str], *, shared: bool) -> list[Document]:
        """What the store holds of a person, of these kinds, newest first."""
        wanted = {"owner": owner, "kind": {"$in": list(kinds)}, **_NEVER, **({"shared": True} if shared else {})}
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("kept_at", DESCENDING), ("_id", DESCENDING)]).limit(MOST_FITTING)
        return [self.loaded(document).state for document in found]

    def of_dossiers(self, dossiers: Sequence[str]) -> list[store.Loaded[Document]]:
        """What these dossiers brought, also what was taken back since."""
        found = self.collection.find({"dossier": {"$in": list(dossiers)}}, {"outbox": 0})
        return [self.loaded(document) for document in found]


class Lookups(store.Aggregates[Lookup]):
    """Only added to."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "lookups", Lookup, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index([("owner", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="by_owner")

    def page(self, owner: str, after: tuple[datetime, str] | None, limit: int) -> list[Lookup]:
        """Who looked at a person's documents, newest first."""
        conditions: list[store.Document] = [{"owner": owner}]
        if after is not None:
            conditions.append({"$or": [{"at": {"$lt": after[0]}}, {"at": after[0], "_id": {"$lt": after[1]}}]})
        found = self.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        return [
            self.loaded(document).state
            for document in found.sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        ]
