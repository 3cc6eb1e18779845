"""notify's MongoDB: the messages, whom to tell about which dossier, and the agencies' addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from notify.domain import Channel, Contact, Events, Message, Office, State

_CONTACT: TypeAdapter[Contact] = TypeAdapter(Contact)
_OFFICE: TypeAdapter[Office] = TypeAdapter(Office)


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


class NotifyStore:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.messages = store.Aggregates(database, "messages", Message, carrier)
        self._contacts = store.Copies(database, "contacts")
        self._offices = store.Copies(database, "agencies")

    def ensure_indexes(self) -> None:
        self.messages.ensure_indexes()
        messages = self.messages.collection
        # What is over is in neither of these two, so a sender's poll costs the same at any size.
        messages.create_index(
            [("channel", ASCENDING), ("next_at", ASCENDING)], name="due", partialFilterExpression={"state": "queued"}
        )
        messages.create_index([("lease.until", ASCENDING)], name="leased", partialFilterExpression={"state": "sending"})
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        # `$gt`, since the planner does not see that a string has the type string.
        of_people = {"person": {"$gt": ""}}
        messages.create_index([("person", ASCENDING), *newest], name="by_person", partialFilterExpression=of_people)
        messages.create_index([("dossier", ASCENDING), *newest], name="by_dossier")
        messages.create_index([("state", ASCENDING), *newest], name="by_state")
        messages.create_index(newest, name="newest")

    # -- contacts ------------------------------------------------------------------------------------------------------

    def put_contacts(self, items: Sequence[tuple[str, int, Contact]]) -> None:
        """(dossier, intake's sequence, contact) each; the newest one stays."""
        self._contacts.put([(dossier, sequence, _CONTACT.dump_python(contact)) for dossier, sequence, contact in items])

    def contacts(self, dossiers: Iterable[str]) -> dict[str, Contact]:
        found = self._contacts.collection.find({"_id": {"$in": list(dossiers)}})
        return {document["_id"]: _CONTACT.validate_python(document) for document in found}

    def put_offices(self, items: Sequence[tuple[int, Office]]) -> list[bool]:
        """With catalog's sequence each; False where the copy was as new already."""
        return self._offices.put([(office.id, sequence, _OFFICE.dump_python(office)) for sequence, office in items])

    def offices(self, ids: Iterable[str]) -> dict[str, Office]:
        found = self._offices.collection.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: _OFFICE.validate_python(document) for document in found}

    # -- messages ------------------------------------------------------------------------------------------------------

    def add(self, messages: Sequence[tuple[Message, Events]]) -> list[bool]:
        """Inserts them in one write; False where the message is there already."""
        refused = self.messages.add(
            [store.New(message.id, message, events, message.created_at, message.trace) for message, events in messages]
        )
        return [field is None for field in refused]

    def oldest_due(self, channel: Channel, now: datetime) -> datetime | None:
        """Since when the longest waiting of the due messages is due."""
        found = self.messages.collection.find_one(
            {"channel": channel, "state": "queued", "next_at": {"$lte": now}},
            {"next_at": 1}, sort=[("next_at", ASCENDING)], hint="due",
        )  # fmt: skip
        return None if found is None else found["next_at"]

    def due(self, channel: Channel, now: datetime, limit: int) -> list[store.Loaded[Message]]:
        """Queued messages whose time has come, the longest waiting first."""
        found = self.messages.collection.find(
            {"channel": channel, "state": "queued", "next_at": {"$lte": now}},
            {"outbox": 0, "doc_answers": 0}, sort=[("next_at", ASCENDING)], limit=limit, hint="due",
        )  # fmt: skip
        return [self.messages.loaded(document) for document in found]

    def abandoned(self, now: datetime, limit: int) -> list[store.Loaded[Message]]:
        """Messages whose sender did not say in time what became of them."""
        found = self.messages.collection.find(
            {"state": "sending", "lease.until": {"$lt": now}},
            {"outbox": 0, "doc_answers": 0},
            limit=limit,
            hint="leased",
        )
        return [self.messages.loaded(document) for document in found]

    def page(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[store.Loaded[Message]]:
        """Newest first, behind the one created at `after[0]` with the id `after[1]`."""
        conditions = [wanted.condition()]
        if after is not None:
            at, id = after
            conditions.append({"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": id}}]})
        found = self.messages.collection.find({"$and": conditions}, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [self.messages.loaded(document) for document in found]
