"""Papers: asked for over the API, printed outside of requests by a worker's loop, and kept in MongoDB by the hash of
what they say, so that the same paper is printed once."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pymongo import ASCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import logs, store
from chassis.clock import Clock
from chassis.errors import Unavailable
from chassis.printed import Printed
from chassis.printing import Printer

log = logs.get()
KEPT = timedelta(days=7)
"""A paper can be printed again at any time; what it says is personal and lies here no longer than it is handy."""

REST = timedelta(minutes=10)
"""A paper that could not be printed is not tried again before this, however often it is asked for."""

LEASE = timedelta(seconds=60)
"""A maker that died leaves its paper to another after this long; a register of a month takes some seconds."""
TRIES = 3

State = Literal["waiting", "made", "failed"]


class PaperFailed(Unavailable):
    code = "paper_failed"
    title = "Giấy này chưa in được, xin báo bộ phận kỹ thuật"


@dataclass(frozen=True, slots=True)
class Asked:
    """A paper that waits to be printed."""

    id: str
    kind: str
    content: dict[str, Any]
    tries: int


class Papers:
    """A service's papers, in its collection `papers`."""

    def __init__(self, database: Database[store.Document]) -> None:
        self.collection = database["papers"]

    def ensure_indexes(self) -> None:
        self.collection.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)
        self.collection.create_index(
            [("free_at", ASCENDING)], name="waiting", partialFilterExpression={"state": "waiting"}
        )

    def ask(self, paper: Printed[Any], now: datetime) -> bytes | None:
        """The PDF; None while it waits to be printed. Raises PaperFailed, until a while after it could not be."""
        id = paper.id
        found = self.collection.find_one({"_id": id}, {"content": 0})
        if found is not None and not (found["state"] == "failed" and found["free_at"] <= now):
            if found["state"] == "failed":
                raise PaperFailed("the paper could not be printed; the log says why", retry_after=600)
            pdf: bytes | None = found.get("pdf")
            return pdf
        waiting = {"state": "waiting", "free_at": now, "expires_at": now + KEPT, "tries": 0}
        waiting |= {"kind": paper.kind, "content": dict(paper.content)}
        # Somebody else may ask for the same at the same moment: then this upsert collides with theirs.
        with suppress(DuplicateKeyError):
            self.collection.update_one({"_id": id, "state": "failed"}, {"$set": waiting}, upsert=True)
        return None

    def take(self, now: datetime, until: datetime) -> Asked | None:
        """The paper that waits longest, for this caller alone until then."""
        found = self.collection.find_one_and_update(
            {"state": "waiting", "free_at": {"$lte": now}},
            {"$set": {"free_at": until}, "$inc": {"tries": 1}},
            sort=[("free_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else Asked(found["_id"], found["kind"], found["content"], found["tries"])

    def made(self, asked: Asked, pdf: bytes, now: datetime) -> None:
        self.collection.update_one(
            {"_id": asked.id},
            {"$set": {"state": "made", "pdf": pdf, "expires_at": now + KEPT}, "$unset": {"content": 1}},
        )

    def failed(self, asked: Asked, now: datetime, *, final: bool) -> None:
        """Tries it again at once, or when it is `final`, not before somebody asks for it a while later."""
        rest = {"state": "failed", "free_at": now + REST} if final else {"free_at": now}
        self.collection.update_one({"_id": asked.id, "state": "waiting"}, {"$set": rest})


class PaperMaker:
    """The worker's loop body: prints one paper that waits."""

    def __init__(self, papers: Papers, clock: Clock, printer: Printer) -> None:
        self._papers = papers
        self._clock = clock
        self._printer = printer

    def once(self) -> bool:
        """True when there was one. A paper that cannot be printed fails after TRIES tries, and says so to who asks."""
        now = self._clock()
        asked = self._papers.take(now, now + LEASE)
        if asked is None:
            return False
        try:
            pdf = self._printer.pdf(asked.kind, asked.content)
        except Exception as error:
            # Whatever a template or the printer stumbles over must not stop the worker; the paper tells its reader.
            log.error("paper_failed", paper=asked.id, kind=asked.kind, tries=asked.tries, exc_info=error)
            self._papers.failed(asked, self._clock(), final=asked.tries >= TRIES)
        else:
            self._papers.made(asked, pdf, self._clock())
        return True
