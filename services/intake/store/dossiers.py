"""Dossiers in MongoDB, and the counters that their codes are drawn from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.database import Database

from chassis import store
from intake.domain.dossiers import Dossier, Status
from intake.domain.successions import CLOSED
from intake.store.counters import Counters

_OPEN = [status.value for status in Status if status not in CLOSED]


class Dossiers(store.Aggregates[Dossier]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "dossiers", Dossier, carrier)
        self._counters = Counters(database)

    def loaded(self, document: store.Document) -> store.Loaded[Dossier]:
        # Whoever handed in for somebody else was a name alone, once.
        if isinstance(behalf := document.get("on_behalf_of"), str):
            document = {**document, "on_behalf_of": {"name": behalf}}
        return super().loaded(document)

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        dossiers = self.collection
        # `$gt ""` and not `$type`: the planner uses a partial index only for queries that it can see to be inside.
        dossiers.create_index(
            [("code", ASCENDING)], name="code", unique=True, partialFilterExpression={"code": {"$gt": ""}}
        )
        dossiers.create_index(
            [("office.number", ASCENDING), ("dimensions.agency", ASCENDING)],
            name="office_number",
            unique=True,
            partialFilterExpression={"office.number": {"$gt": ""}},
        )
        newest = [("filed_at", DESCENDING), ("_id", DESCENDING)]
        dossiers.create_index([("agencies", ASCENDING), *newest], name="by_agency")
        dossiers.create_index([("agencies", ASCENDING), ("status", ASCENDING), *newest], name="by_agency_and_status")
        dossiers.create_index(
            [("owner", ASCENDING), *newest], name="by_owner", partialFilterExpression={"owner": {"$gt": ""}}
        )
        dossiers.create_index(newest, name="newest")
        dossiers.create_index([("handled_by", ASCENDING), ("status", ASCENDING)], name="handled_by")
        dossiers.create_index(
            [("dimensions.agency", ASCENDING), ("received_at", ASCENDING), ("_id", ASCENDING)],
            name="register",
            partialFilterExpression={"received_at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}},
        )

        dossiers.create_index(
            [("deposit", ASCENDING), ("_id", ASCENDING)],
            name="to_deposit",
            partialFilterExpression={"deposit": {"$gt": 0}},
        )

    def open_at(self, agencies: Sequence[str], limit: int) -> list[store.Loaded[Dossier]]:
        """Dossiers that one of these agencies has still to act on."""
        wanted = {"handled_by": {"$in": list(agencies)}, "status": {"$in": _OPEN}}
        return [self.loaded(found) for found in self.collection.find(wanted, {"outbox": 0}).limit(limit)]

    def to_deposit(self, after: tuple[int, str] | None, limit: int) -> list[store.Loaded[Dossier]]:
        """Dossiers that have something for the store of documents, behind the one with that mark and id."""
        wanted: store.Document = {"deposit": {"$gt": 0}}
        if after is not None:
            behind = [{"deposit": {"$gt": after[0]}}, {"deposit": after[0], "_id": {"$gt": after[1]}}]
            wanted = {"deposit": {"$gte": after[0], "$gt": 0}, "$or": behind}
        found = self.collection.find(wanted, {"outbox": 0, "doc_answers": 0, "form": 0}, hint="to_deposit")
        found = found.sort([("deposit", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.loaded({"form": {}, **document}) for document in found]

    def deposited(self, dossiers: Sequence[tuple[str, int]]) -> None:
        """Takes off the marks with which the dossiers were read. It is no change of the dossier, and whoever shows the
        version that they saw is not told that it is another one."""
        if dossiers:
            self.collection.bulk_write(
                [UpdateOne({"_id": id, "deposit": mark}, {"$set": {"deposit": -mark}}) for id, mark in dossiers],
                ordered=False,
            )

    def draw(self, agency: str, day: date, count: int) -> int:
        """Uses up the next `count` numbers of the agency's day, and returns the first. Atomic."""
        return self._counters.draw(f"{agency}-{day:%y%m%d}", count)

    def by_office_numbers(self, offices: Iterable[tuple[str, str]]) -> dict[tuple[str, str], store.Loaded[Dossier]]:
        """By (agency, the number that its software gave)."""
        wanted = [{"office.number": number, "dimensions.agency": agency} for agency, number in offices]
        found = [self.loaded(document) for document in self.collection.find({"$or": wanted}, {"outbox": 0})]
        return {(one.state.dimensions.agency, one.state.office.number): one for one in found if one.state.office}

    def by_code(self, code: str) -> store.Loaded[Dossier] | None:
        found = self.collection.find_one({"code": code}, {"outbox": 0})
        return None if found is None else self.loaded(found)

    def page(self, wanted: "Wanted", after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Dossier]]:
        """Dossiers, newest first, behind the one filed at `after[0]` with the id `after[1]`."""
        conditions: list[store.Document] = [wanted.condition()]
        if after is not None:
            conditions.append(
                {"$or": [{"filed_at": {"$lt": after[0]}}, {"filed_at": after[0], "_id": {"$lt": after[1]}}]}
            )
        found = self.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0, "journal": 0, "form": 0})
        found = found.sort([("filed_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.loaded({"form": {}, **document}) for document in found]

    def received(self, agency: str, begin: datetime, end: datetime, limit: int) -> list[Dossier]:
        """What the agency received in [begin, end), in order."""
        found = self.collection.find(
            {"dimensions.agency": agency, "received_at": {"$gte": begin, "$lt": end}},
            {"outbox": 0, "doc_answers": 0, "journal": 0, "form": 0},
        )
        found = found.sort([("received_at", ASCENDING), ("_id", ASCENDING)]).limit(limit)
        return [self.loaded({"form": {}, **document}).state for document in found]

    def journals(self) -> Iterator[Dossier]:
        """Every dossier, by id."""
        found = self.collection.find({}, {"outbox": 0, "doc_answers": 0}, batch_size=200).sort("_id", ASCENDING)
        return (self.loaded(document).state for document in found)

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
            "withdrawal",
            "stop",
            "standstill",
            "supplements",
            "due_at",
            "handover",
            "components",
            "payments",
            "rating",
        )
        found = self.collection.find({"_id": {"$gt": after or ""}}, dict.fromkeys(fields, 1))
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
