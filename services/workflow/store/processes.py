"""The processes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from workflow.domain import children
from workflow.domain.processes import NO_DUE, Process, State

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Processes(store.Aggregates[Process]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "dossiers", Process, carrier)

    def add(self, items: Sequence[store.New[Process]]) -> list[str | None]:
        told = [replace(item, events=children.said(None, item.state, item.events)) for item in items]
        return super().add(told)

    def save(self, changes: Sequence[store.Change[Process]]) -> list[bool]:
        """What an act means for child dossiers is said here, whatever the act was (see `children.said`)."""
        told = [replace(each, events=children.said(each.before.state, each.state, each.events)) for each in changes]
        return super().save(told)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index(
            [("lapses_at", ASCENDING)], name="lapses", partialFilterExpression={"lapses_at": {"$gt": LONG_AGO}}
        )
        self.collection.create_index(
            [("next_alert_at", ASCENDING)], name="alerts", partialFilterExpression={"next_alert_at": {"$lt": NO_DUE}}
        )
        # `queues` has no entry once nothing is open, so the index holds what is being worked on and not the past.
        has_open = {"queues": {"$gt": ""}}
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

    def alerting(self, now: datetime, limit: int) -> list[store.Loaded[Process]]:
        """Processes of whose deadlines something is to be told by now, the earliest first."""
        found = self.collection.find({"next_alert_at": {"$lte": now}}, {"outbox": 0, "doc_answers": 0})
        return [self.loaded(document) for document in found.sort("next_alert_at", ASCENDING).limit(limit)]

    def lapsing(self, now: datetime, limit: int) -> list[store.Loaded[Process]]:
        """Running processes with an opinion whose time has passed, the earliest first."""
        wanted: store.Document = {"lapses_at": {"$gt": LONG_AGO, "$lte": now}, "state": State.RUNNING.value}
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        return [self.loaded(document) for document in found.sort("lapses_at", ASCENDING).limit(limit)]

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
