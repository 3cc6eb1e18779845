"""Intake's MongoDB: dossiers, the counters that codes are drawn from, and the copies of catalog's data."""

from dataclasses import dataclass
from datetime import date, datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING, ReturnDocument, WriteConcern
from pymongo.database import Database

from chassis import store, worktime
from chassis.cache import Cached
from intake.domain import Dossier, Status
from intake.inbound import Agency, CalendarChanged, Procedure, ProcedureVersion

CACHE_SECONDS = 3.0
"""Catalog's news reaches a process's memory this much later than its store; it reaches the store seconds after it was
published."""


class IntakeStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.dossiers = store.Aggregates(database, "dossiers", Dossier, carrier)
        self.catalogue = Catalogue(database)
        # A counter that a failover rolls back would give a code twice; the unique index refuses it, and the next is
        # drawn.
        self._counters = database.get_collection("counters", write_concern=WriteConcern(w=1))

    def ensure_indexes(self) -> None:
        self.dossiers.ensure_indexes()
        dossiers = self.dossiers.collection
        # `$gt ""` and not `$type`: the planner uses a partial index only for queries that it can see to be inside.
        dossiers.create_index(
            [("code", ASCENDING)], name="code", unique=True, partialFilterExpression={"code": {"$gt": ""}}
        )
        newest = [("filed_at", DESCENDING), ("_id", DESCENDING)]
        dossiers.create_index([("agencies", ASCENDING), *newest], name="by_agency")
        dossiers.create_index([("agencies", ASCENDING), ("status", ASCENDING), *newest], name="by_agency_and_status")
        dossiers.create_index(
            [("owner", ASCENDING), *newest], name="by_owner", partialFilterExpression={"owner": {"$gt": ""}}
        )
        dossiers.create_index(newest, name="newest")
        self.catalogue.ensure_indexes()

    def draw(self, agency: str, day: date, count: int) -> int:
        """Uses up the next `count` numbers of the agency's day, and returns the first. Atomic."""
        found = self._counters.find_one_and_update(
            {"_id": f"{agency}-{day:%y%m%d}"},
            {"$inc": {"drawn": count}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int((found or {})["drawn"]) - count + 1

    def by_code(self, code: str) -> store.Loaded[Dossier] | None:
        found = self.dossiers.collection.find_one({"code": code}, {"outbox": 0})
        return None if found is None else self.dossiers.loaded(found)

    def page(self, wanted: "Wanted", after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Dossier]]:
        """Dossiers, newest first, behind the one filed at `after[0]` with the id `after[1]`."""
        conditions: list[store.Document] = [wanted.condition()]
        if after is not None:
            conditions.append(
                {"$or": [{"filed_at": {"$lt": after[0]}}, {"filed_at": after[0], "_id": {"$lt": after[1]}}]}
            )
        found = self.dossiers.collection.find(
            {"$and": conditions}, {"outbox": 0, "doc_answers": 0, "journal": 0, "form": 0}
        )
        found = found.sort([("filed_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.dossiers.loaded({"form": {}, **document}) for document in found]

    def states(self, after: str | None, limit: int) -> list[store.Document]:
        """What a recount needs of each dossier, by id."""
        fields = (
            "dimensions",
            "status",
            "filed_at",
            "received_at",
            "refused_at",
            "finished_at",
            "timing",
            "handover",
            "components",
        )
        found = self.dossiers.collection.find({"_id": {"$gt": after or ""}}, dict.fromkeys(fields, 1))
        return list(found.sort("_id", ASCENDING).limit(limit))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter over dossiers. `agencies` or `owner` is what the caller may see; None means everything."""

    agency: str | None = None
    owner: str | None = None
    status: Status | None = None
    procedure: str | None = None
    due_before: datetime | None = None
    code: str | None = None

    def condition(self) -> store.Document:
        wanted: store.Document = {}
        if self.agency is not None:
            wanted["agencies"] = self.agency
        if self.owner is not None:
            wanted["owner"] = self.owner
        if self.status is not None:
            wanted["status"] = self.status.value
        if self.procedure is not None:
            wanted["dimensions.procedure"] = self.procedure
        if self.due_before is not None:
            wanted["due_at"] = {"$lt": self.due_before}
        if self.code is not None:
            wanted["code"] = self.code
        return wanted


class Catalogue:
    """Intake's copies of procedures, agencies and the calendar, with what was read lately kept in memory."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.procedures = store.Copies(database, "procedures")
        self.agencies = store.Copies(database, "agencies")
        self.calendars = store.Copies(database, "calendars")
        self._versions = Cached(self._read_versions, CACHE_SECONDS)
        self._agencies = Cached(self._read_agencies, CACHE_SECONDS)
        self._calendar = Cached(self._read_calendar, CACHE_SECONDS)

    def ensure_indexes(self) -> None:
        self.procedures.collection.create_index([("code", ASCENDING)], name="code")
        self.agencies.collection.create_index([("aliases.id", ASCENDING)], name="alias")

    def in_force(self, code: str, day: date) -> Procedure | None:
        """The version that a dossier of that day is filed under; None when the procedure is not there, or withdrawn."""
        # The greatest valid_from not after the day wins, and among equals the later version, so that a correction
        # counts.
        begun = [version for version in self._versions(code) if version.valid_from <= day]
        latest = max(begun, key=lambda version: (version.valid_from, version.version), default=None)
        if latest is None or latest.procedure is None:
            return None
        end = latest.procedure.valid_to
        return latest.procedure if end is None or day < end else None

    def version(self, code: str, number: int) -> Procedure | None:
        """The version that a dossier was filed under."""
        return next((v.procedure for v in self._versions(code) if v.version == number), None)

    def agency(self, id: str, day: date) -> Agency | None:
        """By its identifier, or by an alias: the agency that bears it on the day, or else bore it last."""

        def bears(agency: Agency) -> tuple[bool, date]:
            spans = [
                (alias.valid_from or date.min, alias.valid_to or date.max) for alias in agency.aliases if alias.id == id
            ]
            return any(begin <= day < end for begin, end in spans), max((end for _, end in spans), default=date.max)

        return max(self._agencies(id), key=bears, default=None)

    def calendar(self) -> worktime.Calendar:
        return self._calendar()

    def _read_versions(self, code: str) -> list[ProcedureVersion]:
        return [_VERSION.validate_python(document) for document in self.procedures.collection.find({"code": code})]

    def _read_agencies(self, id: str) -> list[Agency]:
        own = self.agencies.collection.find_one({"_id": id})
        found = [own] if own is not None else list(self.agencies.collection.find({"aliases.id": id}))
        return [_AGENCY.validate_python(document) for document in found]

    def _read_calendar(self, _: str) -> worktime.Calendar:
        years = [_CALENDAR.validate_python(document) for document in self.calendars.collection.find()]
        return worktime.Calendar(
            ((day.date, day.kind) for year in years for day in year.days), {year.year for year in years}
        )


_VERSION = TypeAdapter(ProcedureVersion)
_AGENCY = TypeAdapter(Agency)
_CALENDAR = TypeAdapter(CalendarChanged)
