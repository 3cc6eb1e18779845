"""Copies of what catalog publishes of procedures, targets and essential services, with their history; and the calendar.

An entry is there once and never changes, whatever comes again and in whatever order. With it stands the day on which
stats first came to know it (`known`), so that what was known on an earlier day can be asked for.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from chassis.store import Copies, Document
from chassis.worktime import Calendar
from stats.domain.catalogue import Essential, Procedure, Targets

_PROCEDURE: TypeAdapter[Procedure] = TypeAdapter(Procedure)
_PROCEDURES: TypeAdapter[list[Procedure]] = TypeAdapter(list[Procedure])
_TARGETS: TypeAdapter[Targets] = TypeAdapter(Targets)
_ESSENTIAL: TypeAdapter[Essential] = TypeAdapter(Essential)
_BESIDES = {"_id": 0, "known": 0}


class Catalogue:
    def __init__(self, database: Database[Document]) -> None:
        self.procedures_: Collection[Document] = database["procedures"]
        self.targets_: Collection[Document] = database["targets"]
        self.essentials_: Collection[Document] = database["essentials"]
        self._calendars = Copies(database, "calendars")

    def ensure_indexes(self) -> None:
        self.procedures_.create_index([("code", ASCENDING), ("number", ASCENDING)], name="code")
        self.targets_.create_index([("year", ASCENDING), ("agency", ASCENDING), ("number", ASCENDING)], name="year")
        self.essentials_.create_index([("list", ASCENDING), ("id", ASCENDING), ("number", ASCENDING)], name="list")

    # -- what comes in --

    def add_procedures(self, entries: Iterable[Procedure], known: date) -> None:
        """Entries of procedures' histories, which stats came to know on that day."""
        rows = [(f"{each.code}/{each.number}", _PROCEDURE.dump_python(each, mode="json")) for each in entries]
        _add(self.procedures_, rows, known)

    def add_targets(self, targets: Iterable[Targets], known: date) -> None:
        rows = [(f"{each.agency}/{each.year}/{each.number}", _TARGETS.dump_python(each)) for each in targets]
        _add(self.targets_, rows, known)

    def add_essentials(self, services: Iterable[Essential], known: date) -> None:
        rows = [(f"{each.list}/{each.id}/{each.number}", _ESSENTIAL.dump_python(each)) for each in services]
        _add(self.essentials_, rows, known)

    def put_calendars(self, years: Iterable[tuple[int, int, Sequence[tuple[date, str]]]]) -> None:
        """(year, catalog's sequence, days that deviate from Monday to Friday) each."""
        self._calendars.put(
            [
                (str(year), sequence, {"days": [{"date": day.isoformat(), "kind": kind} for day, kind in days]})
                for year, sequence, days in years
            ]
        )

    # -- what is asked of it; `as_of`: as known at the end of that day, None: now --

    def procedures(self, as_of: date | None) -> list[Procedure]:
        """Every entry of every procedure's history, by code and number."""
        found = self.procedures_.find(_known(as_of), _BESIDES, batch_size=5000)
        return _PROCEDURES.validate_python(list(found.sort([("code", ASCENDING), ("number", ASCENDING)])))

    def targets(self, years: Iterable[int], agencies: Sequence[str] | None, as_of: date | None) -> list[Targets]:
        """What was assigned last to each agency for each of these years, by year and agency."""
        wanted = {"year": {"$in": list(years)}, **_known(as_of)}
        if agencies is not None:
            wanted["agency"] = {"$in": list(agencies)}
        found = self.targets_.find(wanted, _BESIDES).sort(
            [("year", ASCENDING), ("agency", ASCENDING), ("number", ASCENDING)]
        )
        last = {(each.year, each.agency): each for each in map(_TARGETS.validate_python, found)}
        return list(last.values())

    def essentials(self, as_of: date | None) -> list[Essential]:
        """How each essential service stood last, by list and identifier."""
        found = self.essentials_.find(_known(as_of), _BESIDES).sort(
            [("list", ASCENDING), ("id", ASCENDING), ("number", ASCENDING)]
        )
        return list({(each.list, each.id): each for each in map(_ESSENTIAL.validate_python, found)}.values())

    def calendar(self) -> Calendar:
        """Of the years that catalog has told of; in others Monday to Friday are worked."""
        rows = list(self._calendars.collection.find())
        days: dict[date, Any] = {date.fromisoformat(day["date"]): day["kind"] for row in rows for day in row["days"]}
        return Calendar(days.items(), (int(row["_id"]) for row in rows))


def _add(collection: Collection[Document], rows: Sequence[tuple[str, Document]], known: date) -> None:
    if rows:
        # What comes again, from whatever process and whenever, keeps the first day on which it was known.
        updates = [
            UpdateOne({"_id": id}, {"$setOnInsert": row, "$min": {"known": known.isoformat()}}, upsert=True)
            for id, row in rows
        ]
        collection.bulk_write(updates, ordered=False)


def _known(as_of: date | None) -> Document:
    return {} if as_of is None else {"known": {"$lt": (as_of + timedelta(days=1)).isoformat()}}
