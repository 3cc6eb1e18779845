"""A store that an earlier version of stats wrote, brought into the form of this one.

Before totals were packed they were a field of `years_<g>`: they are moved. Before every batch was a transaction,
neither the archive nor its log told on which day an event became known, and the log did not tell what a batch changed;
nor did the projection's collections hold what they hold now. The first is filled in here, the second is what a rebuild
makes (`rebuild_due`).
"""

from typing import Any

from pymongo import ASCENDING
from pymongo.database import Database

from chassis.store import Document
from stats.store.sums import Sums

_WITHOUT_DAY = {"known": {"$exists": False}}


class Upgrading:
    def __init__(self, database: Database[Document]) -> None:
        self._events = database["events"]
        self._log = database["log"]
        self._pointer = database["projection"]
        self._database = database

    def begin(self, generation: int) -> bool:
        """Brings the archive and its log into this form; True when the projection has to be made anew, until `done`.

        Whatever dies on the way begins again.
        """
        Sums(self._database, generation).move_totals()
        first = self._log.find_one({}, {"known": 1}, sort=[("known", ASCENDING)])
        if first is not None and first.get("known") is None:
            due = {"$set": {"rebuild_due": True}, "$setOnInsert": {"generation": generation}}
            self._pointer.update_one({"_id": "current"}, due, upsert=True)
            self._events.update_many(_WITHOUT_DAY, [{"$set": {"known": _day("$time")}}])
            self._log.update_many(_WITHOUT_DAY, [{"$set": {"known": _day("$at"), "generation": generation}}])
        return self._pointer.count_documents({"_id": "current", "rebuild_due": True}) > 0

    def done(self) -> None:
        self._pointer.update_one({"_id": "current"}, {"$unset": {"rebuild_due": ""}})


def _day(moment: str) -> dict[str, Any]:
    return {"$dateToString": {"date": moment, "format": "%Y-%m-%d", "timezone": "+07:00"}}
