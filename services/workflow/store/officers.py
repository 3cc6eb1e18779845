"""The officers that workflow has met."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from pydantic import TypeAdapter
from pymongo import ASCENDING, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database

from chassis import store
from workflow.domain.officers import Officer

_OFFICER = TypeAdapter(Officer)
NOTED_FOR = timedelta(hours=1)
"""A process notes the same officer again after so long."""
REMEMBERED = 20_000


class Officers:
    def __init__(self, database: Database[store.Document]) -> None:
        # A note that is lost is written again with the officer's next request.
        self._collection: Collection[store.Document] = database.get_collection(
            "officers", write_concern=WriteConcern(w=1)
        )
        self._noted: dict[str, Officer] = {}

    def ensure_indexes(self) -> None:
        self._collection.create_index([("agency", ASCENDING), ("_id", ASCENDING)], name="agency")

    def note(self, officer: Officer) -> None:
        """Mostly there is nothing to write. That the store is away is no reason for the request to fail here."""
        noted = self._noted.get(officer.id)
        if noted is not None and officer.seen_at - noted.seen_at < NOTED_FOR and _same(noted, officer):
            return
        document = _OFFICER.dump_python(officer)
        with suppress(*store.UNAVAILABLE):
            self._collection.replace_one({"_id": document.pop("id")}, document, upsert=True)
            if len(self._noted) >= REMEMBERED:
                self._noted.clear()
            self._noted[officer.id] = officer

    def known(self, ids: Iterable[str]) -> dict[str, Officer]:
        """Those of them that were here, by their ids."""
        return {found["_id"]: _read(found) for found in self._collection.find({"_id": {"$in": list(ids)}})}

    def of(self, agency: str, after: str, limit: int) -> list[Officer]:
        """An agency's, by id."""
        found = self._collection.find({"agency": agency, "_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
        return [_read(each) for each in found]


def _same(one: Officer, other: Officer) -> bool:
    return (one.name, one.agency, one.roles) == (other.name, other.agency, other.roles)


def _read(document: store.Document) -> Officer:
    officer: Officer = _OFFICER.validate_python({**document, "id": document["_id"]})
    return officer
