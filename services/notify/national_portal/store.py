"""What the portal is told of, in notify's MongoDB: the dossiers as they are told, the rows, and what of catalog that
needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.repairs import noted
from notify.national_portal.domain.inbound_dossiers import FromPortal
from notify.national_portal.domain.records import Names
from notify.national_portal.domain.rows import PortalRow, Tracked, is_over, row_id, successor
from notify.store.exchanges import Exchanges
from notify.store.rows import COUNTED_UP_TO, Backlog, Rows, ensure_row_indexes

_PAGE = 1_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MAKING_GRACE = timedelta(seconds=30)


class PortalRows(Rows[PortalRow]):
    """The portal's rows for its courier: of each dossier only the first that is not over has a `next_at`, so it alone
    is due."""

    def __init__(self, aggregates: store.Aggregates[PortalRow], exchanges: Exchanges) -> None:
        super().__init__(aggregates, {})
        self._rows = aggregates
        self._exchanges = exchanges

    def save(self, changes: Sequence[store.Change[PortalRow]]) -> list[bool]:
        whole = [replace(each, state=noted(each.state, self._exchanges.peek(each.state.id))) for each in changes]
        saved = super().save(whole)
        self._exchanges.forget(change.state.id for change in whole)
        self.wake(
            [change.state for change, done in zip(whole, saved, strict=True) if done and is_over(change.state)],
            max((change.at for change in changes), default=_LONG_AGO),
        )
        return saved

    def wake(self, over: Sequence[PortalRow], now: datetime) -> None:
        """Those behind rows that are over are due now."""
        if over:
            self._rows.collection.update_many(
                {"_id": {"$in": [successor(row) for row in over]}, "state": "queued", "next_at": None},
                {"$set": {"next_at": now}, "$inc": {"doc_version": 1}},
            )

    def backlog(self) -> Backlog:
        """Rows behind others count as queued; the first one due is one that is not behind any."""
        collection = self._rows.collection
        due = {"state": "queued", "next_at": {"$gt": _LONG_AGO}}
        first = collection.find_one(due, {"next_at": 1}, sort=[("next_at", ASCENDING)], hint="due")
        return Backlog(
            queued=collection.count_documents({"state": "queued"}, limit=COUNTED_UP_TO, hint="due"),
            sending=collection.count_documents({"state": "sending"}, limit=COUNTED_UP_TO, hint="leased_of"),
            due_since=None if first is None else first["next_at"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter over rows. `state` "refused": what waits for an operator; "skipped": what one left out."""

    dossier: str | None = None
    state: str | None = None

    def condition(self) -> store.Document:
        found: store.Document = {} if self.dossier is None else {"dossier": self.dossier}
        if self.state == "refused":
            return {**found, "state": "failed", "skipped": None}
        if self.state == "skipped":
            return {**found, "state": "failed", "skipped": {"$gt": ""}}
        return found if self.state is None else {**found, "state": self.state}


class NationalPortalStore:
    """Everything that is kept of the portal's business."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.dossiers = store.Aggregates(database, "portal_dossiers", Tracked, carrier)
        self.rows = store.Aggregates(database, "portal_rows", PortalRow, carrier)
        self.arrivals = store.Aggregates(database, "portal_arrivals", FromPortal, carrier)
        self.exchanges = Exchanges()
        self.queue = PortalRows(self.rows, self.exchanges)
        self.incoming: Rows[FromPortal] = Rows(self.arrivals, {})
        self._procedures = store.Copies(database, "portal_procedures")
        self._agencies = database["agencies"]

    def ensure_indexes(self) -> None:
        ensure_row_indexes(self.rows)
        ensure_row_indexes(self.arrivals)
        self.dossiers.ensure_indexes()
        dossiers, rows = self.dossiers.collection, self.rows.collection
        dossiers.create_index(
            [("merged.look_at", ASCENDING)],
            name="look_at",
            partialFilterExpression={"merged.look_at": {"$gt": _LONG_AGO}},
        )
        dossiers.create_index(
            [("making.created_at", ASCENDING)], name="making",
            partialFilterExpression={"making.created_at": {"$exists": True}},
        )  # fmt: skip
        dossiers.create_index([("merged.number", ASCENDING)], name="by_number")
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        rows.create_index([("dossier", ASCENDING), *newest], name="by_dossier")
        rows.create_index([("state", ASCENDING), *newest], name="by_state")
        rows.create_index(newest, name="newest")
        rows.create_index(
            [("dossier", ASCENDING), ("n", ASCENDING)], name="behind", partialFilterExpression={"state": "queued"}
        )
        rows.create_index(
            [("kind", ASCENDING), ("state", ASCENDING)],
            name="waiting",
            partialFilterExpression={"state": "queued"},
        )
        self.arrivals.collection.create_index(newest, name="newest")

    # -- making rows ---------------------------------------------------------------------------------------------------

    def lay_out(self, made: Sequence[tuple[str, PortalRow]], now: datetime) -> None:
        """Puts rows of dossiers' `making` into the collection of rows, and takes them out of there. Twice is once."""
        if not made:
            return
        self.rows.add([store.New(row.id, row, (), row.created_at, row.trace) for _, row in made])
        firsts: dict[str, PortalRow] = {}
        for dossier, row in made:
            if dossier not in firsts or row.n < firsts[dossier].n:
                firsts[dossier] = row
        # The row before may have been over before its successor was there to be woken.
        before = self.rows.load_many(row_id(row.dossier, row.n - 1) for row in firsts.values() if row.n > 1)
        self.queue.wake([each.state for each in before.values() if is_over(each.state)], now)
        self.dossiers.collection.update_many(
            {"_id": {"$in": list(firsts)}}, {"$pull": {"making": {"id": {"$in": [row.id for _, row in made]}}}}
        )

    def left_in_making(self, now: datetime, limit: int) -> list[tuple[str, PortalRow]]:
        """Rows that a killed worker did not lay out."""
        found = self.dossiers.collection.find(
            {"making.created_at": {"$lt": now - MAKING_GRACE}}, {"outbox": 0}, limit=limit, hint="making"
        )
        return [
            (loaded.id, row) for each in found for loaded in [self.dossiers.loaded(each)] for row in loaded.state.making
        ]

    def wake_stuck(self, now: datetime) -> int:
        """Has rows sent whose predecessor is over, although a killed worker did not say so to them; how many."""
        woken = 0
        heads = self.rows.collection.aggregate(
            [
                {"$match": {"state": "queued"}},
                {"$group": {"_id": "$dossier", "n": {"$min": "$n"}, "next_at": {"$max": "$next_at"}}},
                {"$match": {"next_at": None}},
            ],
            hint="behind",
        )
        page: list[str] = []
        for head in heads:
            page.append(row_id(head["_id"], head["n"] - 1))
            if len(page) == _PAGE:
                woken += self._wake_behind(page, now)
                page = []
        return woken + self._wake_behind(page, now)

    def _wake_behind(self, ids: Sequence[str], now: datetime) -> int:
        over = [each.state for each in self.rows.load_many(ids).values() if is_over(each.state)]
        self.queue.wake(over, now)
        return len(over)

    # -- reading -------------------------------------------------------------------------------------------------------

    def to_look_at(self, now: datetime, limit: int) -> list[str]:
        """Dossiers in which something has waited long enough."""
        found = self.dossiers.collection.find(
            {"merged.look_at": {"$lte": now}}, {"_id": 1}, sort=[("merged.look_at", ASCENDING)], limit=limit,
            hint="look_at",
        )  # fmt: skip
        return [each["_id"] for each in found]

    def look_later(self, dossier: str, at: datetime) -> None:
        """Has it looked at then, whatever is due."""
        self.dossiers.collection.update_one(
            {"_id": dossier}, {"$set": {"merged.look_at": at}, "$inc": {"doc_version": 1}}
        )

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[PortalRow]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        conditions = [wanted.condition()]
        if after is not None:
            at, id = after
            conditions.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]})
        found = self.rows.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.rows.loaded(each) for each in found]

    def arrivals_page(self, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[FromPortal]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        wanted: store.Document = {}
        if after is not None:
            at, id = after
            wanted = {"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]}
        found = self.arrivals.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.arrivals.loaded(each) for each in found]

    def counts(self, kinds: Sequence[str]) -> dict[tuple[str, str], int]:
        """How many rows wait and were refused, by kind; COUNTED_UP_TO at most."""
        count = self.rows.collection.count_documents
        found: dict[tuple[str, str], int] = {}
        for kind in kinds:
            waiting = {"kind": kind, "state": "queued"}
            found[kind, "queued"] = count(waiting, limit=COUNTED_UP_TO, hint="waiting")
            refused = {**Wanted(state="refused").condition(), "kind": kind}
            found[kind, "refused"] = count(refused, limit=COUNTED_UP_TO, hint="by_state")
        return found

    def count(self, wanted: Wanted) -> int:
        """COUNTED_UP_TO at most."""
        return self.rows.collection.count_documents(wanted.condition(), limit=COUNTED_UP_TO)

    def every_dossier(
        self, dossier: str | None = None, since: datetime | None = None
    ) -> Iterator[store.Loaded[Tracked]]:
        """By id, those with rows; `since`: of which something was told since then. Whoever walks through them may take
        longer over each than the store keeps a cursor."""
        wanted: store.Document = {"merged.number": {"$gt": ""}}
        if dossier is not None:
            wanted = {"$or": [{"_id": dossier}, {"merged.number": dossier}]}
        after = ""
        while True:
            condition = {"$and": [{"_id": {"$gt": after}}, wanted]}
            page = list(self.dossiers.collection.find(condition, {"outbox": 0}, limit=_PAGE).sort("_id", ASCENDING))
            for each in page:
                loaded = self.dossiers.loaded(each)
                if since is None or self._told_since(loaded.id, since):
                    yield loaded
            if len(page) < _PAGE:
                return
            after = page[-1]["_id"]

    def _told_since(self, dossier: str, since: datetime) -> bool:
        return (
            self.rows.collection.find_one({"dossier": dossier, "created_at": {"$gte": since}}, {"_id": 1}) is not None
        )

    def number_known(self, number: str) -> bool:
        return self.dossiers.collection.find_one({"merged.number": number}, {"_id": 1}, hint="by_number") is not None

    def unfinished_rows(self, dossier: str) -> bool:
        """Whether a row of the dossier is not over."""
        condition = {"dossier": dossier, "state": {"$in": ["queued", "sending", "failed"]}, "skipped": None}
        return self.rows.collection.find_one(condition, {"_id": 1}) is not None

    # -- catalog -------------------------------------------------------------------------------------------------------

    def put_procedures(self, items: Sequence[tuple[str, int, Mapping[str, Any]]]) -> list[bool]:
        """(code, catalog's sequence, {name, field, field_name} or {withdrawn}) each."""
        return self._procedures.put(items)

    def procedures(self) -> dict[str, store.Document]:
        """By code, those that are not withdrawn."""
        found = self._procedures.collection.find({"withdrawn": {"$ne": True}})
        return {each["_id"]: each for each in found}

    def names(self) -> Names:
        """What agencies and fields are called."""
        fields = {
            each["field"]: each["field_name"]
            for each in self._procedures.collection.find({}, {"field": 1, "field_name": 1})
            if each.get("field")
        }
        agencies = {each["_id"]: each["name"] for each in self._agencies.find({}, {"name": 1})}
        return Names(agencies=agencies, fields=fields)
