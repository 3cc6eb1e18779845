"""Catalog's MongoDB: a document for each version of each procedure, each agency, each year's calendar, each import."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.database import Database

from catalog import events
from catalog.calendars import CalendarVersion, version_of
from catalog.domain import Agency, CalendarYear, FieldOfWork, Level, ServiceLevel, Validity, Version, words_of
from catalog.essentials.store import Essentials, StoredEssential
from catalog.imports.store import ImportStore
from catalog.replacements.store import ReplacementImports
from catalog.reviews.store import Reviews
from catalog.search import store as search
from catalog.search.domain import Typed, title_of
from catalog.successions import Succession
from catalog.targets.store import AssignedTargets, StoredTargets
from catalog.targets.store import told_of as targets_told_of
from chassis import store
from chassis.acts import key_of
from chassis.envelope import EventData, OutgoingEvent, outgoing
from chassis.web import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """`id` is `<code>/<number>`, so that of two who publish the same next version, one is refused."""

    id: str
    version: Version
    words: tuple[str, ...]
    title: str = ""
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
    """`history`: every version in order, the last one is `calendar`."""

    id: str
    calendar: CalendarYear
    changed_at: datetime
    changed_by: str
    history: tuple[CalendarVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSuccession:
    """`applied`: the agencies are as it wants them."""

    id: str
    succession: Succession
    applied: bool
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
class Counted:
    """How many procedures are alike in these."""

    service_level: ServiceLevel
    field: FieldOfWork
    levels: tuple[Level, ...]
    count: int


_COUNTED = ("service_level", "field", "levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter over procedures. `typed`: see `search`."""

    status: Listed = "all"
    typed: Typed | None = None
    field: str | None = None
    agency: Agency | None = None
    level: Level | None = None

    def condition(self) -> store.Document:
        conditions = [] if self.typed is None else search.condition(self.typed)
        # Whether an entry counts on a day is only known among the others. This leaves out what never can.
        if self.status == "withdrawn":
            conditions.append({"$or": [{"version.decision": {"$ne": None}}, {"version.valid_to": {"$ne": None}}]})
        if self.field is not None:
            conditions.append({"version.procedure.field.code": self.field})
        if self.level is not None:
            conditions.append({"version.procedure.levels": self.level})
        if self.agency is not None:
            names = [self.agency.id, *(alias.id for alias in self.agency.aliases)]
            offers: list[store.Document] = [{"version.procedure.agencies": {"$in": names}}]
            if self.agency.one_stop:
                levels = [self.agency.level, *self.agency.inherited_levels]
                offers.append({"version.procedure.agencies": [], "version.procedure.levels": {"$in": levels}})
            conditions.append({"$or": offers})
        return {"$and": conditions} if conditions else {}


HISTORY = ("version.code", "version.number", "version.valid_from", "version.valid_to", "version.decision")


class CatalogStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.procedures = store.Aggregates(database, "procedures", StoredVersion, carrier)
        self.agencies = store.Aggregates(database, "agencies", StoredAgency, carrier)
        self.calendars = store.Aggregates(database, "calendars", StoredCalendar, carrier)
        self.successions = store.Aggregates(database, "successions", StoredSuccession, carrier)
        self.imports = ImportStore(database, carrier)
        self.uses = search.Uses(database)
        self._summary: TypeAdapter[Summary] = TypeAdapter(Summary)
        self._counted: TypeAdapter[Counted] = TypeAdapter(Counted)

        self.essentials = Essentials(database, carrier)
        self.replacements = ReplacementImports(database, carrier)
        self.reviews = Reviews(database, carrier)
        self.targets = AssignedTargets(database, carrier)

    @property
    def outboxes(self) -> list[Collection[store.Document]]:
        return [
            self.agencies.collection,
            self.calendars.collection,
            self.procedures.collection,
            self.successions.collection,
            self.targets.targets.collection,
            self.essentials.services.collection,
        ]

    def ensure_indexes(self) -> None:
        for aggregates in (self.procedures, self.agencies, self.calendars, self.successions):
            aggregates.ensure_indexes()
        for own in (self.essentials, self.reviews, self.targets):
            own.ensure_indexes()
        self.imports.ensure_indexes()
        # Holds all that a history is read for, so that no document is fetched for it.
        procedures, agencies = self.procedures.collection, self.agencies.collection
        procedures.create_index([(field, ASCENDING) for field in HISTORY], name="history")
        procedures.create_index([("words", ASCENDING)], name="words")
        procedures.create_index([("title", ASCENDING)], name="title")
        search.give_titles(procedures)
        self.uses.ensure_indexes()
        procedures.create_index(
            [("version.procedure.field.code", ASCENDING), ("version.code", ASCENDING)], name="field"
        )
        agencies.create_index([("agency.aliases.id", ASCENDING)], name="aliases")
        agencies.create_index([("agency.parent", ASCENDING), ("_id", ASCENDING)], name="parent")
        successions = self.successions.collection
        # An agency ends once: of two who say how, at the same moment, the second is refused.
        successions.create_index([("succession.predecessors", ASCENDING)], name="predecessors", unique=True)
        successions.create_index([("succession.successors", ASCENDING)], name="successors")
        successions.create_index([("succession.on", DESCENDING), ("_id", DESCENDING)], name="newest")
        successions.create_index(
            [("succession.on", ASCENDING), ("_id", ASCENDING)],
            name="pending",
            partialFilterExpression={"applied": False},
        )

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

    def published_by_review(self, codes: Iterable[str], review: str) -> dict[str, int]:
        """Of these procedures, the number of the version that the review's decision made, where there is one."""
        found = self.procedures.collection.find(
            {"version.code": {"$in": list(codes)}, "version.review": review}, {"version.code": 1, "version.number": 1}
        )
        return {each["version"]["code"]: each["version"]["number"] for each in found}

    def answered(self, code: str, call: Call) -> store.Loaded[StoredVersion] | None:
        """The entry that an earlier call with this key made."""
        if (key := key_of(call)) is None:
            return None
        found = self.procedures.collection.find_one({"version.code": code, "doc_answers.key": key}, {"outbox": 0})
        return None if found is None else self.procedures.loaded(found)

    def marked(self, mark: str, codes: Iterable[str]) -> set[str]:
        """Of these procedures, those that have an entry with this mark (see `imports.Author`)."""
        found = self.procedures.collection.find(
            {"version.code": {"$in": list(codes)}, "doc_answers.key": mark}, {"version.code": 1}
        )
        return {document["version"]["code"] for document in found}

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

    def counted(self, wanted: Wanted, day: date) -> list[Counted]:
        """How many of the procedures in force on the day fit, by what they are counted by."""
        on = day.isoformat()
        # The same as `domain.counting_on`: of the entries that have begun, the one with the highest number.
        begun = self.procedures.collection.aggregate(
            [
                {"$match": {"version.code": {"$gt": ""}, "version.valid_from": {"$lte": on}}},
                {"$sort": {"version.code": ASCENDING, "version.number": ASCENDING}},
                {"$group": {"_id": "$version.code", "number": {"$last": "$version.number"}}},
            ]
        )
        counting = [id_of(each["_id"], each["number"]) for each in begun]
        found = self.procedures.collection.aggregate(
            [
                {
                    "$match": {
                        "_id": {"$in": counting},
                        "version.decision": None,
                        "$or": [{"version.valid_to": None}, {"version.valid_to": {"$gt": on}}],
                        "$and": [wanted.condition()],
                    }
                },
                {
                    "$group": {
                        "_id": {name: f"$version.procedure.{name}" for name in _COUNTED},
                        "count": {"$sum": 1},
                    }
                },
            ]
        )
        return [self._counted.validate_python({**each["_id"], "count": each["count"]}) for each in found]

    def hits(self, wanted: Wanted, typed: Typed) -> list[tuple[int, str, int]]:
        """Every fitting entry, in no order: tier, code, number."""
        fields = {"_id": 0, "code": "$version.code", "number": "$version.number", "tier": search.tier(typed)}
        found = self.procedures.collection.find(wanted.condition(), fields, batch_size=10_000)
        return [(each["tier"], each["code"], each["number"]) for each in found]

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

    # -- successions

    def every_succession(self) -> list[Succession]:
        """There are some hundreds after a reorganisation, and none on most days."""
        found = self.successions.collection.find({}, {"outbox": 0, "doc_answers": 0})
        return [self.successions.loaded(document).state.succession for document in found]

    def succeeded(self, ids: Iterable[str]) -> dict[str, Succession]:
        """Of these agencies, those that others take over from, or will: identifier → the succession."""
        wanted = list(ids)
        found = self.successions.collection.find(
            {"succession.predecessors": {"$in": wanted}}, {"outbox": 0, "doc_answers": 0}
        )
        successions = [self.successions.loaded(document).state.succession for document in found]
        return {id: each for each in successions for id in each.predecessors if id in wanted}

    def ends(self, ids: Iterable[str]) -> dict[str, date]:
        """The day on which others take over from each, of those agencies that have one."""
        return {id: succession.on for id, succession in self.succeeded(ids).items()}

    def pending_successions(self, limit: int) -> list[store.Loaded[StoredSuccession]]:
        """Those that the agencies do not show yet, the earliest first."""
        found = self.successions.collection.find({"applied": False}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("succession.on", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.successions.loaded(document) for document in found]

    def succession_page(
        self, agency: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[store.Loaded[StoredSuccession]]:
        """Successions, the latest day first, behind the one of the day `after[0]` with the id `after[1]`."""
        conditions: list[store.Document] = []
        if agency is not None:
            conditions.append({"$or": [{"succession.predecessors": agency}, {"succession.successors": agency}]})
        if after is not None:
            conditions.append(
                {"$or": [{"succession.on": {"$lt": after[0]}}, {"succession.on": after[0], "_id": {"$lt": after[1]}}]}
            )
        found = self.successions.collection.find(
            {"$and": conditions} if conditions else {}, {"outbox": 0, "doc_answers": 0}
        )
        found = found.sort([("succession.on", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.successions.loaded(document) for document in found]

    # -- what was published, again

    def published(self, kind: "Kind") -> Iterator[OutgoingEvent]:
        """The last event of every document of a kind, as it was: the same identifier, sequence and time."""
        every: dict[Kind, store.Aggregates[Any]] = {
            "agencies": self.agencies,
            "calendars": self.calendars,
            "procedures": self.procedures,
            "successions": self.successions,
            "targets": self.targets.targets,
            "essentials": self.essentials.services,
        }
        aggregates = every[kind]
        found = aggregates.collection.find({}, {"outbox": 0, "doc_answers": 0}, batch_size=500)
        for document in found.sort("_id", ASCENDING):
            loaded = aggregates.loaded(document)
            if not loaded.sequence:
                # It was put on a list of essential services when those were not told of; its next change will be.
                continue
            subject, event = told_of(loaded.state)
            yield outgoing(event, subject=subject, sequence=loaded.sequence, time=loaded.state.changed_at)


Kind = Literal["agencies", "calendars", "procedures", "successions", "targets", "essentials"]
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
        title=title_of(version.procedure.name),
        changed_at=at,
        changed_by=by,
    )
    subject, event = told_of(state)
    return store.New(state.id, state, [event], at, trace, subject=subject, after=version.number - 1, answer=answer)


def next_calendar(before: StoredCalendar | None, calendar: CalendarYear, at: datetime, by: str) -> StoredCalendar:
    """The year's calendar after one more decision; the versions before stay in its history."""
    history = () if before is None else calendar_history(before)
    history = (*history, version_of(calendar, len(history) + 1, at, by))
    return StoredCalendar(id=str(calendar.year), calendar=calendar, changed_at=at, changed_by=by, history=history)


def calendar_history(stored: StoredCalendar) -> tuple[CalendarVersion, ...]:
    """Every version; of a year that was stored before versions were kept, the one that counted then."""
    return stored.history or (version_of(stored.calendar, 1, stored.changed_at, stored.changed_by),)


def told_of(
    state: StoredVersion | StoredAgency | StoredCalendar | StoredSuccession | StoredTargets | StoredEssential,
) -> tuple[str, EventData]:
    """The subject and the event that say what a document now holds."""
    if isinstance(state, StoredVersion):
        return state.version.code, events.of_version(state.version)
    if isinstance(state, StoredAgency):
        return state.id, events.AgencyChanged(agency=state.agency)
    if isinstance(state, StoredSuccession):
        return state.id, events.of_succession(state.succession)
    if isinstance(state, StoredTargets):
        return state.id, targets_told_of(state.targets)
    if isinstance(state, StoredEssential):
        return state.id, events.EssentialChanged(service=state.service)
    return state.id, events.of_calendar(state.calendar)
