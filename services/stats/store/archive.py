"""The archive of events.

- `events`: `_id` is the event's id, so a duplicate is an insert that fails.
- `log`: which events were archived, a row for each batch, `_id` counting from 1 without gaps. It is the archive's
  cursor.

The archive's cursor. A row of the log is inserted after its events are durable, under the next free number; of two
processes that take the same number one fails, and takes the one after. So row n+1 exists only when row n does, and a
reader that has seen row n never misses what comes later: neither a clock nor a counter that is drawn before the
insert could promise that, since a stalled process may insert under an old number. An event that is delivered again is
listed again (readers know it by its id); one that is acknowledged was listed.
"""

from collections.abc import Sequence
from datetime import datetime

import bson
from bson.errors import BSONError
from pymongo import ASCENDING, InsertOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from chassis.envelope import Envelope
from chassis.store import Document, duplicates
from stats.domain.privacy import impersonal
from stats.store.overtaking import ATTEMPTS, Overtaken

_NOT_BSON = (BSONError, OverflowError, TypeError)


class Archive:
    """Every event that stats consumed, without what identifies a person."""

    def __init__(self, database: Database[Document]) -> None:
        self.events: Collection[Document] = database["events"]
        self.log: Collection[Document] = database["log"]
        self._next = 0

    def add(self, events: Sequence[Envelope]) -> list[bool | None]:
        """For each True when it is new, False when it was there already, None when it can never be stored. One
        write."""
        documents = [archived(event) for event in events]
        outcomes: list[bool | None] = [True] * len(documents)
        try:
            self._insert(list(enumerate(documents)), outcomes)
        except _NOT_BSON:
            # JSON can say what BSON cannot, for example numbers over 64 bits; only then is each tried by itself.
            for index, document in enumerate(documents):
                if not _is_storable(document):
                    outcomes[index] = None
            self._insert([(i, document) for i, document in enumerate(documents) if outcomes[i] is not None], outcomes)
        return outcomes

    def _insert(self, documents: Sequence[tuple[int, Document]], outcomes: list[bool | None]) -> None:
        if not documents:
            return
        try:
            self.events.bulk_write([InsertOne(document) for _, document in documents], ordered=False)
        except BulkWriteError as error:
            for position in duplicates(error):
                outcomes[documents[position][0]] = False

    def note(self, ids: Sequence[str], at: datetime) -> None:
        """Lists events that are archived under the next number of the log."""
        for _ in range(ATTEMPTS):
            if not self._next:
                self._next = self.last() + 1
            try:
                self.log.insert_one({"_id": self._next, "at": at, "events": list(ids)})
                self._next += 1
                return
            except DuplicateKeyError:
                self._next = 0
        raise Overtaken("the log")

    def last(self) -> int:
        """The number of the newest row of the log; 0 when there is none."""
        found = self.log.find_one({}, {"_id": 1}, sort=[("_id", -1)])
        return 0 if found is None else int(found["_id"])

    def after(self, cursor: int, at_least: int = 1000) -> tuple[int, list[Envelope]]:
        """The events of the rows after `cursor`, whole rows until there are enough; and the cursor to go on from."""
        ids: dict[str, None] = {}
        for row in self.log.find({"_id": {"$gt": cursor}}, sort=[("_id", ASCENDING)]):
            ids.update(dict.fromkeys(row["events"]))
            cursor = row["_id"]
            if len(ids) >= at_least:
                break
        found = {document["_id"]: document for document in self.events.find({"_id": {"$in": list(ids)}})}
        return cursor, [_envelope(found[id]) for id in ids]


def archived(event: Envelope) -> Document:
    """The one way from an event into the archive: what identifies a person does not come along."""
    return {
        "_id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "sequence": event.sequence,
        **({} if event.traceparent is None else {"traceparent": event.traceparent}),
        "data": impersonal(event.data),
    }


def _envelope(document: Document) -> Envelope:
    return Envelope.model_validate({**document, "id": document["_id"], "specversion": "1.0"})


def _is_storable(document: Document) -> bool:
    try:
        bson.encode(document)
    except _NOT_BSON:
        return False
    return True
