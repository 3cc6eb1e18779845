"""Intake's copies of catalog's procedures, agencies and calendar."""

from datetime import date

from pydantic import TypeAdapter
from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store, worktime
from chassis.cache import Cached
from intake.domain.successions import Successions
from intake.inbound import Agency, AgencySucceeded, CalendarChanged, Procedure, ProcedureVersion

CACHE_SECONDS = 3.0
"""Catalog's news reaches a process's memory this much later than its store; it reaches the store seconds after it was
published."""


class Catalogue:
    """Intake's copies of procedures, agencies and the calendar, with what was read lately kept in memory."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.procedures = store.Copies(database, "procedures")
        self.agencies = store.Copies(database, "agencies")
        self.calendars = store.Copies(database, "calendars")
        self.agencies_succeeded = store.Copies(database, "successions")
        self._versions = Cached(self._read_versions, CACHE_SECONDS)
        self._agencies = Cached(self._read_agencies, CACHE_SECONDS)
        self._calendar = Cached(self._read_calendar, CACHE_SECONDS)
        self._successions = Cached(self._read_successions, CACHE_SECONDS)

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
        """By its identifier, or by an alias: the agency that bears it on the day, or else bore it last; for one that
        has ended by that day, who took over from it."""

        def bears(agency: Agency) -> tuple[bool, date]:
            spans = [
                (alias.valid_from or date.min, alias.valid_to or date.max) for alias in agency.aliases if alias.id == id
            ]
            return any(begin <= day < end for begin, end in spans), max((end for _, end in spans), default=date.max)

        found: Agency | None = max(self._agencies(id), key=bears, default=None)
        if found is None or (acting := self.successions().acting(found.id, day)) == found.id:
            return found
        return next(iter(self._agencies(acting)), None)

    def successions(self) -> Successions:
        """Who took over from whom."""
        return self._successions()

    def calendar(self) -> worktime.Calendar:
        return self._calendar()

    def _read_versions(self, code: str) -> list[ProcedureVersion]:
        return [_VERSION.validate_python(document) for document in self.procedures.collection.find({"code": code})]

    def _read_agencies(self, id: str) -> list[Agency]:
        own = self.agencies.collection.find_one({"_id": id})
        found = [own] if own is not None else list(self.agencies.collection.find({"aliases.id": id}))
        return [_AGENCY.validate_python(document) for document in found]

    def _read_successions(self, _: str) -> Successions:
        return Successions(_SUCCESSION.validate_python(each) for each in self.agencies_succeeded.collection.find())

    def _read_calendar(self, _: str) -> worktime.Calendar:
        years = [_CALENDAR.validate_python(document) for document in self.calendars.collection.find()]
        return worktime.Calendar(
            ((day.date, day.kind) for year in years for day in year.days), {year.year for year in years}
        )


_VERSION = TypeAdapter(ProcedureVersion)
_AGENCY = TypeAdapter(Agency)
_CALENDAR = TypeAdapter(CalendarChanged)
_SUCCESSION = TypeAdapter(AgencySucceeded)
