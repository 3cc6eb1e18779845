"""Imports as they are kept: each with how far it is, the rows that a worker has done, and what was sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import TypeAdapter
from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chassis import store
from chassis.errors import FieldError

RowKind = Literal["procedure", "agency", "calendar"]
RowStatus = Literal["accepted", "unchanged", "rejected"]
ImportFormat = Literal["json", "csv", "xlsx", "national", "processes"]
ImportState = Literal["queued", "running", "done", "failed"]
RowFilter = Literal["accepted", "unchanged", "rejected", "warned"]
PIECE = 4_000_000
KEPT_UPLOADS = timedelta(days=30)
"""What was sent and not imported by then, is not imported any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """What became of a thing of an import. `index`: its place in the list of its kind, or its row in a sheet as a
    spreadsheet program counts it. `id`: None if unreadable. `warnings`: what was assumed where the row said too
    little."""

    kind: RowKind
    index: int
    id: str | None
    status: RowStatus
    errors: tuple[FieldError, ...]
    warnings: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an import is. `total`: None as long as what was sent has not been read."""

    total: int | None = None
    done: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    warned: int = 0

    def after(self, rows: Sequence[ImportRow]) -> "Progress":
        """With these rows done too."""
        counts = Counter(row.status for row in rows)
        done = self.done + len(rows)
        return Progress(
            total=done if self.total is None else self.total,
            done=done,
            accepted=self.accepted + counts["accepted"],
            unchanged=self.unchanged + counts["unchanged"],
            rejected=self.rejected + counts["rejected"],
            warned=self.warned + sum(bool(row.warnings) for row in rows),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImport:
    """`rows`: of an import that was done within its request. One that a worker does has an `upload`, and its rows are
    in a collection of their own. `attempts`: how often a worker began it since it last got on. `errors`: why it failed
    as a whole."""

    id: str
    dry_run: bool
    rows: tuple[ImportRow, ...] = ()
    format: ImportFormat = "json"
    state: ImportState = "done"
    progress: Progress = Progress()
    upload: str | None = None
    attempts: int = 0
    errors: tuple[FieldError, ...] = ()
    trace: str | None = None
    changed_at: datetime
    changed_by: str


class ImportStore:
    """The imports, and what belongs to them."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.imports = store.Aggregates(database, "imports", StoredImport, carrier)
        self.rows = ImportRows(database)
        self.uploads = Uploads(database)

    def ensure_indexes(self) -> None:
        self.imports.collection.create_index([("state", ASCENDING), ("changed_at", ASCENDING)], name="state")
        self.rows.ensure_indexes()
        self.uploads.ensure_indexes()

    def waiting(self) -> store.Loaded[StoredImport] | None:
        """The oldest import that a worker has to begin, or to go on with."""
        found = self.imports.collection.find_one(
            {"state": {"$in": ["queued", "running"]}}, {"outbox": 0}, sort=[("changed_at", ASCENDING)]
        )
        return None if found is None else self.imports.loaded(found)


class ImportRows:
    """What became of the rows of imports that a worker does: a document each, in the order in which they were done."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.collection: Collection[store.Document] = database["import_rows"]
        self._adapter: TypeAdapter[ImportRow] = TypeAdapter(ImportRow)

    def ensure_indexes(self) -> None:
        keys = [("import", ASCENDING), ("status", ASCENDING), ("number", ASCENDING)]
        self.collection.create_index(keys, name="status")
        self.collection.create_index([("import", ASCENDING), ("number", ASCENDING)], name="number", unique=True)
        warned = {"import": ASCENDING, "warned": ASCENDING, "number": ASCENDING}
        self.collection.create_index(warned, name="warned", partialFilterExpression={"warned": True})

    def keep(self, import_id: str, first: int, rows: Sequence[ImportRow]) -> None:
        """Keeps these rows, numbered from `first` on. What is there already stays as it is."""
        documents: list[store.Document] = [
            {
                **self._adapter.dump_python(row),
                "_id": f"{import_id}/{number}",
                "import": import_id,
                "number": number,
                "warned": bool(row.warnings),
            }
            for number, row in enumerate(rows, first)
        ]
        try:
            if documents:
                self.collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            store.duplicates(error)

    def page(self, import_id: str, status: RowFilter | None, after: int, limit: int) -> list[tuple[int, ImportRow]]:
        """Rows behind the number `after`, each with its number."""
        wanted: store.Document = {"import": import_id, "number": {"$gt": after}}
        index = "number"
        if status == "warned":
            wanted["warned"], index = True, "warned"
        elif status is not None:
            wanted["status"], index = status, "status"
        found = self.collection.find(wanted).sort("number", ASCENDING).limit(limit).hint(index)
        return [(document["number"], self._adapter.validate_python(document)) for document in found]


class Uploads:
    """What was sent to be imported, in pieces, until a worker has done it. What nothing refers to is swept."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.collection: Collection[store.Document] = database["uploads"]

    def ensure_indexes(self) -> None:
        self.collection.create_index([("swept_at", ASCENDING)], name="sweep", expireAfterSeconds=0)

    def keep(self, id: str, data: bytes, now: datetime) -> None:
        pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)] or [b""]
        documents: list[store.Document] = [
            {"_id": f"{id}/{n:04}", "data": piece, "of": len(pieces), "swept_at": now + KEPT_UPLOADS}
            for n, piece in enumerate(pieces)
        ]
        try:
            self.collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            store.duplicates(error)

    def load(self, id: str) -> bytes | None:
        """None when it is not whole."""
        found = list(self.collection.find({"_id": {"$gte": f"{id}/", "$lt": f"{id}0"}}).sort("_id", ASCENDING))
        if not found or found[0]["of"] != len(found):
            return None
        return b"".join(document["data"] for document in found)

    def drop(self, id: str) -> None:
        self.collection.delete_many({"_id": {"$gte": f"{id}/", "$lt": f"{id}0"}})
