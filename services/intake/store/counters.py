"""Numbers that are drawn: dossiers' codes, receipts."""

from pymongo import ReturnDocument, WriteConcern
from pymongo.database import Database

from chassis import store


class Counters:
    """A failover may set a counter back, and it would then give a number twice: what a number is drawn for has a unique
    index, which refuses it, and the next is drawn."""

    def __init__(self, database: Database[store.Document]) -> None:
        self._collection = database.get_collection("counters", write_concern=WriteConcern(w=1))

    def draw(self, series: str, count: int) -> int:
        """Uses up the next `count` numbers of the series, and returns the first; a new series begins with 1. Atomic."""
        found = self._collection.find_one_and_update(
            {"_id": series}, {"$inc": {"drawn": count}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return int((found or {})["drawn"]) - count + 1
