"""The archive of events, each without what identifies a person. `_id` is the event's id, so a duplicate is an insert
that fails. `known` is the local day on which stats came to know it. Which events were archived when, row by row, is in
the log (see `stats.store.log`): an event that is acknowledged was listed there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import bson
from bson.errors import BSONError
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chassis.envelope import Envelope
from chassis.store import Document, duplicates
from stats.domain.privacy import impersonal
from stats.store.decoding import TIMED

_NOT_BSON = (BSONError, OverflowError, TypeError)


class Archive:
    """Every event that stats consumed, without what identifies a person."""

    def __init__(self, database: Database[Document]) -> None:
        self.events: Collection[Document] = database["events"]
        self._plainly: Collection[Document] = database.get_collection("events", codec_options=TIMED)
        self.pruned: Collection[Document] = database["pruned"]

    def ensure_indexes(self) -> None:
        self.events.create_index([("subject", ASCENDING)], name="subject")
        self.events.create_index([("known", ASCENDING)], name="known")

    def add(self, events: Sequence[Envelope], known: date) -> list[bool | None]:
        """For each True when it is new, False when it was there already, None when it can never be stored. One
        write."""
        documents = [archived(event, known) for event in events]
        # Looked for first: one duplicate makes the server insert all that came with it one by one.
        ids = [document["_id"] for document in documents]
        there = {row["_id"] for row in self.events.find({"_id": {"$in": ids}}, {"_id": 1}, batch_size=len(ids) + 1)}
        outcomes: list[bool | None] = [True] * len(documents)
        for index, document in enumerate(documents):
            if document["_id"] in there:
                outcomes[index] = False if _is_storable(document) else None
            # The same event once more in one batch is a duplicate too.
            there.add(document["_id"])
        try:
            self._insert(documents, outcomes)
        except _NOT_BSON:
            # JSON can say what BSON cannot, for example numbers over 64 bits; only then is each tried by itself.
            for index, document in enumerate(documents):
                if not _is_storable(document):
                    outcomes[index] = None
            self._insert(documents, outcomes)
        return outcomes

    def _insert(self, documents: Sequence[Document], outcomes: list[bool | None]) -> None:
        """Those that may be new; where one is not after all, its outcome says so."""
        new = [(index, document) for index, document in enumerate(documents) if outcomes[index]]
        if not new:
            return
        try:
            self.events.insert_many([document for _, document in new], ordered=False)
        except BulkWriteError as error:
            for position in duplicates(error):
                outcomes[new[position][0]] = False

    # -- reading it again --

    def of_row(self, row: Mapping[str, Any], session: ClientSession | None = None) -> list[Document]:
        """The events that a row of the log lists, without those that were pruned."""
        return list(self.events.find({"_id": {"$in": row["events"]}}, session=session))

    def by_subject(
        self, types: Iterable[str], first: str | None = None, before: str | None = None
    ) -> Iterator[tuple[str, list[Document]]]:
        """Every subject from `first` on and before `before` that has events of these types, with these."""
        within = {"$gte": first or "", **({} if before is None else {"$lt": before})}
        wanted = {"subject": within, "type": {"$in": sorted(types)}}
        fields = {"_id": 0, "subject": 1, "type": 1, "sequence": 1, "time": 1, "known": 1, "data": 1}
        found = self._plainly.find(wanted, fields, sort=[("subject", ASCENDING)], hint="subject", batch_size=2000)
        for subject, documents in groupby(found, itemgetter("subject")):
            yield subject, list(documents)

    def by_day(self, since: str, before: str) -> Iterator[Document]:
        """What became known on the days [since, before), in their order."""
        within = {"$gte": since, "$lt": before}
        return iter(self.events.find({"known": within}, sort=[("known", ASCENDING)], hint="known", batch_size=2000))

    def of_publisher(self, service: str) -> Iterator[Document]:
        """What a service published, by the events' identifiers, which begin with its name."""
        within = {"$gte": f"{service}.", "$lt": f"{service}/"}
        return iter(self.events.find({"_id": within}, sort=[("_id", ASCENDING)], batch_size=1000))

    def cut(self, parts: int) -> list[str]:
        """Subjects that cut the archive into about so many parts of the same size."""
        size = self.events.estimated_document_count() // parts
        found: list[str] = []
        for _ in range(parts - 1):
            after = {"subject": {"$gte": found[-1] if found else ""}}
            row = self.events.find_one(
                after, {"_id": 0, "subject": 1}, sort=[("subject", 1)], skip=size, hint="subject"
            )
            if row is None:
                break
            found.append(row["subject"])
        return found

    def first_day(self) -> str | None:
        """The first day on which anything became known that is still here."""
        found = self.events.find_one({}, {"known": 1}, sort=[("known", ASCENDING)])
        return None if found is None else str(found["known"])

    # -- making it smaller --

    def remove(self, ids: Sequence[str], before: str) -> int:
        """Removes those of the events that became known before that day; how many there were."""
        return self.events.delete_many({"_id": {"$in": list(ids)}, "known": {"$lt": before}}).deleted_count

    def count_before(self, day: str) -> int:
        """How many events that became known before that day are here."""
        return self.events.count_documents({"known": {"$lt": day}}, hint="known")

    def note_pruned(self, before: str) -> None:
        """From now on, what became known before that day may not be here."""
        self.pruned.update_one({"_id": "events"}, {"$max": {"before": before}}, upsert=True)

    def pruned_before(self) -> str | None:
        """What became known from that day on is all here; None: everything is."""
        found = self.pruned.find_one({"_id": "events"})
        return None if found is None else str(found["before"])


def archived(event: Envelope, known: date) -> Document:
    """The one way from an event into the archive: what identifies a person does not come along."""
    return {
        "_id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "sequence": event.sequence,
        **({} if event.traceparent is None else {"traceparent": event.traceparent}),
        "known": known.isoformat(),
        "data": impersonal(event.data),
    }


def _is_storable(document: Document) -> bool:
    try:
        bson.encode(document)
    except _NOT_BSON:
        return False
    return True
