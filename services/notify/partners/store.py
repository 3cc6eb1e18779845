"""What EMC and the public post are told, in notify's MongoDB: the dossiers as they are known, and the rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.database import Database

from chassis import store
from notify.partners.domain.known import Known
from notify.partners.domain.rows import Partner, PartnerRow, settled
from notify.store.exchanges import Exchanges
from notify.store.rows import COUNTED_UP_TO, Rows, ensure_row_indexes

STEP_BACK = timedelta(seconds=5)
LONGEST_BEHIND = timedelta(minutes=15)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_UNFINISHED = ("queued", "sending")


class PartnerRows(Rows[PartnerRow]):
    """A partner's rows for its courier: of each dossier only the first that is on its way is given. Those behind one
    that has to wait are looked at again after a while, so that they do not stand before others."""

    def __init__(self, aggregates: store.Aggregates[PartnerRow], partner: Partner, exchanges: Exchanges) -> None:
        super().__init__(aggregates, {"partner": partner})
        self._rows = aggregates
        self._partner = partner
        self._exchanges = exchanges

    def due(self, now: datetime, limit: int) -> list[store.Loaded[PartnerRow]]:
        found = super().due(now, limit)
        heads = self._heads({each.state.dossier for each in found})
        # One that is not on its way any more has been taken by another worker since.
        found = [each for each in found if each.state.dossier in heads]
        first = [each for each in found if heads[each.state.dossier]["_id"] == each.id]
        behind = [
            UpdateOne(
                {"_id": each.id, "doc_version": each.version},
                {"$set": {"next_at": _again(heads[each.state.dossier], now)}, "$inc": {"doc_version": 1}},
            )
            for each in found
            if heads[each.state.dossier]["_id"] != each.id
        ]
        if behind:
            self._rows.collection.bulk_write(behind, ordered=False)
        return first

    def save(self, changes: Sequence[store.Change[PartnerRow]]) -> list[bool]:
        whole = [replace(each, state=settled(each.state, self._exchanges.peek(each.state.id))) for each in changes]
        saved = super().save(whole)
        self._exchanges.forget(change.state.id for change in whole)
        return saved

    def _heads(self, dossiers: set[str]) -> dict[str, store.Document]:
        """By dossier, the first row that is on its way."""
        heads: dict[str, store.Document] = {}
        found = self._rows.collection.find(
            {"partner": self._partner, "dossier": {"$in": list(dossiers)}, "state": {"$in": list(_UNFINISHED)}},
            {"dossier": 1, "next_at": 1, "state": 1},
            sort=[("dossier", ASCENDING), ("place", ASCENDING)],
        )
        for each in found:
            heads.setdefault(each["dossier"], each)
        return heads


def _again(head: store.Document, now: datetime) -> datetime:
    """When a row behind this one is looked at again."""
    waits = head["next_at"] if head["state"] == "queued" else now
    return max(now + STEP_BACK, min(waits, now + LONGEST_BEHIND))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter over a partner's rows. `state` "refused": what waits for an operator; "skipped": what was left out;
    "sent": also what was delivered."""

    partner: Partner
    dossier: str | None = None
    state: str | None = None

    def condition(self) -> store.Document:
        found: store.Document = {"partner": self.partner}
        if self.dossier is not None:
            found["dossier"] = self.dossier
        if self.state == "refused":
            return {**found, "state": "failed", "skipped": None}
        if self.state == "skipped":
            return {**found, "skipped": {"$gt": ""}}
        if self.state == "sent":
            return {**found, "state": {"$in": ["sent", "delivered"]}, "skipped": None}
        return found if self.state is None else {**found, "state": self.state}


class PartnerStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.dossiers = store.Aggregates(database, "partner_dossiers", Known, carrier)
        self.rows = store.Aggregates(database, "partner_rows", PartnerRow, carrier)
        self.exchanges = Exchanges()

    def queue(self, partner: Partner) -> PartnerRows:
        return PartnerRows(self.rows, partner, self.exchanges)

    def ensure_indexes(self) -> None:
        self.dossiers.ensure_indexes()
        ensure_row_indexes(self.rows, "partner")
        rows = self.rows.collection
        rows.create_index([("partner", ASCENDING), ("dossier", ASCENDING), ("place", ASCENDING)], name="in_order")
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        rows.create_index([("partner", ASCENDING), ("state", ASCENDING), *newest], name="by_state")
        rows.create_index([("partner", ASCENDING), *newest], name="newest")
        rows.create_index(
            [("partner", ASCENDING), *newest], name="skipped", partialFilterExpression={"skipped": {"$gt": ""}}
        )
        rows.create_index(
            [("agency", ASCENDING), ("act", ASCENDING), *newest],
            name="pickups",
            partialFilterExpression={"direction": "pickup"},
        )
        rows.create_index(
            [("look_at", ASCENDING)], name="look_at", partialFilterExpression={"look_at": {"$gt": _LONG_AGO}}
        )
        rows.create_index(
            [("number", ASCENDING), ("act", ASCENDING)], name="number", partialFilterExpression={"number": {"$gt": ""}}
        )

    def lay_out(self, rows: Sequence[PartnerRow]) -> None:
        """Puts rows into the collection; twice is once."""
        self.rows.add([store.New(row.id, row, (), row.created_at, row.trace) for row in rows])

    # -- the post's orders ---------------------------------------------------------------------------------------------

    def order(self, number: str) -> store.Loaded[PartnerRow] | None:
        """The row that asked the post for the order of this number."""
        found = self.rows.collection.find_one({"number": number, "act": "order"}, {"outbox": 0}, hint="number")
        return None if found is None else self.rows.loaded(found)

    def to_look_at(self, now: datetime, limit: int) -> list[store.Loaded[PartnerRow]]:
        """Orders of which the post is to be asked."""
        found = self.rows.collection.find(
            {"look_at": {"$gt": _LONG_AGO, "$lte": now}}, {"outbox": 0}, sort=[("look_at", ASCENDING)], limit=limit,
            hint="look_at",
        )  # fmt: skip
        return [self.rows.loaded(each) for each in found]

    def cancel_before(self, order: PartnerRow) -> PartnerRow | None:
        """The row that cancels the order before this one, if there was one."""
        code, _, n = (order.number or "").rpartition("-")
        found = self.rows.collection.find_one(
            {"number": f"{code}-{int(n) - 1}", "act": "cancel"}, {"outbox": 0}, hint="number"
        )
        return None if found is None else self.rows.loaded(found).state

    def is_cancelled(self, order: PartnerRow) -> bool:
        """Whether the order is not wanted any more."""
        found = self.rows.collection.find_one({"number": order.number, "act": "cancel"}, {"_id": 1}, hint="number")
        return found is not None

    def pickups(self, agency: str, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[PartnerRow]]:
        """The agency's, newest first, behind the one created at `after[0]` with the id `after[1]`."""
        return self._newest({"direction": "pickup", "agency": agency, "act": "order"}, after, limit)

    # -- reading -------------------------------------------------------------------------------------------------------

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[PartnerRow]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        return self._newest(wanted.condition(), after, limit)

    def _newest(
        self, condition: store.Document, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[PartnerRow]]:
        conditions = [condition]
        if after is not None:
            at, id = after
            conditions.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]})
        found = self.rows.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.rows.loaded(each) for each in found]

    def count(self, wanted: Wanted) -> int:
        """COUNTED_UP_TO at most."""
        return self.rows.collection.count_documents(wanted.condition(), limit=COUNTED_UP_TO)
