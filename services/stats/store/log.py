"""The archive's log, and with it the one way in which numbers change.

A row for each batch of events, `_id` counting from 1 without gaps: which events were archived (`events`), the day on
which stats came to know them (`known`, never before that of the row before), the generation of the projection that they
went into, and what they added there (`deltas`, `agencies`, `since`: the first day that they changed).

A row, the facts that its events change and the sums that these facts add up to are written in one transaction. It reads
the last row, and inserts the one after: of two processes that do so at once the server lets one commit, and the other
begins anew. So batches are applied one after the other, each to the facts that the one before left, whole or not at
all, whatever is killed and however long a process stalls: one that wakes up cannot commit any more. A batch that is
delivered again finds that its facts say so already, and adds nothing.

The generation that counts is the one of the last row, so a switch is a row too, and nothing can fall between.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pymongo import ASCENDING, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout, PyMongoError
from pymongo.read_concern import ReadConcern

from chassis.store import UNAVAILABLE, Document
from chassis.worktime import local_day
from stats.domain.facts import Statements
from stats.store.deltas import pack
from stats.store.overtaking import Overtaken
from stats.store.projection import Projection

T = TypeVar("T")
BLOCKED_SECONDS = 20
SWITCH_SECONDS = 150
"""How long others may be in the way. A process that died within a transaction is, until the server gives it up
(`transactionLifetimeLimitSeconds`, a minute by default, looked at every half of it). A consumer has to answer its
broker meanwhile, and holds its batch."""


Archived = Callable[[], Sequence[bool | None]]
"""Waits until a batch is in the archive. Of each event whether it is new there; None: it can never be stored."""


class NotStorable(Exception):  # noqa: N818 (what they are, not an error of ours)
    """Some of the events are not in the archive and never will be, so this batch may not be counted."""


class _BegunTooEarlyError(Exception):
    """Of the events that have to be changed the transaction does not see some, since they were archived after it
    began. Begun anew it does."""


class Blocked(ExecutionTimeout):
    """Another transaction was in the way for too long. One of chassis.store.UNAVAILABLE: the same call may succeed
    later."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a batch of events says: `ids` of all that are to be listed, once each; `events`, in the order of the batch,
    each with its identifier, its dossier and what it says of that (None: nothing); `dossiers`: by dossier what
    they say."""

    ids: Sequence[str]
    events: Sequence[tuple[str, str, Statements | None]]
    dossiers: Mapping[str, Sequence[Statements]]


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    known: str
    generation: int


class Log:
    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self.rows = database["log"]
        self._events = database["events"]
        self._pointer = database["projection"]

    def last(self, session: ClientSession | None = None) -> Row:
        """The newest row; number 0 when there is none."""
        found = self.rows.find_one({}, {"known": 1, "generation": 1}, sort=[("_id", -1)], session=session)
        if found is None:
            return Row(0, "", self.generation(session))
        return Row(found["_id"], found["known"], found["generation"])

    def generation(self, session: ClientSession | None = None) -> int:
        found = self._pointer.find_one({"_id": "current"}, session=session)
        return 0 if found is None else int(found["generation"])

    def apply(self, said: Said, at: datetime, archived: Archived) -> None:
        """Lists the events and counts what they say, once they are archived, whole or not at all; or Blocked, or
        NotStorable."""
        try:
            self._serially(BLOCKED_SECONDS, lambda session: self._apply(said, at, archived, session))
        except _BegunTooEarlyError:
            self._serially(BLOCKED_SECONDS, lambda session: self._apply(said, at, archived, session))

    def _apply(self, said: Said, at: datetime, archived: Archived, session: ClientSession) -> None:
        last = self.last(session)
        today = local_day(at).isoformat()
        known = max(last.known, today)
        merged, entries = Projection(self._database, last.generation).take(said.dossiers, session)
        row: Document = {
            "_id": last.number + 1,
            "at": at,
            "known": known,
            "generation": last.generation,
            "events": list(said.ids),
        }
        if entries:
            row |= {
                "agencies": sorted({place[0] for place, _, _ in entries}),
                "since": min(day for _, day, _ in entries),
                "deltas": pack(entries),
            }
        self.rows.insert_one(row, session=session)
        new = archived()
        if None in new:
            raise NotStorable
        # The archive tells when each event came. This one tells when it was counted, which is hardly ever another day:
        # over midnight, or when whoever archived it died.
        fresh = {id for (id, _, _), is_new in zip(said.events, new, strict=True) if is_new}
        late = {id for id, dossier, says in said.events
                if (known != today if id in fresh else says is not None and merged.is_news(dossier, says))}  # fmt: skip
        if late:
            of_late = {"_id": {"$in": sorted(late)}}
            told = self._events.update_many(of_late, {"$set": {"known": known}}, session=session)
            if told.matched_count < len(late):
                raise _BegunTooEarlyError

    def switch(
        self, fresh: Projection, reached: int, at: datetime, replay: Callable[[int, ClientSession], object], most: int
    ) -> int | None:
        """Makes a projection that holds the log up to row `reached` the one that counts, after `replay` has added what
        follows; the number of the row from which on it counts. None when more than `most` rows follow. Overtaken when
        another rebuild has begun since; Blocked."""
        return self._serially(SWITCH_SECONDS, lambda session: self._switch(fresh, reached, at, replay, most, session))

    def _switch(
        self,
        fresh: Projection,
        reached: int,
        at: datetime,
        replay: Callable[[int, ClientSession], object],
        most: int,
        session: ClientSession,
    ) -> int | None:
        last = self.last(session)
        if last.number - reached > most:
            return None
        number, known = last.number + 1, max(last.known, local_day(at).isoformat())
        # First of all, so that no batch takes the number meanwhile.
        self.rows.insert_one(
            {"_id": number, "at": at, "known": known, "generation": fresh.generation, "events": []}, session=session
        )
        replay(reached, session)
        fresh.later.begin(number, session)
        mine = {"_id": "current", "drawn": fresh.generation}
        found = self._pointer.update_one(mine, {"$set": {"generation": fresh.generation}}, session=session)
        if not found.matched_count:
            raise Overtaken("the rebuild")
        return number

    def after(self, number: int, limit: int, session: ClientSession | None = None) -> list[Document]:
        """The rows after that number, in order."""
        return list(self.rows.find({"_id": {"$gt": number}}, sort=[("_id", ASCENDING)], limit=limit, session=session))

    def _serially(self, seconds: float, act: Callable[[ClientSession], T]) -> T:
        deadline, pause = time.monotonic() + seconds, 0.005
        while True:
            try:
                with self._database.client.start_session() as session, session.start_transaction(_SNAPSHOT, _DURABLE):
                    return act(session)
            except PyMongoError as error:
                if not is_conflict(error):
                    raise
                if time.monotonic() > deadline:
                    raise Blocked("another transaction is in the way") from error
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (so that two do not meet again and again)
            pause = min(0.5, pause * 2)


_SNAPSHOT, _DURABLE = ReadConcern("snapshot"), WriteConcern(w="majority", j=True)


def is_conflict(error: PyMongoError) -> bool:
    """Another transaction was in the way, or the server has given this one up: it can be begun anew."""
    return error.has_error_label("TransientTransactionError") and not isinstance(error, UNAVAILABLE)


def changed_by(document: Mapping[str, Any]) -> tuple[frozenset[str], date | None]:
    """The agencies whose numbers a row changed, and the first day."""
    since = document.get("since")
    return frozenset(document.get("agencies", ())), None if since is None else date.fromisoformat(since)
