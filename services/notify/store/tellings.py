"""Events whose messages are about to be written: what is still here minutes later is told again."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from pymongo import ASCENDING, UpdateOne, WriteConcern
from pymongo.database import Database

from chassis import store
from notify.domain.telling import Happened

_HAPPENED: TypeAdapter[Happened] = TypeAdapter(Happened)


class Tellings:
    def __init__(self, database: Database[store.Document]) -> None:
        self._begun = database["tellings"]
        # A mark that comes back has its event told again, and nobody is told twice.
        self._done = database.get_collection("tellings", write_concern=WriteConcern(w=1))

    def ensure_indexes(self) -> None:
        self._begun.create_index([("at", ASCENDING)], name="oldest")

    def begin(self, items: Sequence[Happened], at: datetime) -> None:
        """Before their messages are written. One write."""
        if items:
            self._begun.bulk_write(
                [
                    UpdateOne(
                        {"_id": item.event_id},
                        {"$setOnInsert": {"at": at, "happened": _HAPPENED.dump_python(item)}},
                        upsert=True,
                    )
                    for item in {item.event_id: item for item in items}.values()
                ],
                ordered=False,
            )

    def done(self, items: Sequence[Happened]) -> None:
        """After their messages were written."""
        if items:
            self._done.delete_many({"_id": {"$in": [item.event_id for item in items]}})

    def left_over(self, before: datetime, limit: int) -> dict[str, Happened | None]:
        """Those begun before then that nobody came to an end with, the oldest first, by the event's id; None for one
        that cannot be read, as another version of notify may have written it."""
        found = self._begun.find({"at": {"$lt": before}}, limit=limit, sort=[("at", ASCENDING)], hint="oldest")
        return {document["_id"]: _read(document) for document in found}

    def put_off(self, ids: Sequence[str], at: datetime) -> None:
        """They are looked at again as if begun at this time, and the others before them."""
        if ids:
            self._done.update_many({"_id": {"$in": list(ids)}}, {"$set": {"at": at}})


def _read(document: store.Document) -> Happened | None:
    try:
        return _HAPPENED.validate_python(document["happened"])
    except ValidationError:
        return None
