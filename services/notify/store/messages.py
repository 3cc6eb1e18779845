"""The messages."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.deliveries import State
from notify.domain.messages import Events, Message
from notify.domain.receipts import Receipt, message_of
from notify.domain.telling import Channel
from notify.store.rows import COUNTED_UP_TO, Rows, ensure_row_indexes

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter over messages. `person`: only what was told to this subject; None means everybody's. `since`, `until`:
    when they were made, the end excluded."""

    person: str | None = None
    dossier: str | None = None
    agency: str | None = None
    template: str | None = None
    state: State | None = None
    channel: Channel | None = None
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> store.Document:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        same = {name: value for name, value in given.items() if value is not None and name not in ("since", "until")}
        made = {"$gte": self.since, "$lt": self.until}
        period = {operator: at for operator, at in made.items() if at is not None}
        return {**same, "created_at": period} if period else same


class Messages:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.aggregates = store.Aggregates(database, "messages", Message, carrier)

    def ensure_indexes(self) -> None:
        ensure_row_indexes(self.aggregates, "channel")
        messages = self.aggregates.collection
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        # `$gt`, since the planner does not see that a string has the type string.
        of_people = {"person": {"$gt": ""}}
        messages.create_index([("person", ASCENDING), *newest], name="by_person", partialFilterExpression=of_people)
        messages.create_index([("dossier", ASCENDING), *newest], name="by_dossier")
        messages.create_index([("state", ASCENDING), *newest], name="by_state")
        messages.create_index([("agency", ASCENDING), *newest], name="by_agency")
        messages.create_index([("template", ASCENDING), *newest], name="by_template")
        messages.create_index([("channel", ASCENDING), *newest], name="by_channel")
        messages.create_index(
            [("channel", ASCENDING), ("over_at", ASCENDING)], name="failed", partialFilterExpression={"state": "failed"}
        )
        messages.create_index(newest, name="newest")
        messages.create_index(
            [("receipt", ASCENDING)], name="by_receipt", partialFilterExpression={"receipt": {"$gt": ""}}
        )
        # Once it is in its digest, a message has no time any more, and is in neither of these.
        waits = {"state": "gathered", "next_at": {"$gt": _LONG_AGO}}
        messages.create_index([("next_at", ASCENDING)], name="gathered_due", partialFilterExpression=waits)
        messages.create_index(
            [("digest", ASCENDING), ("created_at", ASCENDING)], name="gathered_in", partialFilterExpression=waits
        )

    def rows(self, channel: Channel) -> Rows[Message]:
        """Those of one channel, for its courier."""
        return Rows(self.aggregates, {"channel": channel})

    def add(self, messages: Sequence[tuple[Message, Events]]) -> list[bool]:
        """Inserts them in one write; False where the message is there already."""
        refused = self.aggregates.add(
            [store.New(message.id, message, events, message.created_at, message.trace) for message, events in messages]
        )
        return [field is None for field in refused]

    def failed(self, channel: Channel, since: datetime, until: datetime, limit: int) -> list[store.Loaded[Message]]:
        """Those of a channel that failed in this time, the end excluded, the first ones first."""
        found = self.aggregates.collection.find(
            _failed(channel, {"$gte": since, "$lt": until}), {"outbox": 0, "doc_answers": 0}, limit=limit,
            sort=[("over_at", ASCENDING)], hint="failed",
        )  # fmt: skip
        return [self.aggregates.loaded(document) for document in found]

    def count_failed(self, channel: Channel, since: datetime) -> int:
        """How many failed since then, COUNTED_UP_TO at most."""
        wanted = _failed(channel, {"$gte": since})
        return self.aggregates.collection.count_documents(wanted, limit=COUNTED_UP_TO, hint="failed")

    def gathered_until(self, now: datetime, limit: int) -> list[store.Loaded[Message]]:
        """Those whose digest is due."""
        return self._gathered({"next_at": {"$gt": _LONG_AGO, "$lte": now}}, limit, "gathered_due", "next_at")

    def gathered_in(self, digest: str, limit: int) -> list[store.Loaded[Message]]:
        """Those that wait for this digest, the oldest first."""
        wanted: store.Document = {"digest": digest, "next_at": {"$gt": _LONG_AGO}}
        return self._gathered(wanted, limit, "gathered_in", "created_at")

    def _gathered(self, wanted: store.Document, limit: int, hint: str, order: str) -> list[store.Loaded[Message]]:
        found = self.aggregates.collection.find(
            {"state": "gathered", **wanted}, {"outbox": 0, "doc_answers": 0}, limit=limit,
            sort=[(order, ASCENDING)], hint=hint,
        )  # fmt: skip
        return [self.aggregates.loaded(document) for document in found]

    def of_receipts(self, receipts: Sequence[Receipt]) -> dict[str, store.Loaded[Message]]:
        """By receipt the message that it is of: the one whose key it says, or else the one that was taken under the
        provider's number."""
        ids = {receipt.id: message_of(receipt.key)[0] for receipt in receipts if receipt.key is not None}
        numbers = {receipt.id: receipt.reference for receipt in receipts if receipt.key is None and receipt.reference}
        by_id = self.aggregates.load_many(set(ids.values())) if ids else {}
        by_number: dict[str | None, list[store.Loaded[Message]]] = {}
        if numbers:
            found = self.aggregates.collection.find(
                {"receipt": {"$in": list(numbers.values()), "$gt": ""}}, {"outbox": 0, "doc_answers": 0},
                hint="by_receipt",
            )  # fmt: skip
            for document in found:
                loaded = self.aggregates.loaded(document)
                by_number.setdefault(loaded.state.receipt, []).append(loaded)
        of = {id: by_id[message] for id, message in ids.items() if message in by_id}
        for receipt in receipts:
            # Two providers may count alike.
            for loaded in by_number.get(numbers.get(receipt.id), ()):
                if any(attempt.via == receipt.provider for attempt in loaded.state.attempts):
                    of[receipt.id] = loaded
        return of

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Message]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        conditions = [wanted.condition()]
        if after is not None:
            at, id = after
            conditions.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]})
        found = self.aggregates.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.aggregates.loaded(document) for document in found]


def _failed(channel: Channel, over_at: store.Document) -> store.Document:
    return {"channel": channel, "state": "failed", "over_at": over_at}
