"""Reports and their files.

- `reports`: a report each; one that is published is never changed again, and its chain is unique.
- `report_files.files`, `report_files.chunks`: GridFS. A file's key begins with its report's identifier and the number
  of the try that made it, so that of two makers neither writes into what the other made.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson.binary import Binary
from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.database import Database

from chassis.store import Aggregates, Carrier, Document
from stats.domain.reports import Before, File, Form, Report

PIECE = 255 * 1024
AT_ONCE = 8
"""Chunks that are written together."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = {"outbox": 0, "doc_answers": 0}


class Files:
    def __init__(self, database: Database[Document]) -> None:
        self._files = database["report_files.files"]
        self._chunks = database["report_files.chunks"]

    def ensure_indexes(self) -> None:
        self._chunks.create_index([("files_id", ASCENDING), ("n", ASCENDING)], name="files_id_1_n_1", unique=True)

    def put(self, key: str, path: Path, now: datetime) -> File:
        """Keeps the file's bytes under a key that nobody used before."""
        length, digest, n = path.stat().st_size, hashlib.sha256(), 0
        self._files.insert_one(
            {"_id": key, "length": length, "chunkSize": PIECE, "uploadDate": now, "filename": key}
        )  # fmt: skip
        with path.open("rb") as file:
            while pieces := [piece for _ in range(AT_ONCE) if (piece := file.read(PIECE))]:
                for piece in pieces:
                    digest.update(piece)
                self._chunks.insert_many(
                    [{"files_id": key, "n": n + i, "data": Binary(piece)} for i, piece in enumerate(pieces)]
                )
                n += len(pieces)
        return File(key=key, sha256=digest.hexdigest(), length=length)

    def read(self, file: File) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        found = self._chunks.find({"files_id": file.key}, {"data": 1, "_id": 0}, batch_size=AT_ONCE)
        return (bytes(chunk["data"]) for chunk in found.sort("n", ASCENDING))

    def lines(self, file: File) -> Iterator[bytes]:
        """Of a text its lines."""
        rest = b""
        for piece in self.read(file):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def remove(self, report: str, before: int | None = None) -> None:
        """A report's files; or those of the tries before that one."""
        ends = f"{report}0" if before is None else _key(report, before, "")
        mine = {"$gte": f"{report}/", "$lt": ends}
        self._chunks.delete_many({"files_id": mine})
        self._files.delete_many({"_id": mine})


def _key(report: str, tries: int, name: str) -> str:
    return f"{report}/{tries:04}/{name}"


class Reports:
    def __init__(self, database: Database[Document], carrier: Carrier) -> None:
        self.reports = Aggregates(database, "reports", Report, carrier)
        self.files = Files(database)
        self._rows = self.reports.collection

    def ensure_indexes(self) -> None:
        self.files.ensure_indexes()
        of = [("form", ASCENDING), ("agency", ASCENDING)]
        is_published = {"chain": {"$gt": ""}}
        self._rows.create_index([*of, ("month", ASCENDING), ("asked_at", DESCENDING)], name="newest")
        self._rows.create_index(
            [("free_at", ASCENDING)], name="waiting", partialFilterExpression={"state": "waiting"}
        )  # fmt: skip
        self._rows.create_index(
            [("expires_at", ASCENDING)], name="expires", partialFilterExpression={"expires_at": {"$gt": LONG_AGO}}
        )
        self._rows.create_index([("chain", ASCENDING)], name="chain", unique=True, partialFilterExpression=is_published)
        self._rows.create_index(
            [*of, ("publication.number", DESCENDING)], name="number", partialFilterExpression=is_published
        )
        self._rows.create_index(
            [("publication.at", DESCENDING), ("_id", DESCENDING)],
            name="published",
            partialFilterExpression=is_published,
        )
        self._rows.create_index([("untold", ASCENDING)], name="untold", partialFilterExpression={"untold": True})

    # -- making --

    def waiting(self, most: int) -> int:
        """How many wait to be made, counted up to so many."""
        return len(list(self._rows.find({"state": "waiting"}, {"_id": 1}, hint="waiting", limit=most)))

    def take(self, now: datetime, until: datetime) -> Report | None:
        """The report that waits longest, for this maker alone until then."""
        found = self._rows.find_one_and_update(
            {"state": "waiting", "free_at": {"$lte": now}},
            {"$set": {"free_at": until}, "$inc": {"tries": 1, "doc_version": 1}},
            sort=[("free_at", ASCENDING)],
            projection=_FIELDS,
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else self.reports.loaded(found).state

    def keep(self, report: Report, name: str, path: Path, now: datetime) -> File:
        """A file that this try made."""
        return self.files.put(_key(report.id, report.tries, name), path, now)

    def progress(self, report: Report, percent: int, until: datetime) -> bool:
        """Tells how far it is, and keeps it for its maker until then; False when another maker took it over."""
        return self._note(report, {"progress": percent, "free_at": until})

    def finish(self, made: Report) -> bool:
        """It is there as it says; False when another maker took it over."""
        return self._note(made, _dumped(made))

    def free(self, report: Report, now: datetime) -> bool:
        """It is to be tried again."""
        return self._note(report, {"free_at": now})

    def _note(self, report: Report, fields: Document) -> bool:
        mine = {"_id": report.id, "state": "waiting", "tries": report.tries}
        return self._rows.update_one(mine, {"$set": fields, "$inc": {"doc_version": 1}}).matched_count == 1

    # -- reading --

    def load(self, id: str) -> Report | None:
        loaded = self.reports.load(id)
        return None if loaded is None or loaded.state.state == "gone" else loaded.state

    def newest(self, form: Form, agency: str, month: str) -> Report | None:
        """What was asked for last."""
        wanted = {"form": form, "agency": agency, "month": month, "as_of": None, "state": {"$ne": "gone"}}
        found = self._rows.find_one(wanted, _FIELDS, sort=[("asked_at", DESCENDING)], hint="newest")
        return None if found is None else self.reports.loaded(found).state

    def before(self, form: Form, agency: str, month: str) -> Before:
        """What was published already."""
        of: Document = {"form": form, "agency": agency, "chain": {"$gt": ""}}
        sort = [("publication.number", DESCENDING)]
        last = self._rows.find_one(of, _FIELDS, sort=sort, hint="number")
        of_month = self._rows.find_one({**of, "month": month}, _FIELDS, sort=sort, hint="number")
        loaded = None if last is None else self.reports.loaded(last).state.publication
        return Before(loaded, None if of_month is None else self.reports.loaded(of_month).state)

    def of_chain(self, form: Form, agency: str) -> Iterator[Report]:
        """What an agency published of a form, from the first on."""
        wanted = {"form": form, "agency": agency, "chain": {"$gt": ""}}
        found = self._rows.find(wanted, _FIELDS, sort=[("publication.number", ASCENDING)], hint="number")
        return (self.reports.loaded(row).state for row in found)

    def chains(self) -> list[tuple[Form, str]]:
        """Each form and agency of which something is published."""
        found = self._rows.find({"chain": {"$gt": ""}, "publication.number": 1}, {"form": 1, "agency": 1})
        return sorted((row["form"], row["agency"]) for row in found)

    def published(
        self, forms: Sequence[Form], wanted: Document, after: tuple[datetime, str] | None, limit: int
    ) -> list[Report]:
        """Publications of the forms, the newest first. `wanted`: of which agency, of which month."""
        match: Document = {"chain": {"$gt": ""}, "form": {"$in": list(forms)}, **wanted}
        if after is not None:
            at, id = after
            match["$or"] = [{"publication.at": {"$lt": at}}, {"publication.at": at, "_id": {"$lt": id}}]
            match["publication.at"] = {"$lte": at}
        sort = [("publication.at", DESCENDING), ("_id", DESCENDING)]
        found = self._rows.find(match, _FIELDS, sort=sort, hint="published", limit=limit)
        return [self.reports.loaded(row).state for row in found]

    # -- publishing --

    def untold(self) -> list[Report]:
        found = self._rows.find({"untold": True}, _FIELDS, hint="untold")
        return [self.reports.loaded(row).state for row in found]

    def told(self, id: str) -> None:
        """The feed holds its publication."""
        self._rows.update_one({"_id": id}, {"$set": {"untold": False}, "$inc": {"doc_version": 1}})

    # -- forgetting --

    def sweep(self, now: datetime) -> bool:
        """Removes a report that nobody published in time; True when there was one."""
        # First nobody gets at it any more, then its files go, then it.
        found: Any = self._rows.find_one_and_update(
            {"expires_at": {"$gt": LONG_AGO, "$lte": now}},
            {"$set": {"state": "gone"}, "$inc": {"doc_version": 1}},
            projection={"_id": 1},
            hint="expires",
        )
        if found is None:
            return False
        self.files.remove(found["_id"])
        self._rows.delete_one({"_id": found["_id"], "state": "gone"})
        return True


def _dumped(made: Report) -> Document:
    return {
        "state": made.state,
        "progress": made.progress,
        "free_at": None,
        "known_until": made.known_until,
        "content": None if made.content is None else _file(made.content),
        "files": None if made.files is None else {name: _file(file) for name, file in made.files.items()},
    }


def _file(file: File) -> Document:
    return {"key": file.key, "sha256": file.sha256, "length": file.length}
