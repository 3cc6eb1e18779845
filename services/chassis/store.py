"""MongoDB as the services use it: aggregates with their outbox inside, copies of other services' data, leases.

An aggregate is one document, and its outbox is a property of that document, so a change and the events that it causes
are one journaled majority write. `doc_version` counts the writes (optimistic concurrency, and the ETag), `doc_sequence`
the events.
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Generic, TypeVar, cast

import bson
import pymongo
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import ASCENDING, MongoClient, ReturnDocument, UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WriteError,
)
from pymongo.server_api import ServerApi

from chassis.clock import Clock
from chassis.envelope import EventData, OutgoingEvent, adapter_of, outgoing
from chassis.together import Together

UNAVAILABLE: tuple[type[Exception], ...] = (
    ConnectionFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    ExecutionTimeout,
)
"""The store cannot be reached or cannot promise durability now; the same call may succeed later."""

Document = dict[str, Any]
T = TypeVar("T")
DUPLICATE_KEY = 11000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
OUTBOX_INDEX = "outbox_at"
_DURABLE = WriteConcern(w="majority", j=True)
_NOTE = WriteConcern(w=1)
"""For writes whose loss is repaired by itself: a cleared outbox entry that comes back is published again, harmlessly.
"""


def _bson_fallback(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a document")


class _PlainInt(TypeDecoder):
    """The driver reads numbers above 2³¹ as a class of its own, which not every library takes for an integer."""

    bson_type = Int64

    def transform_bson(self, value: int) -> int:
        return int(value)


_CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True, type_registry=TypeRegistry([_PlainInt()], fallback_encoder=_bson_fallback)
)


def connect(mongo_url: str, *, max_pool_size: int = 50, lazy: bool = False) -> Database[Document]:
    """The service's database, named by the URL's path. Call it after any fork; it does not wait for the server.

    `lazy`: does not even look for it before the first operation.
    """
    client: MongoClient[Document] = MongoClient(
        mongo_url,
        server_api=ServerApi("1", strict=True),
        maxPoolSize=max_pool_size,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=5_000,
        retryWrites=True,
        wTimeoutMS=15_000,
        connect=not lazy,
    )
    return client.get_default_database().with_options(codec_options=_CODEC, write_concern=_DURABLE)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The first answer to a request with an Idempotency-Key, kept in what the request changed (see `chassis.acts`)."""

    key: str
    body_hash: str
    status: int
    body: str
    version: int


KEPT_ANSWERS = 20
"""A thing keeps its newest answers: a repetition comes within minutes or days, not after twenty further acts."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """An aggregate as it was read."""

    id: str
    version: int
    sequence: int
    state: T
    answers: tuple[KeptAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class New(Generic[T]):
    """An aggregate to be added, with the events of its birth, which happened at `at`.

    Where each document is one of a series (a version of something), `subject` is the series and `after` the sequence
    before.
    """

    id: str
    state: T
    events: Sequence[EventData]
    at: datetime
    trace: str | None = None
    subject: str | None = None
    after: int = 0
    answer: KeptAnswer | None = None


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What became of a loaded aggregate, and the events that say so."""

    before: Loaded[T]
    state: T
    events: Sequence[EventData]
    at: datetime
    trace: str | None = None
    answer: KeptAnswer | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """An event that a write put into an outbox: where it lies, for whoever publishes and clears it."""

    collection: str
    document: str
    event: OutgoingEvent


class FieldTaken(DuplicateKeyError):  # noqa: N818 (what happened; the base is the error)
    """A change would give an aggregate the value that another one has in the unique `field`."""

    def __init__(self, collection: str, field: str) -> None:
        super().__init__(f"{collection}.{field}", DUPLICATE_KEY)
        self.field = field


class Carrier:
    """Who publishes the events of a write. A web process leaves them to the relay; a worker carries them itself.

    A worker publishes a batch's events right after the batch's write and clears them; the relay looks at them only when
    `grace` has passed, that is, when the worker died in between.
    """

    def __init__(self, clock: Clock, *, grace: timedelta = timedelta(0)) -> None:
        self.clock = clock
        self._grace = grace
        self._written: list[Written] = []
        # A worker's timers write in threads of their own.
        self._lock = threading.Lock()

    @property
    def leaves_to_relay(self) -> bool:
        return not self._grace

    def relay_at(self) -> datetime:
        return self.clock() + self._grace

    def note(self, written: Iterable[Written]) -> None:
        if not self.leaves_to_relay:
            with self._lock:
                self._written.extend(written)

    def take(self) -> list[Written]:
        """What was written since the last call, in order."""
        with self._lock:
            taken, self._written = self._written, []
        return taken


class Aggregates(Generic[T]):
    """One collection of aggregates of the dataclass `kind`. A state's fields are the document's; `id` becomes `_id`.

    Field names beginning with `doc_`, `outbox` and `nudged_at` are the chassis's own.
    """

    def __init__(self, database: Database[Document], name: str, kind: type[T], carrier: Carrier) -> None:
        self.collection: Collection[Document] = database[name]
        self._adapter = adapter_of(cast("type", kind))
        self._names = [field.name for field in fields(cast(Any, kind)) if field.name != "id"]
        self._carrier = carrier
        # A web process's threads read and write one aggregate each; what they do at the same moment is one command.
        self._find: Together[str, Document | None] = Together(self._find_all, common=UNAVAILABLE)
        self._insert: Together[Document, str | None] = Together(self._insert_all, common=UNAVAILABLE)
        self._update: Together[tuple[Document, Document], str | None] = Together(self._update_all, common=UNAVAILABLE)

    def ensure_indexes(self) -> None:
        ensure_outbox_index(self.collection)

    def load(self, id: str) -> Loaded[T] | None:
        found = self._find(id)
        return None if found is None else self.loaded(found)

    def load_many(self, ids: Iterable[str]) -> dict[str, Loaded[T]]:
        wanted = list(dict.fromkeys(ids))
        found = [self._find(wanted[0])] if len(wanted) == 1 else self._find_all(wanted)
        return {document["_id"]: self.loaded(document) for document in found if document is not None}

    def _find_all(self, ids: Sequence[str]) -> list[Document | None]:
        # As raw batches: a cursor of documents takes half as long again, and each request of a web process loads. One
        # alone needs no cursor; the documents of several may be too large for one reply.
        if len(ids) == 1:
            raw = self.collection.find_raw_batches({"_id": ids[0]}, {"outbox": 0}, limit=-1)
        else:
            raw = self.collection.find_raw_batches(
                {"_id": {"$in": list(set(ids))}}, {"outbox": 0}, batch_size=len(ids) + 1
            )
        options = self.collection.codec_options
        found = {
            document["_id"]: document for batch in raw for document in bson.decode_all(cast("bytes", batch), options)
        }
        return [found.get(id) for id in ids]

    def loaded(self, document: Document) -> Loaded[T]:
        state: T = self._adapter.validate_python({**document, "id": document["_id"]})
        answers = tuple(KeptAnswer(**answer) for answer in document.get("doc_answers", ()))
        return Loaded(document["_id"], document["doc_version"], document["doc_sequence"], state, answers)

    def add(self, items: Sequence[New[T]]) -> list[str | None]:
        """Inserts them all in one write; for each None, or the field whose uniqueness refused it (`_id`: it is there
        already).
        """
        if not items:
            return []
        relay_at = self._carrier.relay_at()
        documents: list[Document] = []
        written: list[list[Written]] = []
        for item in items:
            events = _number(item.events, item.subject or item.id, item.after, item.at, item.trace)
            document = {
                **self._fields(item.state),
                "_id": item.id,
                "doc_version": 1,
                "doc_sequence": item.after + len(events),
                "outbox": [_entry(event, relay_at) for event in events],
            }
            if item.answer is not None:
                document["doc_answers"] = [_answer(item.answer)]
            if self._carrier.leaves_to_relay:
                document["nudged_at"] = relay_at
            documents.append(document)
            written.append([Written(self.collection.name, item.id, event) for event in events])
        refused = [self._insert(documents[0])] if len(documents) == 1 else _found(self._insert_all(documents))
        self._carrier.note(
            entry for entries, field in zip(written, refused, strict=True) if not field for entry in entries
        )
        return refused

    def _insert_all(self, documents: Sequence[Document]) -> list[str | Exception | None]:
        """For each None, the field whose uniqueness refused it, or another error of its own."""
        try:
            # The driver's bulk machinery costs a single write a quarter more.
            if len(documents) == 1:
                self.collection.insert_one(documents[0])
            else:
                self.collection.insert_many(documents, ordered=False)
        except DuplicateKeyError as error:
            return [_refused_field(error.details)]
        except BulkWriteError as error:
            return _outcomes(error, len(documents))
        return [None] * len(documents)

    def save(self, changes: Sequence[Change[T]]) -> list[bool]:
        """Writes them all in one bulk; False where somebody else had changed the aggregate since it was loaded."""
        if not changes:
            return []
        relay_at = self._carrier.relay_at()
        updates: list[tuple[Document, Document]] = []
        written: list[list[Written]] = []
        for change in changes:
            loaded = change.before
            events = _number(change.events, loaded.id, loaded.sequence, change.at, change.trace)
            fields, pushed = self._difference(loaded.state, change.state)
            fields |= {"doc_version": loaded.version + 1, "doc_sequence": loaded.sequence + len(events)}
            if events:
                pushed["outbox"] = {"$each": [_entry(event, relay_at) for event in events]}
                if self._carrier.leaves_to_relay:
                    fields["nudged_at"] = relay_at
            if change.answer is not None:
                pushed["doc_answers"] = {"$each": [_answer(change.answer)], "$slice": -KEPT_ANSWERS}
            update: Document = {"$set": fields, "$push": pushed} if pushed else {"$set": fields}
            updates.append(({"_id": loaded.id, "doc_version": loaded.version}, update))
            written.append([Written(self.collection.name, loaded.id, event) for event in events])
        lost = [self._update(updates[0])] if len(updates) == 1 else _found(self._update_all(updates))
        for field in lost:
            if field is not None and field != "_id":
                raise FieldTaken(self.collection.name, field)
        self._carrier.note(
            entry for entries, field in zip(written, lost, strict=True) if not field for entry in entries
        )
        return [field is None for field in lost]

    def _update_all(self, updates: Sequence[tuple[Document, Document]]) -> list[str | Exception | None]:
        """For each None, the field whose uniqueness refused it, or another error of its own.

        The upserts never insert: when the version is not the loaded one any more, one collides with the `_id` and so
        says that its change lost.
        """
        try:
            if len(updates) == 1:
                self.collection.update_one(*updates[0], upsert=True)
            else:
                self.collection.bulk_write([UpdateOne(*update, upsert=True) for update in updates], ordered=False)
        except DuplicateKeyError as error:
            return [_refused_field(error.details)]
        except BulkWriteError as error:
            return _outcomes(error, len(updates))
        return [None] * len(updates)

    def _difference(self, old: T, new: T) -> tuple[Document, Document]:
        """What to `$set` and what to `$push`: a list that was only appended to, a journal say, is not written anew."""
        changed: set[str] = set()
        grown: dict[str, int] = {}
        for name in self._names:
            before, after = getattr(old, name), getattr(new, name)
            if before is after or before == after:
                continue
            if isinstance(after, tuple) and before and after[: len(before)] == before:
                grown[name] = len(before)
            else:
                changed.add(name)
        dumped: Document = self._adapter.dump_python(new, include=changed | grown.keys())
        pushed = {name: {"$each": list(dumped.pop(name)[known:])} for name, known in grown.items()}
        return dumped, pushed

    def _fields(self, state: T) -> Document:
        dumped: Document = self._adapter.dump_python(state)
        dumped.pop("id", None)
        return dumped


def _number(
    events: Sequence[EventData], subject: str, last: int, at: datetime, trace: str | None
) -> list[OutgoingEvent]:
    return [
        outgoing(data, subject=subject, sequence=last + n, time=at, trace=trace) for n, data in enumerate(events, 1)
    ]


def _entry(event: OutgoingEvent, relay_at: datetime) -> Document:
    return {"id": event.id, "key": event.key, "body": event.body, "sequence": event.sequence, "at": relay_at}


def _answer(answer: KeptAnswer) -> Document:
    return {name: getattr(answer, name) for name in KeptAnswer.__slots__}


def _refused_field(details: Mapping[str, Any] | None) -> str:
    """The first field of the unique index that refused a write."""
    return str(next(iter((details or {}).get("keyPattern", {"_id": 1}))))


def _outcomes(error: BulkWriteError, count: int) -> list[str | Exception | None]:
    """For each of the bulk's `count` writes None, the first field of the unique index that refused it, or what else
    went wrong with it. Raises one of UNAVAILABLE when durability cannot be promised now."""
    details = error.details or {}
    _require_durable(details)
    refused = {
        item["index"]: _refused_field(item)
        if item["code"] == DUPLICATE_KEY
        else WriteError(item.get("errmsg", ""), item["code"], item)
        for item in details.get("writeErrors", [])
    }
    return [refused.get(index) for index in range(count)]


def _found(outcomes: Sequence[str | Exception | None]) -> list[str | None]:
    """The outcomes of a bulk; raises the first error among them."""
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return cast("list[str | None]", outcomes)


def _require_durable(details: Mapping[str, Any]) -> None:
    if unsure := details.get("writeConcernErrors"):
        raise WriteConcernError(unsure[0].get("errmsg", ""), unsure[0].get("code"), unsure[0])


def duplicates(error: BulkWriteError) -> dict[int, str]:
    """Index in the bulk → the first field of the unique index that refused it.

    Raises one of UNAVAILABLE when durability cannot be promised now (what is written may be there all the same, and a
    repetition will find it), and `error` itself when anything else went wrong.
    """
    details = error.details or {}
    errors = details.get("writeErrors", [])
    _require_durable(details)
    if any(item["code"] != DUPLICATE_KEY for item in errors):
        raise error
    return {item["index"]: _refused_field(item) for item in errors}


# -- the outbox, seen from the relay -----------------------------------------------------------------------------------


def ensure_outbox_index(collection: Collection[Document]) -> None:
    """Only documents with something to publish are in this index, so the relay's poll costs the same at any size."""
    collection.create_index(
        [("outbox.at", ASCENDING)], name=OUTBOX_INDEX, partialFilterExpression={"outbox.at": {"$exists": True}}
    )


def waiting(collection: Collection[Document], until: datetime, limit: int) -> list[Written]:
    """Events whose time to be relayed has come, oldest document first, of at most `limit` documents."""
    # Without a sort: the index is walked in its order, and a sort on an array's field would be done in memory.
    found = collection.find(
        {"outbox.at": {"$lte": until}}, {"outbox": 1}, limit=limit, hint=OUTBOX_INDEX, batch_size=limit
    )
    return [
        Written(
            collection.name, document["_id"], OutgoingEvent(entry["id"], entry["key"], entry["body"], entry["sequence"])
        )
        for document in found
        for entry in document["outbox"]
    ]


def oldest_waiting(collection: Collection[Document]) -> datetime | None:
    """When the oldest outbox entry was due to be relayed."""
    found = next(collection.find({"outbox.at": {"$gt": _LONG_AGO}}, {"outbox.at": 1}, limit=1, hint=OUTBOX_INDEX), None)
    return min(entry["at"] for entry in found["outbox"]) if found and found["outbox"] else None


def clear(database: Database[Document], published: Sequence[Written]) -> None:
    """Takes published events out of their outboxes, one write a collection."""
    for name in dict.fromkeys(item.collection for item in published):
        mine = [item for item in published if item.collection == name]
        database.get_collection(name, write_concern=_NOTE).update_many(
            {"_id": {"$in": list(dict.fromkeys(item.document for item in mine))}},
            {"$pull": {"outbox": {"id": {"$in": [item.event.id for item in mine]}}}},
        )


def postpone(database: Database[Document], refused: Sequence[Written], until: datetime) -> None:
    """Puts events that no queue took behind the others, so that they do not hold them up."""
    for name in dict.fromkeys(item.collection for item in refused):
        mine = [item for item in refused if item.collection == name]
        database.get_collection(name, write_concern=_NOTE).update_many(
            {"_id": {"$in": list(dict.fromkeys(item.document for item in mine))}},
            {"$set": {"outbox.$[entry].at": until}},
            array_filters=[{"entry.id": {"$in": [item.event.id for item in mine]}}],
        )


# -- copies of what other services own ---------------------------------------------------------------------------------


class Copies:
    """A local copy of another service's documents, fed by events: the newest sequence wins, whatever order they come
    in.
    """

    def __init__(self, database: Database[Document], name: str) -> None:
        self.collection: Collection[Document] = database[name]

    def put(self, items: Sequence[tuple[str, int, Mapping[str, Any]]]) -> list[bool]:
        """(id, sequence, fields) each; False where the copy was as new already. One write."""
        if not items:
            return []
        newest: dict[str, int] = {}
        for index, (id, sequence, _) in enumerate(items):
            if id not in newest or items[newest[id]][1] < sequence:
                newest[id] = index
        kept = sorted(newest.values())
        updates = [
            UpdateOne(
                {"_id": items[i][0], "sequence": {"$lt": items[i][1]}},
                {"$set": {**items[i][2], "sequence": items[i][1]}},
                upsert=True,
            )
            for i in kept
        ]
        known: dict[int, str] = {}
        try:
            self.collection.bulk_write(updates, ordered=False)
        except BulkWriteError as error:
            known = duplicates(error)
        applied = {index for position, index in enumerate(kept) if position not in known}
        return [index in applied for index in range(len(items))]


# -- leases: one of several copies of a process does a thing -----------------------------------------------------------


class Lease:
    """At most one holder at a time, by the server's clock. It only saves work: what it guards must be harmless when
    done twice.
    """

    def __init__(self, database: Database[Document], name: str, holder: str, seconds: int = 10) -> None:
        self._collection: Collection[Document] = database.get_collection("leases", write_concern=_NOTE)
        self._name, self._holder, self._seconds = name, holder, seconds
        self._renew_at = 0.0

    def hold(self) -> bool:
        """Takes the lease, or renews it when a third of it has passed; False while somebody else has it."""
        if time.monotonic() < self._renew_at:
            return True
        free = {"$or": [{"$eq": [{"$ifNull": ["$holder", self._holder]}, self._holder]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$add": ["$$NOW", self._seconds * 1000]}
        found = self._collection.find_one_and_update(
            {"_id": self._name},
            [
                {
                    "$set": {
                        "holder": {"$cond": [free, self._holder, "$holder"]},
                        "until": {"$cond": [free, until, "$until"]},
                    }
                }
            ],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        held = found is not None and bool(found["holder"] == self._holder)
        self._renew_at = time.monotonic() + self._seconds / 3 if held else 0.0
        return held

    def release(self) -> None:
        self._renew_at = 0.0
        self._collection.delete_one({"_id": self._name, "holder": self._holder})


def watch_nudges(database: Database[Document], max_await_ms: int) -> Any:
    """A change stream that says in which collection (`ns.coll`) a web process left events for the relay."""
    wanted = {
        "$or": [
            {"fullDocument.nudged_at": {"$exists": True}},
            {"updateDescription.updatedFields.nudged_at": {"$exists": True}},
        ]
    }
    return database.watch(
        [{"$match": {"operationType": {"$in": ["insert", "update"]}, **wanted}}, {"$project": {"ns": 1}}],
        max_await_time_ms=max_await_ms,
        batch_size=1000,
    )


def ping(database: Database[Document]) -> bool:
    """True when a primary answers."""
    try:
        database.client.admin.command("ping")
        return database.client.is_primary
    except pymongo.errors.PyMongoError:
        return False


__all__ = [
    "UNAVAILABLE", "Aggregates", "Carrier", "Change", "Copies", "Document", "FieldTaken", "KeptAnswer", "Lease",
    "Loaded", "New", "OperationFailure", "Written", "clear", "connect", "duplicates", "ensure_outbox_index",
    "oldest_waiting", "ping", "postpone", "waiting", "watch_nudges",
]  # fmt: skip
