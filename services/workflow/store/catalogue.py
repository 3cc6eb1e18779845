"""Copies of what catalog published: procedure versions, agencies, who took over from whom, the calendar."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import store, worktime
from chassis.cache import Cached
from workflow.domain.agencies import Tree
from workflow.domain.settlings import Settling
from workflow.domain.successions import Successions
from workflow.inbound import Agency, AgencySucceeded, CalendarChanged, Procedure

CACHE_SECONDS = 3.0
_BEGIN = {"valid_from": 1}
_PROCEDURE = TypeAdapter(Procedure)
_AGENCY = TypeAdapter(Agency)
_CALENDAR = TypeAdapter(CalendarChanged)
_SUCCESSION = TypeAdapter(AgencySucceeded)
_SETTLING = TypeAdapter(Settling)


class Catalogue:
    def __init__(self, database: Database[store.Document]) -> None:
        self.procedures = store.Copies(database, "procedures")
        self.agencies = store.Copies(database, "agencies")
        self.calendars = store.Copies(database, "calendars")
        self.agencies_succeeded = store.Copies(database, "successions")
        self._settlings = database["calendar_settlings"]
        self.procedure = Cached(self._read_procedure, CACHE_SECONDS)
        self.agency = Cached(self._read_agency, CACHE_SECONDS)
        self._tree = Cached(self._read_tree, CACHE_SECONDS)
        self._calendars = Cached(self._read_calendars, CACHE_SECONDS)
        self._successions = Cached(self._read_successions, CACHE_SECONDS)

    def calendar(self) -> worktime.Calendar:
        return self._calendars().calendar

    def decisions(self) -> dict[int, str]:
        """By which decision each year's calendar is what it is."""
        return {year.year: year.decision for year in self._calendars().years}

    def successions(self) -> Successions:
        """Who took over from whom."""
        return self._successions()

    def tree(self) -> Tree:
        """Which agencies are below which."""
        return self._tree()

    def listed(self) -> "Calendars":
        """Each year's list, and what they come to."""
        return self._calendars()

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

    def newest(self, code: str, day: date) -> Procedure | None:
        """The procedure's newest version that is in force on that day; without one, the newest there is."""
        # What follows the code in an identifier is a slash, and what follows a slash in ASCII is a zero.
        wanted = {"_id": {"$gte": f"{code}/", "$lt": f"{code}0"}}
        found = {int(each["_id"].rpartition("/")[2]): each for each in self.procedures.collection.find(wanted, _BEGIN)}
        began = [n for n, each in found.items() if (each.get("valid_from") or "") <= day.isoformat()]
        return self.procedure(f"{code}/{max(began or found)}") if found else None

    def _read_agency(self, id: str) -> Agency | None:
        found = self.agencies.collection.find_one({"_id": id})
        agency: Agency | None = None if found is None else _AGENCY.validate_python({**found, "id": id})
        return agency

    def _read_tree(self, _: str) -> Tree:
        return Tree({each["_id"]: each.get("parent") for each in self.agencies.collection.find({}, {"parent": 1})})

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
