"""Catalog's MongoDB: a document for each version of each procedure, each agency, each year's calendar, each import."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.database import Database

from catalog import events
from catalog.domain import Agency, CalendarYear, FieldOfWork, Level, ServiceLevel, Validity, Version, words, words_of
from chassis import store
from chassis.acts import key_of
from chassis.envelope import EventData, OutgoingEvent, outgoing
from chassis.errors import FieldError
from chassis.web import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """`id` is `<code>/<number>`, so that of two who publish the same next version, one is refused."""

    id: str
    version: Version
    words: tuple[str, ...]
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAgency:
    id: str
    agency: Agency
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalendar:
    id: str
    calendar: CalendarYear
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """What became of an item of an import. `index`: its place in the list of its kind; `id`: None if unreadable."""

    kind: Literal["procedure", "agency", "calendar"]
    index: int
    id: str | None
    status: Literal["accepted", "unchanged", "rejected"]
    errors: tuple[FieldError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImport:
    id: str
    dry_run: bool
    rows: tuple[ImportRow, ...]
    changed_at: datetime
    changed_by: str


Listed = Literal["in_force", "withdrawn", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a list shows of a procedure."""

    code: str
    local_code: str | None
    name: str
    field: FieldOfWork
    service_level: ServiceLevel
    agencies: tuple[str, ...]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter over procedures. All words of `q` must be found, in any order, each as the beginning of a word."""

    status: Listed = "all"
    q: str = ""
    field: str | None = None
    agency: Agency | None = None
    level: Level | None = None

    def condition(self) -> store.Document:
        wanted_words = words(self.q)
        conditions: list[store.Document] = [{"words": {"$regex": f"^{re.escape(word)}"}} for word in wanted_words]
        if self.q and not wanted_words:
            conditions.append({"words": {"$in": []}})
        # Whether an entry counts on a day is only known among the others. This leaves out what never can.
        if self.status == "withdrawn":
            conditions.append({"$or": [{"version.decision": {"$ne": None}}, {"version.valid_to": {"$ne": None}}]})
        if self.field is not None:
            conditions.append({"version.procedure.field.code": self.field})
        if self.level is not None:
            conditions.append({"version.procedure.levels": self.level})
        if self.agency is not None:
            offers: list[store.Document] = [{"version.procedure.agencies": self.agency.id}]
            if self.agency.one_stop:
                offers.append({"version.procedure.agencies": [], "version.procedure.levels": self.agency.level})
            conditions.append({"$or": offers})
        return {"$and": conditions} if conditions else {}


HISTORY = ("version.code", "version.number", "version.valid_from", "version.valid_to", "version.decision")


class CatalogStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.procedures = store.Aggregates(database, "procedures", StoredVersion, carrier)
        self.agencies = store.Aggregates(database, "agencies", StoredAgency, carrier)
        self.calendars = store.Aggregates(database, "calendars", StoredCalendar, carrier)
        self.imports = store.Aggregates(database, "imports", StoredImport, carrier)
        self._summary: TypeAdapter[Summary] = TypeAdapter(Summary)

    @property
    def outboxes(self) -> list[Collection[store.Document]]:
        return [self.agencies.collection, self.calendars.collection, self.procedures.collection]

    def ensure_indexes(self) -> None:
        for aggregates in (self.procedures, self.agencies, self.calendars):
            aggregates.ensure_indexes()
        # Holds all that a history is read for, so that no document is fetched for it.
        procedures, agencies = self.procedures.collection, self.agencies.collection
        procedures.create_index([(field, ASCENDING) for field in HISTORY], name="history")
        procedures.create_index([("words", ASCENDING)], name="words")
        procedures.create_index(
            [("version.procedure.field.code", ASCENDING), ("version.code", ASCENDING)], name="field"
        )
        agencies.create_index([("agency.aliases.id", ASCENDING)], name="aliases")
        agencies.create_index([("agency.parent", ASCENDING), ("_id", ASCENDING)], name="parent")

    # -- procedures

    def histories(self, codes: Iterable[str]) -> dict[str, list[Validity]]:
        """Every entry of these procedures' histories, in order."""
        found = self.procedures.collection.find(
            {"version.code": {"$in": list(codes)}}, {"_id": 0, **dict.fromkeys(HISTORY, 1)}
        )
        histories: dict[str, list[Validity]] = defaultdict(list)
        for document in found.sort([("version.code", ASCENDING), ("version.number", ASCENDING)]):
            entry = document["version"]
            histories[entry["code"]].append(
                Validity(
                    number=entry["number"],
                    valid_from=date.fromisoformat(entry["valid_from"]),
                    valid_to=date.fromisoformat(entry["valid_to"]) if entry["valid_to"] else None,
                    withdrawn=entry["decision"] is not None,
                )
            )
        return histories

    def version(self, code: str, number: int) -> Version | None:
        loaded = self.procedures.load(id_of(code, number))
        return None if loaded is None else loaded.state.version

    def latest(self, codes: Iterable[str]) -> dict[str, Version]:
        """The latest entry of each of these procedures' histories."""
        ids = [id_of(code, history[-1].number) for code, history in self.histories(codes).items()]
        return {loaded.state.version.code: loaded.state.version for loaded in self.procedures.load_many(ids).values()}

    def answered(self, code: str, call: Call) -> store.Loaded[StoredVersion] | None:
        """The entry that an earlier call with this key made."""
        if (key := key_of(call)) is None:
            return None
        found = self.procedures.collection.find_one({"version.code": code, "doc_answers.key": key}, {"outbox": 0})
        return None if found is None else self.procedures.loaded(found)

    def matching(self, wanted: Wanted, after: str, limit: int) -> dict[str, set[int]]:
        """Procedures behind the code `after` that have fitting entries: code, in order → numbers of those entries."""
        found = self.procedures.collection.aggregate(
            [
                {"$match": {"version.code": {"$gt": after}, **wanted.condition()}},
                {"$group": {"_id": "$version.code", "numbers": {"$push": "$version.number"}}},
                {"$sort": {"_id": ASCENDING}},
                {"$limit": limit},
            ]
        )
        return {document["_id"]: set(document["numbers"]) for document in found}

    def versions(self, wanted: Iterable[tuple[str, int]]) -> dict[str, Version]:
        """Entries by code: one of each."""
        loaded = self.procedures.load_many(id_of(code, number) for code, number in wanted).values()
        return {each.state.version.code: each.state.version for each in loaded}

    def summaries(self, wanted: Iterable[tuple[str, int]]) -> dict[str, Summary]:
        """By code, of one entry each."""
        found = self.procedures.collection.find(
            {"_id": {"$in": [id_of(code, number) for code, number in wanted]}},
            {f"version.procedure.{field.name}": 1 for field in fields(Summary)},
        )
        summaries = (self._summary.validate_python(document["version"]["procedure"]) for document in found)
        return {summary.code: summary for summary in summaries}

    # -- agencies

    def every_agency(self) -> dict[str, Agency]:
        """By identifier. There are some hundreds, and they change rarely."""
        found = self.agencies.collection.find({}, {"outbox": 0, "doc_answers": 0})
        return {document["_id"]: self.agencies.loaded(document).state.agency for document in found}

    def with_alias(self, alias: str) -> list[store.Loaded[StoredAgency]]:
        return [
            self.agencies.loaded(found)
            for found in self.agencies.collection.find({"agency.aliases.id": alias}, {"outbox": 0})
        ]

    def agency_page(
        self, level: Level | None, parent: str | None, on: date, after: str, limit: int
    ) -> list[store.Loaded[StoredAgency]]:
        """Agencies that exist on the day, by identifier."""
        day = on.isoformat()
        wanted: store.Document = {
            "_id": {"$gt": after},
            "agency.valid_from": {"$lte": day},
            "$or": [{"agency.valid_to": None}, {"agency.valid_to": {"$gt": day}}],
        }
        if level is not None:
            wanted["agency.level"] = level
        if parent is not None:
            wanted["agency.parent"] = parent
        found = (
            self.agencies.collection.find(wanted, {"outbox": 0, "doc_answers": 0}).sort("_id", ASCENDING).limit(limit)
        )
        return [self.agencies.loaded(document) for document in found]

    # -- what was published, again

    def published(self, kind: "Kind") -> Iterator[OutgoingEvent]:
        """The last event of every document of a kind, as it was: the same identifier, sequence and time."""
        every: dict[Kind, store.Aggregates[Any]] = {
            "agencies": self.agencies,
            "calendars": self.calendars,
            "procedures": self.procedures,
        }
        aggregates = every[kind]
        found = aggregates.collection.find({}, {"outbox": 0, "doc_answers": 0}, batch_size=500)
        for document in found.sort("_id", ASCENDING):
            loaded = aggregates.loaded(document)
            subject, event = told_of(loaded.state)
            yield outgoing(event, subject=subject, sequence=loaded.sequence, time=loaded.state.changed_at)


Kind = Literal["agencies", "calendars", "procedures"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def id_of(code: str, number: int) -> str:
    return f"{code}/{number}"


def new_version(
    version: Version, at: datetime, by: str, trace: str | None, answer: store.KeptAnswer | None
) -> store.New[StoredVersion]:
    """An entry to be added to its procedure's history; refused when there is one with its number already."""
    state = StoredVersion(
        id=id_of(version.code, version.number),
        version=version,
        words=words_of(version.procedure),
        changed_at=at,
        changed_by=by,
    )
    subject, event = told_of(state)
    return store.New(state.id, state, [event], at, trace, subject=subject, after=version.number - 1, answer=answer)


def told_of(state: StoredVersion | StoredAgency | StoredCalendar) -> tuple[str, EventData]:
    """The subject and the event that say what a document now holds."""
    if isinstance(state, StoredVersion):
        return state.version.code, events.of_version(state.version)
    if isinstance(state, StoredAgency):
        return state.id, events.AgencyChanged(agency=state.agency)
    return state.id, events.of_calendar(state.calendar)
