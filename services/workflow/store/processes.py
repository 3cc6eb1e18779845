"""The processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from workflow.domain.processes import Process


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter over processes with open tasks. `agency` None: every agency's."""

    agency: str | None = None
    assignee: str | None = None
    overdue_at: datetime | None = None

    def condition(self) -> store.Document:
        wanted: store.Document = {"queues": self.agency if self.agency is not None else {"$gt": ""}}
        if self.assignee is not None:
            wanted["tasks"] = {"$elemMatch": {"assignee": self.assignee, "state": "claimed"}}
        if self.overdue_at is not None:
            wanted["next_due_at"] = {"$lt": self.overdue_at}
        return wanted


class Processes(store.Aggregates[Process]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "dossiers", Process, carrier)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        # `queues` has no entry once nothing is open, so the index holds what is being worked on and not the past.
        has_open = {"queues": {"$gt": ""}}
        earliest = [("next_due_at", ASCENDING), ("_id", ASCENDING)]
        self.collection.create_index([("queues", ASCENDING), *earliest], name="queue", partialFilterExpression=has_open)
        self.collection.create_index(earliest, name="earliest_due", partialFilterExpression=has_open)
        self.collection.create_index(
            [("involved", ASCENDING)], name="involved", partialFilterExpression={"involved": {"$gt": ""}}
        )
        self.collection.create_index(
            [("last_due_at", ASCENDING), ("_id", ASCENDING)], name="last_due", partialFilterExpression=has_open
        )
        self.collection.create_index(
            [("reschedulings.year", ASCENDING), ("_id", ASCENDING)],
            name="rescheduled",
            partialFilterExpression={"reschedulings.year": {"$gt": 0}},
        )

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Process]]:
        """Processes with open tasks, the earliest due first."""
        conditions = [wanted.condition()]
        if after is not None:
            conditions.append(
                {"$or": [{"next_due_at": {"$gt": after[0]}}, {"next_due_at": after[0], "_id": {"$gt": after[1]}}]}
            )
        found = self.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0, "journal": 0})
        found = found.sort([("next_due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.loaded(document) for document in found]

    def involving(self, agencies: Sequence[str], limit: int) -> list[store.Loaded[Process]]:
        """Processes in which one of these agencies has something left to do."""
        found = self.collection.find({"involved": {"$in": list(agencies)}}, {"outbox": 0, "doc_answers": 0})
        return [self.loaded(document) for document in found.limit(limit)]

    def running_between(
        self, begin: datetime, end: datetime, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[Process]]:
        """Processes whose clock started before `end` and that have something due at `begin` or later, behind the one
        that has its last due time at `after[0]` and the id `after[1]`."""
        wanted: store.Document = {
            "queues": {"$gt": ""}, "last_due_at": {"$gte": begin}, "clock_at": {"$lt": end},
        }  # fmt: skip
        if after is not None:
            wanted["last_due_at"] = {"$gte": max(begin, after[0])}
            wanted["$or"] = [{"last_due_at": {"$gt": after[0]}}, {"last_due_at": after[0], "_id": {"$gt": after[1]}}]
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("last_due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.loaded(document) for document in found]

    def rescheduled(self, year: int, agency: str | None, after: str, limit: int) -> list[store.Loaded[Process]]:
        """Processes of which a change of that year's calendar moved the due date, by id. `agency` None: every one."""
        wanted: store.Document = {"reschedulings.year": year, "_id": {"$gt": after}}
        if agency is not None:
            wanted["agencies"] = agency
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0, "journal": 0, "tasks": 0})
        return [self.loaded({"tasks": (), **each}) for each in found.sort("_id", ASCENDING).limit(limit)]
