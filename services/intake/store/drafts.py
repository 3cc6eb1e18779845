"""Drafts in MongoDB, which takes them away itself when their time is over."""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from intake.domain.drafts import MOST_OPEN, Draft, State


class Drafts(store.Aggregates[Draft]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "drafts", Draft, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        drafts = self.collection
        drafts.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)
        # Two drafts begun at once cannot both take an owner's last place.
        drafts.create_index(
            [("owner", ASCENDING), ("slot", ASCENDING)],
            name="slots",
            unique=True,
            partialFilterExpression={"slot": {"$gte": 0}},
        )
        drafts.create_index(
            [("owner", ASCENDING), ("state", ASCENDING), ("saved_at", DESCENDING), ("_id", DESCENDING)],
            name="by_owner",
        )

    def free_slots(self, owner: str) -> list[int]:
        """The owner's places that no open draft takes."""
        found = self.collection.find({"owner": owner, "slot": {"$gte": 0}}, {"slot": 1})
        taken = {document["slot"] for document in found}
        return [slot for slot in range(MOST_OPEN) if slot not in taken]

    def page(
        self, owner: str, state: State, now: datetime, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[Draft]]:
        """The owner's drafts without their content, the one saved last first, behind the one saved at `after[0]` with
        the id `after[1]`."""
        conditions: list[store.Document] = [{"owner": owner, "state": state.value, "expires_at": {"$gt": now}}]
        if after is not None:
            conditions.append(
                {"$or": [{"saved_at": {"$lt": after[0]}}, {"saved_at": after[0], "_id": {"$lt": after[1]}}]}
            )
        found = self.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0, "content": 0})
        found = found.sort([("saved_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.loaded({**document, "content": {}}) for document in found]
