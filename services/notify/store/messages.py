"""The messages."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.deliveries import State
from notify.domain.messages import Events, Message
from notify.domain.telling import Channel
from notify.store.rows import Rows, ensure_row_indexes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter over messages. `person`: only what was told to this subject; None means everybody's."""

    person: str | None = None
    dossier: str | None = None
    state: State | None = None
    channel: Channel | None = None

    def condition(self) -> store.Document:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}


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
        messages.create_index(newest, name="newest")

    def rows(self, channel: Channel) -> Rows[Message]:
        """Those of one channel, for its courier."""
        return Rows(self.aggregates, {"channel": channel})

    def add(self, messages: Sequence[tuple[Message, Events]]) -> list[bool]:
        """Inserts them in one write; False where the message is there already."""
        refused = self.aggregates.add(
            [store.New(message.id, message, events, message.created_at, message.trace) for message, events in messages]
        )
        return [field is None for field in refused]

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Message]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        conditions = [wanted.condition()]
        if after is not None:
            at, id = after
            conditions.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]})
        found = self.aggregates.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.aggregates.loaded(document) for document in found]
