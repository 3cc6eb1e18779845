"""The feed: what monitoring systems follow, in one order, for ever.

- `feed`: an entry for each event, `_id` counting from 1 without gaps. It is the feed's cursor.
- `feed_cursors`: what was turned into entries (`made`), and what was published to the stream (`stream`).

An entry is inserted under the number after the last one that its writer has seen; of two that take the same number one
fails, looks at what the other wrote, and makes its statements anew. So entry n+1 exists only when n does, a reader that
has seen n never misses what comes later, and whoever writes n+1 had seen n before it counted: what is said later of a
subject was counted later.

One who counted and found nothing new writes no entry, so another who had counted before it may still write after it.
Therefore each entry tells up to where its writer had seen the archive (`seen`), and `made` tells up to which entry it
holds: entries behind that may take the cursor back (`made`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from chassis.envelope import noun, outgoing
from chassis.store import Document, duplicates
from stats.domain.feed import Said, Statement, agency_and_month
from stats.events import CountsChanged
from stats.store.overtaking import Overtaken

BATCH = 500
_NOTHING = Said()
_COUNTS = f"{noun(CountsChanged.TYPE)}:"


@dataclass(frozen=True, slots=True)
class Entry:
    """`body` is the CloudEvent's JSON text, `at` when the entry was made."""

    cursor: int
    type: str
    id: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at before something was said: the archive's log up to row `log`, the local day (`YYYY-MM-DD`)
    and the projection's generation."""

    log: int
    day: str
    generation: int


class Feed:
    """For reading, any number of threads may share one; `catch_up`, `say` and `made` are one thread's."""

    def __init__(self, database: Database[Document]) -> None:
        self.entries: Collection[Document] = database.get_collection("feed", read_concern=ReadConcern("majority"))
        self._cursors: Collection[Document] = database["feed_cursors"]
        self._end = 0
        self._said: dict[str, Said] | None = None

    def ensure_indexes(self) -> None:
        self.entries.create_index([("key", ASCENDING), ("_id", DESCENDING)], name="latest")
        self.entries.create_index([("type", ASCENDING), ("_id", ASCENDING)], name="type")

    # -- for followers --

    def end(self) -> int:
        """The newest entry's cursor; 0 when there is none."""
        found = self.entries.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
        return 0 if found is None else int(found["_id"])

    def after(self, cursor: int, until: int, limit: int, types: Sequence[str] = ()) -> list[Entry]:
        """The entries behind `cursor` up to `until`, at most `limit`; of these types, unless none is named."""
        wanted: Document = {"_id": {"$gt": cursor, "$lte": until}}
        if types:
            wanted["type"] = {"$in": list(types)}
        found = self.entries.find(wanted, sort=[("_id", ASCENDING)], limit=limit, batch_size=limit)
        return [Entry(row["_id"], row["type"], row["id"], row["body"], row["at"]) for row in found]

    def newest(self) -> Entry | None:
        end = self.end()
        return next(iter(self.after(end - 1, end, 1)), None)

    def holds(self, statement: Statement) -> bool:
        """Something was said of its subject."""
        return self.entries.find_one({"key": _key(statement)}, {"_id": 1}, hint="latest") is not None

    def published(self) -> int:
        """The last entry that the stream holds for certain, with all before it."""
        found = self._cursors.find_one({"_id": "stream"})
        return 0 if found is None else int(found["published"])

    def note_published(self, cursor: int) -> None:
        self._cursors.update_one({"_id": "stream"}, {"$max": {"published": cursor}}, upsert=True)

    def publish_again(self, after: int) -> None:
        """The stream gets every entry behind `after` once more."""
        self._cursors.update_one({"_id": "stream"}, {"$set": {"published": after}}, upsert=True)

    # -- for the writer --

    def catch_up(self) -> None:
        """Learns what was said of each subject. What is counted after this may be said by `say`."""
        if self._said is None:
            # Before the subjects are read: entries that come meanwhile are read once more, which is harmless.
            self._end, self._said = self.end(), {}
            for row in self.entries.aggregate(LATEST):
                self._said[row["_id"]] = Said(row["revision"], row["mark"])
        for row in self.entries.find({"_id": {"$gt": self._end}}, _SHORT, sort=[("_id", ASCENDING)]):
            self._fold(row, self._said)

    def months(self, agencies: Iterable[str] | None) -> list[tuple[str, str]]:
        """(agency, month) of which counts were said; None: of every agency."""
        wanted = None if agencies is None else set(agencies)
        subjects = [key.removeprefix(_COUNTS) for key in self._said or () if key.startswith(_COUNTS)]
        found = [agency_and_month(subject) for subject in subjects]
        return [(agency, month) for agency, month in found if wanted is None or agency in wanted]

    def say(self, statements: Iterable[Statement], seen: Seen, at: datetime) -> int:
        """Says what is new; how many entries that made. Overtaken when another writer said something since `catch_up`:
        what this one counted may be older than what that one said."""
        count, said = 0, {} if self._said is None else self._said
        # By batches, since all that a province ever counted may be new.
        rest = iter(statements)
        while part := self._rows(rest, said, seen, at):
            try:
                self.entries.insert_many(part, ordered=True)
            except BulkWriteError as error:
                # What came before it was inserted; `catch_up` will read it as it reads another writer's.
                duplicates(error)
                raise Overtaken("the feed") from None
            for row in part:
                self._fold(row, said)
            count += len(part)
        return count

    def _rows(self, rest: Iterator[Statement], said: dict[str, Said], seen: Seen, at: datetime) -> list[Document]:
        """The next entries of what is new, of each subject one."""
        rows: dict[str, Document] = {}
        for statement in rest:
            key = _key(statement)
            before = said.get(key, _NOTHING)
            if key not in rows and statement.is_new(before):
                rows[key] = _row(self._end + len(rows) + 1, key, statement, before, seen, at)
                if len(rows) == BATCH:
                    break
        return list(rows.values())

    def made(self, beginning: Seen) -> Seen | None:
        """What the feed holds, as far as `catch_up` has seen it; None when everything must be counted anew."""
        found = self._cursors.find_one({"_id": "made"})
        if found is None:
            return None
        made = Seen(**found["seen"])
        behind = self.entries.find({"_id": {"$gt": found["end"]}}, {"seen": 1})
        for seen in (Seen(**row["seen"]) for row in behind):
            if (seen.day, seen.generation) != (made.day, made.generation):
                return None
            made = Seen(min(made.log, seen.log), made.day, made.generation)
        return made if (made.day, made.generation) == (beginning.day, beginning.generation) else None

    def note_made(self, seen: Seen) -> None:
        """Everything up to there was said, or had been."""
        self._cursors.update_one({"_id": "made"}, {"$set": {"seen": asdict(seen), "end": self._end}}, upsert=True)

    def _fold(self, row: Document, said: dict[str, Said]) -> None:
        said[row["key"]] = Said(row["revision"], row["mark"])
        self._end = row["_id"]


_SHORT = {"key": 1, "revision": 1, "mark": 1}
LATEST: list[Document] = [
    {"$sort": {"key": 1, "_id": -1}},
    {"$group": {"_id": "$key", "revision": {"$first": "$revision"}, "mark": {"$first": "$mark"}}},
]
"""With the index `latest` the server jumps from subject to subject."""


def _key(statement: Statement) -> str:
    return f"{noun(statement.type)}:{statement.subject}"


def _row(cursor: int, key: str, statement: Statement, before: Said, seen: Seen, at: datetime) -> Document:
    revision = before.revision + 1
    data: Any = statement.event(before)
    event = outgoing(data, subject=statement.subject, sequence=revision, time=at, extensions={"cursor": cursor})
    return {
        "_id": cursor,
        "key": key,
        "type": statement.type,
        "revision": revision,
        "mark": statement.mark,
        "id": event.id,
        "at": at,
        "seen": asdict(seen),
        "body": event.body,
    }
