"""What became known when: the sums' changes by the local day on which stats came to know them.

What was known at the end of a day is what is known now without what became known later. The log's rows say it: each
tells the day on which it was written, `known`, and what it added. Rows of days that are over are gathered in
`later_<g>`: `known` is the last day that a document tells of, `month` the month of the days that it changed. So of a
month long past only its late corrections are read.
"""

from collections.abc import Iterable, Iterator

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chassis.store import Document
from stats.domain.cells import Place
from stats.store.decoding import TIMELESS
from stats.store.deltas import pack, unpack
from stats.store.sums import Entry

GATHERED = "gathered"
_TOGETHER = 200
"""Rows that are gathered at once, so that a long day does not fill the memory."""


class Later:
    def __init__(self, database: Database[Document], generation: int) -> None:
        self._generation = generation
        self.changes = database.get_collection(f"later_{generation}", codec_options=TIMELESS)
        self._log = database.get_collection("log", codec_options=TIMELESS)

    def ensure_indexes(self) -> None:
        self.changes.create_index(
            [("month", ASCENDING), ("known", ASCENDING)], name="month", partialFilterExpression={"month": {"$gt": ""}}
        )
        self._log.create_index([("known", ASCENDING), ("_id", ASCENDING)], name="known")

    def begin(self, row: int, session: ClientSession | None = None) -> None:
        """From now on, rows of the log up to `row` are not this generation's."""
        self.changes.update_one({"_id": GATHERED}, {"$set": {"row": row}}, upsert=True, session=session)

    def put(
        self,
        name: str,
        known: str,
        entries: Iterable[tuple[str, Entry]],
        session: ClientSession | None = None,
        row: int = 0,
    ) -> None:
        """What became known until the day `known`, each entry with its day. Another call with the same name says the
        same again. `row`: the last row of the log that was gathered here."""
        months: dict[str, list[tuple[object, ...]]] = {}
        for day, (place, on, adds) in entries:
            months.setdefault(on[:7], []).append((day, place, on, adds))
        for month, found in months.items():
            document = {"known": known, "month": month, "row": row, "entries": pack(found)}
            self.changes.replace_one({"_id": f"{name}|{month}"}, document, upsert=True, session=session)

    def gather(self) -> bool:
        """Gathers rows of a day that is over, that is, after which a row of a later day was written; True when there is
        more to be done. Whoever does it at the same time writes the same."""
        after = self._gathered()
        rows = list(self._log.find({"_id": {"$gt": after}}, {"events": 0}, sort=[("_id", ASCENDING)], limit=_TOGETHER))
        last = self._log.find_one({}, {"known": 1}, sort=[("_id", -1)])
        if not rows or last is None or rows[0]["known"] >= last["known"]:
            return False
        mine = [row for row in rows if row["known"] == rows[0]["known"]]
        reached = mine[-1]["_id"]
        self.put(f"row {mine[0]['_id']}", mine[0]["known"], self._entries(mine), row=reached)
        self.begin(reached)
        return True

    def since(self, as_of: str, first: str, last: str) -> Iterator[Entry]:
        """What became known after the day `as_of` about days of the months `first` to `last` (`YYYY-MM`)."""
        after = self._gathered()
        for document in self.changes.find({"month": {"$gte": first, "$lte": last}, "known": {"$gt": as_of}}):
            # What was gathered since is read from the log.
            if document["row"] > after:
                continue
            for day, place, on, adds in unpack(document["entries"]):
                if day > as_of:
                    yield _place(place), on, adds
        for row in self._log.find({"known": {"$gt": as_of}, "_id": {"$gt": after}}, {"events": 0}):
            for _, (place, on, adds) in self._entries([row]):
                if first <= on[:7] <= last:
                    yield place, on, adds

    def _gathered(self) -> int:
        found = self.changes.find_one({"_id": GATHERED})
        return 0 if found is None else int(found["row"])

    def _entries(self, rows: Iterable[Document]) -> Iterator[tuple[str, Entry]]:
        for row in rows:
            if row["generation"] == self._generation and "deltas" in row:
                for place, on, adds in unpack(row["deltas"]):
                    yield row["known"], (_place(place), on, adds)


def _place(values: list[str]) -> Place:
    agency, field, procedure, channel, level = values
    return agency, field, procedure, channel, level
