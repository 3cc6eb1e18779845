"""Workflow's MongoDB: processes, and the copies of catalog's procedures, agencies and calendar."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store, worktime
from chassis.cache import Cached
from workflow.domain import Process
from workflow.inbound import Agency, CalendarChanged, Procedure

CACHE_SECONDS = 3.0
_PROCEDURE = TypeAdapter(Procedure)
_AGENCY = TypeAdapter(Agency)
_CALENDAR = TypeAdapter(CalendarChanged)


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


class WorkflowStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.processes = store.Aggregates(database, "dossiers", Process, carrier)
        self.procedures = store.Copies(database, "procedures")
        self.agencies = store.Copies(database, "agencies")
        self.calendars = store.Copies(database, "calendars")
        self.procedure = Cached(self._read_procedure, CACHE_SECONDS)
        self.agency = Cached(self._read_agency, CACHE_SECONDS)
        self._calendar = Cached(self._read_calendar, CACHE_SECONDS)

    def ensure_indexes(self) -> None:
        self.processes.ensure_indexes()
        # `queues` has no entry once nothing is open, so the index holds what is being worked on and not the past.
        has_open = {"queues": {"$gt": ""}}
        earliest = [("next_due_at", ASCENDING), ("_id", ASCENDING)]
        collection = self.processes.collection
        collection.create_index([("queues", ASCENDING), *earliest], name="queue", partialFilterExpression=has_open)
        collection.create_index(earliest, name="earliest_due", partialFilterExpression=has_open)

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Process]]:
        """Processes with open tasks, the earliest due first."""
        conditions = [wanted.condition()]
        if after is not None:
            conditions.append(
                {"$or": [{"next_due_at": {"$gt": after[0]}}, {"next_due_at": after[0], "_id": {"$gt": after[1]}}]}
            )
        found = self.processes.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0, "journal": 0})
        found = found.sort([("next_due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.processes.loaded(document) for document in found]

    def calendar(self) -> worktime.Calendar:
        return self._calendar()

    def _read_procedure(self, id: str) -> Procedure | None:
        """By `<code>/<version>`."""
        found = self.procedures.collection.find_one({"_id": id})
        procedure: Procedure | None = None if found is None else _PROCEDURE.validate_python(found)
        return procedure

    def _read_agency(self, id: str) -> Agency | None:
        found = self.agencies.collection.find_one({"_id": id})
        agency: Agency | None = None if found is None else _AGENCY.validate_python({**found, "id": id})
        return agency

    def _read_calendar(self, _: str) -> worktime.Calendar:
        years = [_CALENDAR.validate_python(document) for document in self.calendars.collection.find()]
        return worktime.Calendar(
            ((day.date, day.kind) for year in years for day in year.days), {year.year for year in years}
        )
