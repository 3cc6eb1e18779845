"""Workflow's MongoDB: processes, and the copies of catalog's procedures, agencies and calendar."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import store, worktime
from chassis.cache import Cached
from workflow.domain import Process
from workflow.inbound import Agency, AgencySucceeded, CalendarChanged, Procedure
from workflow.settlings import Settling
from workflow.successions import Successions

CACHE_SECONDS = 3.0
_PROCEDURE = TypeAdapter(Procedure)
_AGENCY = TypeAdapter(Agency)
_CALENDAR = TypeAdapter(CalendarChanged)
_SUCCESSION = TypeAdapter(AgencySucceeded)
_SETTLING = TypeAdapter(Settling)


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
        self.agencies_succeeded = store.Copies(database, "successions")
        self._settlings = database["calendar_settlings"]
        self.procedure = Cached(self._read_procedure, CACHE_SECONDS)
        self.agency = Cached(self._read_agency, CACHE_SECONDS)
        self._calendars = Cached(self._read_calendars, CACHE_SECONDS)
        self._successions = Cached(self._read_successions, CACHE_SECONDS)

    def ensure_indexes(self) -> None:
        self.processes.ensure_indexes()
        # `queues` has no entry once nothing is open, so the index holds what is being worked on and not the past.
        has_open = {"queues": {"$gt": ""}}
        earliest = [("next_due_at", ASCENDING), ("_id", ASCENDING)]
        collection = self.processes.collection
        collection.create_index([("queues", ASCENDING), *earliest], name="queue", partialFilterExpression=has_open)
        collection.create_index(earliest, name="earliest_due", partialFilterExpression=has_open)
        collection.create_index(
            [("involved", ASCENDING)], name="involved", partialFilterExpression={"involved": {"$gt": ""}}
        )
        collection.create_index(
            [("last_due_at", ASCENDING), ("_id", ASCENDING)], name="last_due", partialFilterExpression=has_open
        )
        collection.create_index(
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
        found = self.processes.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0, "journal": 0})
        found = found.sort([("next_due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.processes.loaded(document) for document in found]

    def calendar(self) -> worktime.Calendar:
        return self._calendars().calendar

    def decisions(self) -> dict[int, str]:
        """By which decision each year's calendar is what it is."""
        return {year.year: year.decision for year in self._calendars().years}

    def successions(self) -> Successions:
        """Who took over from whom."""
        return self._successions()

    def involving(self, agencies: Sequence[str], limit: int) -> list[store.Loaded[Process]]:
        """Processes in which one of these agencies has something left to do."""
        found = self.processes.collection.find({"involved": {"$in": list(agencies)}}, {"outbox": 0, "doc_answers": 0})
        return [self.processes.loaded(document) for document in found.limit(limit)]

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
        found = self.processes.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("last_due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.processes.loaded(document) for document in found]

    def rescheduled(self, year: int, agency: str | None, after: str, limit: int) -> list[store.Loaded[Process]]:
        """Processes of which a change of that year's calendar moved the due date, by id. `agency` None: every one."""
        wanted: store.Document = {"reschedulings.year": year, "_id": {"$gt": after}}
        if agency is not None:
            wanted["agencies"] = agency
        found = self.processes.collection.find(wanted, {"outbox": 0, "doc_answers": 0, "journal": 0, "tasks": 0})
        return [self.processes.loaded({"tasks": (), **each}) for each in found.sort("_id", ASCENDING).limit(limit)]

    # -- calendars whose changes are still being followed

    def calendar_years(self) -> "Calendars":
        """As they are now, past any memory."""
        return self._read_calendars("")

    def settlings(self) -> dict[int, Settling]:
        """How far the changes of each year's calendar have been followed."""
        return {found["_id"]: _SETTLING.validate_python(found) for found in self._settlings.find()}

    def note_settling(self, year: int, before: Settling | None, after: Settling) -> None:
        """Nothing happens when another process noted another version meanwhile."""
        known = {"$exists": False} if before is None else before.sequence
        # When there is one although none was known, the upsert collides with it.
        with suppress(DuplicateKeyError):
            self._settlings.update_one(
                {"_id": year, "sequence": known}, {"$set": _SETTLING.dump_python(after)}, upsert=before is None
            )

    def _read_procedure(self, id: str) -> Procedure | None:
        """By `<code>/<version>`."""
        found = self.procedures.collection.find_one({"_id": id})
        procedure: Procedure | None = None if found is None else _PROCEDURE.validate_python(found)
        return procedure

    def _read_agency(self, id: str) -> Agency | None:
        found = self.agencies.collection.find_one({"_id": id})
        agency: Agency | None = None if found is None else _AGENCY.validate_python({**found, "id": id})
        return agency

    def _read_calendars(self, _: str) -> "Calendars":
        found = list(self.calendars.collection.find())
        years = [_CALENDAR.validate_python(document) for document in found]
        sequences = {year.year: int(document["sequence"]) for year, document in zip(years, found, strict=True)}
        calendar = worktime.Calendar(
            ((day.date, day.kind) for year in years for day in year.days), {year.year for year in years}
        )
        return Calendars(tuple(years), sequences, calendar)

    def _read_successions(self, _: str) -> Successions:
        return Successions(_SUCCESSION.validate_python(each) for each in self.agencies_succeeded.collection.find())


@dataclass(frozen=True, slots=True)
class Calendars:
    """The years' calendars, which version of each they are, and what they come to."""

    years: tuple[CalendarChanged, ...]
    sequences: dict[int, int]
    calendar: worktime.Calendar
