"""The bytes of result documents, in GridFS (bucket `contents`). Each is written once, before the result that names it:
whatever is named by none is swept."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import gridfs
from bson.binary import Binary
from gridfs.errors import NoFile
from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from chassis.clock import new_id

PIECE = 255 * 1024
"""Bytes of a chunk."""


class Contents:
    def __init__(self, database: Database[store.Document]) -> None:
        self._bucket = gridfs.GridFSBucket(database, bucket_name="contents", chunk_size_bytes=PIECE)
        self._files = database["contents.files"]
        self._chunks = database["contents.chunks"]

    def ensure_indexes(self) -> None:
        self._chunks.create_index([("files_id", ASCENDING), ("n", ASCENDING)], unique=True)
        self._files.create_index(
            [("unseen", ASCENDING)], name="unseen", partialFilterExpression={"unseen": {"$exists": True}}
        )

    def put(self, data: bytes, now: datetime) -> str:
        """Stores it; the identifier."""
        id = new_id()
        # The record first, so that the sweep meets what a process left that died over the chunks.
        self._files.insert_one(
            {
                "_id": id,
                "length": len(data),
                "chunkSize": PIECE,
                "uploadDate": now,
                "filename": "content",
                "unseen": now,
            }
        )
        pieces = [data[begin : begin + PIECE] for begin in range(0, len(data), PIECE)]
        self._chunks.insert_many([{"files_id": id, "n": n, "data": Binary(piece)} for n, piece in enumerate(pieces)])
        return id

    def get(self, id: str) -> bytes | None:
        try:
            found: bytes = self._bucket.open_download_stream(id).read()
        except NoFile:
            return None
        return found

    def delete(self, ids: Sequence[str]) -> None:
        self._chunks.delete_many({"files_id": {"$in": list(ids)}})
        self._files.delete_many({"_id": {"$in": list(ids)}})

    def sweep(self, until: datetime, named: Callable[[Sequence[str]], Collection[str]], limit: int) -> bool:
        """Looks, once, at contents from before `until`: those that nothing names are deleted. True when there may be
        more."""
        found = self._files.find({"unseen": {"$lt": until}}, {"_id": 1}, hint="unseen").limit(limit)
        ids = [document["_id"] for document in found]
        kept = named(ids)
        self.delete([id for id in ids if id not in kept])
        self._files.update_many({"_id": {"$in": list(kept)}}, {"$unset": {"unseen": 1}})
        return len(ids) == limit
