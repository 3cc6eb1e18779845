"""How often somebody guessed at a code's phone number lately, whether there is such a code or not."""

import hashlib
from datetime import datetime, timedelta

from pymongo import ASCENDING, WriteConcern
from pymongo.database import Database

from chassis import store

LIMIT = 20
WINDOW = timedelta(hours=1)


class Guesses:
    def __init__(self, database: Database[store.Document]) -> None:
        # A lost count gives a guesser one guess more, of a hundred million numbers.
        self.collection = database.get_collection("guesses", write_concern=WriteConcern(w=1))

    def ensure_indexes(self) -> None:
        self.collection.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)

    def too_many(self, code: str, now: datetime) -> bool:
        found = self.collection.find_one({"_id": _id(code), "expires_at": {"$gt": now}})
        return found is not None and found["count"] >= LIMIT

    def note(self, code: str, now: datetime) -> None:
        """One more wrong guess; the window begins with the first."""
        fresh = {"$lte": [{"$ifNull": ["$expires_at", now]}, now]}
        self.collection.update_one(
            {"_id": _id(code)},
            [
                {
                    "$set": {
                        "count": {"$cond": [fresh, 1, {"$add": ["$count", 1]}]},
                        "expires_at": {"$cond": [fresh, now + WINDOW, "$expires_at"]},
                    }
                }
            ],
            upsert=True,
        )


def _id(code: str) -> str:
    # What people type into the field is anything, an identity number too.
    return hashlib.sha256(code.encode()).hexdigest()
