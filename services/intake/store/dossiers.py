"""Dossiers in MongoDB, and the counters that their codes are drawn from."""

from dataclasses import dataclass
from datetime import date, datetime

from pymongo import ASCENDING, DESCENDING, ReturnDocument, WriteConcern
from pymongo.database import Database

from chassis import store
from intake.domain.dossiers import Dossier, Status


class Dossiers(store.Aggregates[Dossier]):
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "dossiers", Dossier, carrier)
        # A counter that a failover rolls back would give a code twice; the unique index refuses it, and the next is
        # drawn.
        self._counters = database.get_collection("counters", write_concern=WriteConcern(w=1))

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        dossiers = self.collection
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
