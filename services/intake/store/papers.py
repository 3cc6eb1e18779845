"""Papers in MongoDB, by the hash of what they say: the same paper is printed once."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from bson.binary import Binary
from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import store
from intake.domain.papers import Printed

KEPT = timedelta(days=7)
"""A paper can be printed again at any time; what it says is personal and lies here no longer than it is handy."""

REST = timedelta(minutes=10)
"""A paper that could not be printed is not tried again before this, however often it is asked for."""

State = Literal["waiting", "made", "failed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A paper that waits to be printed."""

    id: str
    kind: str
    content: dict[str, Any]
    tries: int


@dataclass(frozen=True, slots=True)
class Kept:
    state: State
    pdf: bytes | None


class Papers:
    def __init__(self, database: Database[store.Document]) -> None:
        self.collection = database["papers"]

    def ensure_indexes(self) -> None:
        self.collection.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)
        self.collection.create_index(
            [("free_at", ASCENDING)], name="waiting", partialFilterExpression={"state": "waiting"}
        )

    def ask(self, id: str, paper: Printed, now: datetime) -> Kept:
        """What there is of the paper. If there is nothing, or it failed a while ago, it waits to be printed from now
        on."""
        found = self.collection.find_one({"_id": id}, {"content": 0})
        if found is not None and not (found["state"] == "failed" and found["free_at"] <= now):
            return Kept(found["state"], found.get("pdf"))
        waiting = {"state": "waiting", "free_at": now, "expires_at": now + KEPT, "tries": 0}
        waiting |= {"kind": paper.kind, "content": dict(paper.content)}
        # Somebody else may ask for the same at the same moment: then this upsert collides with theirs.
        with suppress(DuplicateKeyError):
            self.collection.update_one({"_id": id, "state": "failed"}, {"$set": waiting}, upsert=True)
        return Kept("waiting", None)

    def take(self, now: datetime, until: datetime) -> Asked | None:
        """The paper that waits longest, for this caller alone until then."""
        found = self.collection.find_one_and_update(
            {"state": "waiting", "free_at": {"$lte": now}},
            {"$set": {"free_at": until}, "$inc": {"tries": 1}},
            sort=[("free_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else Asked(found["_id"], found["kind"], found["content"], found["tries"])

    def made(self, asked: Asked, pdf: bytes, now: datetime) -> None:
        self.collection.update_one(
            {"_id": asked.id},
            {"$set": {"state": "made", "pdf": Binary(pdf), "expires_at": now + KEPT}, "$unset": {"content": 1}},
        )

    def failed(self, asked: Asked, now: datetime, *, final: bool) -> None:
        """Tries it again at once, or when it is `final`, not before somebody asks for it a while later."""
        rest = {"state": "failed", "free_at": now + REST} if final else {"free_at": now}
        self.collection.update_one({"_id": asked.id, "state": "waiting"}, {"$set": rest})
