"""Files in MongoDB: what is known of each, its bytes in GridFS, and the chunks of uploads that are under way.

GridFS refuses transactions, so the order of writes does their work: the content first, then the record that makes it a
file, then the dossier that names it. Whatever is left when one of them is missing is swept, the other way round: a file
is swept only when nothing names it, and never at the moment when somebody is about to.

How the sweep cannot race with a filing: a file has a day until which it is kept. Whoever is about to name it calls
`claim` first, which moves that day on or finds it far enough. The sweep takes a file away by an update that holds only
while that day is past, and from then on `claim` does not find it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

import gridfs
from bson.binary import Binary
from gridfs.errors import NoFile
from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database

from chassis import store
from chassis.clock import new_id
from intake.domain.files import CLAIM, Scan, StoredFile, Upload

PIECE = 1024 * 1024
"""Bytes of a chunk in GridFS."""
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
MOST_WAITING = 10_000
"""Counting for the operator stops here."""
TO_BE_SCANNED = (Scan.PENDING.value, Scan.UNSCANNED.value)


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names files: a field of a collection. `final`: what is named there is kept for ever; else it is
    looked at again after a while.
    """

    collection: str
    field: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Waiting:
    """Files that wait to be scanned; `count` stops at MOST_WAITING."""

    count: int
    oldest: datetime | None


class Contents:
    """The bytes of files, in GridFS (bucket `contents`). Each is written once, under an identifier with its time."""

    def __init__(self, database: Database[store.Document]) -> None:
        self._bucket = gridfs.GridFSBucket(database, bucket_name="contents", chunk_size_bytes=PIECE)
        self._files = database["contents.files"]
        self._chunks = database["contents.chunks"]

    def ensure_indexes(self) -> None:
        self._chunks.create_index([("files_id", ASCENDING), ("n", ASCENDING)], unique=True)
        self._files.create_index([("filename", ASCENDING), ("uploadDate", ASCENDING)])

    def put(self, stream: IO[bytes], now: datetime) -> str:
        """Stores the rest of the stream; the identifier."""
        id = new_id()
        length = 0
        # The driver's own upload stream would gather 48 MB in memory before it writes.
        for n, piece in enumerate(iter(lambda: stream.read(PIECE), b"")):
            self._chunks.insert_one({"files_id": id, "n": n, "data": Binary(piece)})
            length += len(piece)
        self._files.insert_one(
            {"_id": id, "length": length, "chunkSize": PIECE, "uploadDate": now, "filename": "content"}
        )
        return id

    def open(self, id: str) -> Iterator[bytes] | None:
        """The bytes, piece by piece; None when there are none."""
        try:
            found = self._bucket.open_download_stream(id)
        except NoFile:
            return None
        return iter(lambda: bytes(found.read(PIECE)), b"")

    def delete(self, ids: Sequence[str]) -> None:
        self._files.delete_many({"_id": {"$in": list(ids)}})
        self._chunks.delete_many({"files_id": {"$in": list(ids)}})

    def begun(self, after: str, until: str, limit: int) -> list[str]:
        """Identifiers between these two of contents that began to be written, in order, whether or not they ended."""
        wanted = {"files_id": {"$gt": after, "$lt": until}, "n": 0}
        found = self._chunks.find(wanted, {"files_id": 1, "_id": 0}).sort("files_id", ASCENDING)
        return [document["files_id"] for document in found.limit(limit)]


def _first_id(at: datetime) -> str:
    """What sorts before every identifier (UUID version 7, see `chassis.clock`) that was made from this instant on."""
    digits = f"{max(0, int(at.timestamp() * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


class Files(store.Aggregates[StoredFile]):
    """`references`: every place that names files."""

    def __init__(
        self, database: Database[store.Document], carrier: store.Carrier, references: Sequence[Reference]
    ) -> None:
        super().__init__(database, "files", StoredFile, carrier)
        self.contents = Contents(database)
        self._references = references
        self._named = {reference: database[reference.collection] for reference in references}
        self._documents = database["documents"]
        self._sweeps = database["sweeps"]

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.contents.ensure_indexes()
        files = self.collection
        files.create_index([("content", ASCENDING)], name="content", unique=True)
        # Only what waits is in these.
        to_be_scanned = {"scan_at": {"$gt": _ALWAYS}}
        for name, order in (("to_be_scanned", "scan_at"), ("oldest_to_be_scanned", "uploaded_at")):
            files.create_index(
                [("scan", ASCENDING), (order, ASCENDING)], name=name, partialFilterExpression=to_be_scanned
            )
        files.create_index(
            [("keep_until", ASCENDING)], name="unused", partialFilterExpression={"keep_until": {"$gt": _ALWAYS}}
        )
        files.create_index(
            [("owner", ASCENDING), ("keep_until", ASCENDING)],
            name="unused_by_owner",
            partialFilterExpression={"keep_until": {"$gt": _ALWAYS}},
        )
        for reference, collection in self._named.items():
            collection.create_index(
                [(reference.field, ASCENDING)],
                name=f"files_in_{reference.field.replace('.', '_')}",
                partialFilterExpression={reference.field: {"$gt": ""}},
            )

    # -- asked by whoever names files ----------------------------------------------------------------------------------

    def get(self, id: str) -> StoredFile | None:
        """The file as it is known, None when there is none."""
        return self.get_many([id]).get(id)

    def get_many(self, ids: Iterable[str]) -> dict[str, StoredFile]:
        found = self.collection.find({"_id": {"$in": list(ids)}, "swept_at": None}, {"outbox": 0, "doc_answers": 0})
        return {document["_id"]: self.loaded(document).state for document in found}

    def claim(self, ids: Iterable[str], now: datetime) -> dict[str, StoredFile]:
        """The files that are there, by id, each safe from the sweep for CLAIM at least. Call it before the write that
        names them; it writes only when the sweep would come soon.
        """
        found = self.get_many(ids)
        until = now + CLAIM
        late = [id for id, file in found.items() if file.keep_until is not None and file.keep_until < until]
        if not late:
            return found
        self.collection.update_many({"_id": {"$in": late}, "swept_at": None}, {"$max": {"keep_until": until}})
        # Read again: the sweep may have been faster than the update.
        return self.get_many(found)

    def in_dossier(self, id: str, whose: Mapping[str, str]) -> bool:
        """Whether a dossier with these fields names the file."""
        return any(
            collection.find_one({reference.field: id, **whose}, {"_id": 1}) is not None
            for reference, collection in self._named.items()
            if reference.collection == "dossiers"
        )

    def in_document(self, id: str, owner: str) -> bool:
        """Whether it is the content of one of this person's documents."""
        return self._documents.find_one({"file": id, "owner": owner}, {"_id": 1}) is not None

    def waiting_bytes(self, owner: str, limit: int) -> tuple[int, int]:
        """(files, bytes) that the owner uploaded and that nothing is known to name, counting `limit` files at most."""
        found = self.collection.find(
            {"owner": owner, "keep_until": {"$gt": _ALWAYS}}, {"size": 1}, hint="unused_by_owner"
        )
        sizes = [int(document["size"]) for document in found.limit(limit)]
        return len(sizes), sum(sizes)

    # -- adding --------------------------------------------------------------------------------------------------------

    def _fields(self, state: StoredFile) -> store.Document:
        """A new file is to be scanned at once; without a scanner, when there is one."""
        fields = super()._fields(state)
        return {**fields, "scan_at": state.uploaded_at} if state.scan.value in TO_BE_SCANNED else fields

    # -- scanning ------------------------------------------------------------------------------------------------------

    def waiting(self, scan: Scan) -> Waiting:
        """Files in this state that a scanner is to look at."""
        wanted = {"scan": scan.value, "scan_at": {"$gt": _ALWAYS}}
        count = self.collection.count_documents(wanted, limit=MOST_WAITING, hint="to_be_scanned")
        oldest = self.collection.find_one(
            wanted, {"uploaded_at": 1}, sort=[("uploaded_at", ASCENDING)], hint="oldest_to_be_scanned"
        )
        return Waiting(count, oldest["uploaded_at"] if oldest else None)

    def take_to_scan(self, now: datetime, until: datetime) -> StoredFile | None:
        """The file whose turn it is, for this caller alone until then; what nobody can open yet comes first."""
        for scan in TO_BE_SCANNED:
            found = self.collection.find_one_and_update(
                {"scan": scan, "scan_at": {"$gt": _ALWAYS, "$lte": now}},
                {"$set": {"scan_at": until}},
                {"outbox": 0, "doc_answers": 0},
                sort=[("scan_at", ASCENDING)],
                hint="to_be_scanned",
                return_document=ReturnDocument.AFTER,
            )
            if found is not None:
                return self.loaded(found).state
        return None

    def scan_later(self, id: str, at: datetime) -> None:
        self.collection.update_one({"_id": id, "scan_at": {"$gt": _ALWAYS}}, {"$set": {"scan_at": at}})

    def scanned(self, id: str, scan: Scan, threat: str | None, now: datetime) -> None:
        """What the scanner found. What another worker found meanwhile stays."""
        self.collection.update_one(
            {"_id": id, "scan": {"$in": list(TO_BE_SCANNED)}},
            {
                "$set": {"scan": scan.value, "threat": threat, "scanned_at": now},
                "$unset": {"scan_at": 1},
                "$inc": {"doc_version": 1},
            },
        )

    def no_scanner(self) -> int:
        """What waited for a scanner that is not there any more is unscanned; how many."""
        return self.collection.update_many(
            {"scan_at": {"$gt": _ALWAYS}, "scan": Scan.PENDING.value},
            {"$set": {"scan": Scan.UNSCANNED.value}, "$inc": {"doc_version": 1}},
            hint="to_be_scanned",
        ).modified_count

    # -- sweeping ------------------------------------------------------------------------------------------------------

    def unused(self, now: datetime, limit: int) -> list[StoredFile]:
        """Files whose time to be looked at by the sweep has come, and those that a sweep did not take away whole."""
        found = self.collection.find(
            {"keep_until": {"$gt": _ALWAYS, "$lt": now}}, {"outbox": 0, "doc_answers": 0}, hint="unused"
        )
        return [self.loaded(document).state for document in found.limit(limit)]

    def named(self, ids: Sequence[str]) -> dict[str, bool]:
        """Those of the files that something names: True where that is final."""
        names: dict[str, bool] = {}
        for reference, collection in self._named.items():
            found = collection.find({reference.field: {"$in": list(ids)}}, {reference.field: 1})
            for document in found:
                for id in _values(document, reference.field.split(".")):
                    names[id] = names.get(id, False) or reference.final
        return {id: names[id] for id in ids if id in names}

    def keep(self, id: str, until: datetime | None) -> None:
        """The sweep looks at it again then; never, for None."""
        self.collection.update_one({"_id": id, "swept_at": None}, {"$set": {"keep_until": until}})

    def sweep(self, file: StoredFile, now: datetime) -> bool:
        """Takes the file away, whole; False when somebody claimed it in between."""
        taken = self.collection.update_one(
            {"_id": file.id, "keep_until": {"$lt": now}}, {"$set": {"swept_at": now}}
        ).matched_count
        if not taken:
            return False
        self.contents.delete([file.content])
        self.collection.delete_one({"_id": file.id})
        return True

    def sweep_contents(self, until: datetime, limit: int) -> tuple[int, bool]:
        """Deletes contents that never became a file: their process died before. Each content is looked at once, when it
        is as old as `until`. (how many were deleted, whether there may be more)
        """
        after = (self._sweeps.find_one({"_id": "contents"}) or {"after": ""})["after"]
        end = _first_id(until)
        ids = self.contents.begun(after, end, limit)
        known = {document["content"] for document in self.collection.find({"content": {"$in": ids}}, {"content": 1})}
        lost = [id for id in ids if id not in known]
        self.contents.delete(lost)
        more = len(ids) == limit
        self._sweeps.update_one({"_id": "contents"}, {"$max": {"after": ids[-1] if more else end}}, upsert=True)
        return len(lost), more


def _values(document: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    """Every text at a path of a document; a list on the way stands for each of its items."""
    value: Any = document
    for number, step in enumerate(path):
        value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, list):
            for item in value:
                if number + 1 == len(path):
                    yield from (item for item in [item] if isinstance(item, str))
                else:
                    yield from _values(item, path[number + 1 :])
            return
    if isinstance(value, str):
        yield value


class Uploads(store.Aggregates[Upload]):
    """Uploads in chunks, and the chunks."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        super().__init__(database, "uploads", Upload, carrier)
        self._chunks = database["upload_chunks"]

    def ensure_indexes(self) -> None:
        super().ensure_indexes()
        self.collection.create_index([("expires_at", ASCENDING)], name="expires")
        self.collection.create_index([("owner", ASCENDING), ("expires_at", ASCENDING)], name="by_owner")
        self._chunks.create_index([("upload", ASCENDING), ("n", ASCENDING)], name="of_upload")
        self._chunks.create_index([("expires_at", ASCENDING)], name="expires")

    def open_bytes(self, owner: str, now: datetime, limit: int) -> int:
        """The announced bytes of the owner's uploads that are under way, of at most `limit` of them."""
        found = self.collection.find(
            {"owner": owner, "expires_at": {"$gt": now}}, {"size": 1, "file": 1}, hint="by_owner"
        )
        return sum(int(document["size"]) for document in found.limit(limit) if document["file"] is None)

    def put_chunk(self, upload: Upload, n: int, data: bytes) -> None:
        """Sent twice, the later one stays."""
        self._chunks.replace_one(
            {"_id": f"{upload.id}:{n}"},
            {
                "upload": upload.id,
                "n": n,
                "data": Binary(data),
                "expires_at": upload.expires_at,
            },
            upsert=True,
        )

    def chunks(self, id: str) -> list[int]:
        """The numbers of the chunks that are there, in order."""
        found = self._chunks.find({"upload": id}, {"n": 1, "_id": 0}, hint="of_upload").sort("n", ASCENDING)
        return [int(document["n"]) for document in found]

    def assemble(self, upload: Upload, into: IO[bytes]) -> str:
        """Writes the chunks in order; the SHA-256 of the whole."""
        digest = hashlib.sha256()
        for n in range(upload.chunks):
            found = self._chunks.find_one({"_id": f"{upload.id}:{n}"}, {"data": 1})
            data = bytes(found["data"]) if found else b""
            digest.update(data)
            into.write(data)
        return digest.hexdigest()

    def completed(self, upload: Upload, file: str) -> None:
        """It became a file; its chunks are of no more use."""
        self.collection.update_one({"_id": upload.id}, {"$set": {"file": file}, "$inc": {"doc_version": 1}})
        self._chunks.delete_many({"upload": upload.id})

    def sweep(self, now: datetime) -> int:
        """Takes away what was not completed in time; how many uploads."""
        self._chunks.delete_many({"expires_at": {"$lt": now}})
        return self.collection.delete_many({"expires_at": {"$lt": now}}).deleted_count
