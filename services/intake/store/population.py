"""The log of look-ups in the population database."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """`who` asked, for which dossier, draft or procedure, and why. `person`: the identity number, hashed with the
    province's key. `state`: what became of it, "asked" when the process died before it was known."""

    id: str
    at: datetime
    who: str
    agency: str | None
    person: str
    purpose: str | None
    procedure: str | None
    dossier: str | None
    draft: str | None
    state: str


class PopulationLookups:
    """Append-only, but for the outcome."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.collection = database["population_lookups"]

    def ensure_indexes(self) -> None:
        newest = [("at", DESCENDING), ("_id", DESCENDING)]
        self.collection.create_index(newest, name="newest")
        for field in ("person", "who", "agency", "dossier"):
            self.collection.create_index([(field, ASCENDING), *newest], name=f"by_{field}")

    def add(self, lookup: Lookup) -> None:
        document = _LOOKUP.dump_python(lookup)
        self.collection.insert_one({"_id": document.pop("id"), **document})

    def note(self, id: str, state: str) -> None:
        self.collection.update_one({"_id": id, "state": ASKED}, {"$set": {"state": state}})

    def page(self, wanted: dict[str, str], after: tuple[datetime, str] | None, limit: int) -> list[Lookup]:
        """Newest first, behind the one of `after[0]` with the id `after[1]`. `wanted`: field → value."""
        conditions: list[store.Document] = [dict(wanted)] if wanted else []
        if after is not None:
            conditions.append({"$or": [{"at": {"$lt": after[0]}}, {"at": after[0], "_id": {"$lt": after[1]}}]})
        found = self.collection.find({"$and": conditions} if conditions else {})
        found = found.sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [_LOOKUP.validate_python({**document, "id": document["_id"]}) for document in found]


ASKED = "asked"
_LOOKUP = TypeAdapter(Lookup)
