"""Numbers that are drawn: dossiers' codes, receipts."""

from collections import Counter
from collections.abc import Sequence

from pymongo import ReturnDocument, WriteConcern
from pymongo.database import Database

from chassis import store
from chassis.together import Together


class Counters:
    """A failover may set a counter back, and it would then give a number twice: what a number is drawn for has a unique
    index, which refuses it, and the next is drawn."""

    def __init__(self, database: Database[store.Document]) -> None:
        self._collection = database.get_collection("counters", write_concern=WriteConcern(w=1))
        # What several threads draw at the same moment is one draw of each series.
        self._together: Together[tuple[str, int], int] = Together(self._draw_all, common=store.UNAVAILABLE)

    def draw(self, series: str, count: int) -> int:
        """Uses up the next `count` numbers of the series, and returns the first; a new series begins with 1. Atomic."""
        return self._together((series, count))

    def _draw_all(self, wanted: Sequence[tuple[str, int]]) -> list[int]:
        totals: Counter[str] = Counter()
        for series, count in wanted:
            totals[series] += count
        following = {series: self._draw(series, count) for series, count in totals.items()}
        firsts: list[int] = []
        for series, count in wanted:
            firsts.append(following[series])
            following[series] += count
        return firsts

    def _draw(self, series: str, count: int) -> int:
        found = self._collection.find_one_and_update(
            {"_id": series}, {"$inc": {"drawn": count}}, upsert=True, return_document=ReturnDocument.AFTER
        )
        return int((found or {})["drawn"]) - count + 1
