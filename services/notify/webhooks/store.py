"""Webhooks, their rows, and the log of events that can be told again, in notify's MongoDB."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, DESCENDING, UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chassis import store
from notify.store.rows import COUNTED_UP_TO, Backlog, Rows, ensure_row_indexes
from notify.webhooks.domain import HookRow, Logged, Replay, Said, Webhook

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LOGGED: TypeAdapter[Logged] = TypeAdapter(Logged)
_THERE: store.Document = {"state": {"$in": ["active", "disabled"]}}
_NEWEST = [("created_at", DESCENDING), ("_id", DESCENDING)]
RACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Of a webhook to which nothing came through lately: since when, how often, and until when it is left alone."""

    failing_since: datetime
    failures: int
    paused_until: datetime


class HookRows(Rows[HookRow]):
    """One webhook's rows for its courier. `said`: by row, what the receiver answered, kept with the row. `oldest`:
    since when the longest waiting of all webhooks' rows is due, for the metric that they share."""

    def __init__(
        self, aggregates: store.Aggregates[HookRow], webhook: str, said: dict[str, Said], oldest: datetime | None
    ) -> None:
        super().__init__(aggregates, {"webhook": webhook})
        self._said = said
        self._oldest = oldest

    def oldest_due(self, now: datetime) -> datetime | None:
        own = super().oldest_due(now)
        return own if own is None or self._oldest is None else min(own, self._oldest)

    def save(self, changes: Sequence[store.Change[HookRow]]) -> list[bool]:
        return super().save(
            [
                replace(each, state=replace(each.state, said=self._said[each.state.id]))
                if each.state.id in self._said
                else each
                for each in changes
            ]
        )


class WebhookStore:
    """Everything that is kept of webhooks."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.hooks = store.Aggregates(database, "webhooks", Webhook, carrier)
        self.rows = store.Aggregates(database, "webhook_rows", HookRow, carrier)
        self.replays = store.Aggregates(database, "webhook_replays", Replay, carrier)
        self._log: Collection[store.Document] = database["webhook_events"]
        self._dossiers: Collection[store.Document] = database["webhook_dossiers"]
        # What is lost of it is found again by the next attempt.
        self._health = database.get_collection("webhook_health", write_concern=WriteConcern(w=1))

    def ensure_indexes(self) -> None:
        hooks, rows, replays = self.hooks.collection, self.rows.collection, self.replays.collection
        hooks.create_index([("agency", ASCENDING), *_NEWEST], name="by_agency")
        hooks.create_index([("owner", ASCENDING), *_NEWEST], name="by_owner")
        hooks.create_index(_NEWEST, name="newest")
        hooks.create_index(
            [("disabled.at", ASCENDING)], name="untold", partialFilterExpression={"disabled.told": False}
        )
        ensure_row_indexes(self.rows, "webhook")
        rows.create_index([("webhook", ASCENDING), *_NEWEST], name="by_webhook")
        rows.create_index([("webhook", ASCENDING), ("state", ASCENDING), *_NEWEST], name="by_state")
        rows.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)
        replays.create_index(
            [("requested_at", ASCENDING)], name="waiting", partialFilterExpression={"state": "waiting"}
        )
        self._log.create_index([("at", ASCENDING), ("_id", ASCENDING)], name="in_order")
        self._log.create_index([("agencies", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)], name="of_agency")
        self._log.create_index([("expires_at", ASCENDING)], name="expires", expireAfterSeconds=0)

    # -- webhooks ------------------------------------------------------------------------------------------------------

    def all_hooks(self) -> list[Webhook]:
        """Every one that is not removed."""
        found = self.hooks.collection.find(_THERE, {"outbox": 0, "doc_answers": 0}, hint="newest")
        return [self.hooks.loaded(document).state for document in found]

    def page(
        self, wanted: Mapping[str, str | None], after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[Webhook]]:
        """`wanted`: `agency`, `owner`, or nothing for everybody's; the newest first."""
        return _page(self.hooks, {**_THERE, **wanted}, after, limit)

    def count(self, agency: str | None, limit: int) -> int:
        return self.hooks.collection.count_documents({**_THERE, "agency": agency}, limit=limit, hint="by_agency")

    def states(self) -> dict[str, int]:
        """How many webhooks are active, and how many are disabled."""
        count = self.hooks.collection.count_documents
        return {state: count({"state": state}, limit=COUNTED_UP_TO) for state in ("active", "disabled")}

    def untold(self, limit: int) -> list[store.Loaded[Webhook]]:
        """Those that were disabled, of which nobody knows yet."""
        found = self.hooks.collection.find(
            {"disabled.told": False}, {"outbox": 0}, sort=[("disabled.at", ASCENDING)], limit=limit, hint="untold"
        )
        return [self.hooks.loaded(document) for document in found]

    def change(self, id: str, decide: Callable[[Webhook], Webhook], at: datetime) -> bool:
        """False when nothing was to be changed."""
        for _ in range(RACES):
            loaded = self.hooks.load(id)
            if loaded is None or (state := decide(loaded.state)) == loaded.state:
                return False
            if self.hooks.save([store.Change(loaded, state, (), at)])[0]:
                return True
        return False

    # -- health --------------------------------------------------------------------------------------------------------

    def health(self, ids: Iterable[str]) -> dict[str, Health]:
        found = self._health.find({"_id": {"$in": list(ids)}})
        return {
            each["_id"]: Health(
                failing_since=each["failing_since"], failures=each["failures"], paused_until=each["paused_until"]
            )
            for each in found
        }

    def note_failure(self, id: str, at: datetime, paused_until: datetime) -> datetime:
        """Since when it has been failing."""
        self._health.update_one(
            {"_id": id},
            {"$min": {"failing_since": at}, "$inc": {"failures": 1}, "$set": {"paused_until": paused_until}},
            upsert=True,
        )
        found = self._health.find_one({"_id": id})
        return at if found is None else found["failing_since"]

    def note_success(self, id: str) -> None:
        self._health.delete_one({"_id": id})

    # -- rows ----------------------------------------------------------------------------------------------------------

    def waiting(self) -> list[tuple[str, datetime]]:
        """Webhooks that rows wait for, with when the first is due; one look-up each, however many rows there are."""
        found: list[tuple[str, datetime]] = []
        last = ""
        while True:
            first = self.rows.collection.find_one(
                {"state": "queued", "webhook": {"$gt": last}}, {"webhook": 1, "next_at": 1},
                sort=[("webhook", ASCENDING), ("next_at", ASCENDING)], hint="due",
            )  # fmt: skip
            if first is None:
                return found
            last = first["webhook"]
            found.append((last, first["next_at"]))

    def abandoned(self, now: datetime) -> list[str]:
        """Webhooks with rows whose sender did not say in time what became of them."""
        found = self.rows.collection.find(
            {"state": "sending", "lease.until": {"$lt": now}}, {"webhook": 1}, limit=1000, hint="leased_of"
        )
        return list(dict.fromkeys(each["webhook"] for each in found))

    def forget_queued(self, webhook: str) -> None:
        """Of a webhook that was removed."""
        self.rows.collection.delete_many({"state": "queued", "webhook": webhook})

    def backlog(self, active: Iterable[str]) -> Backlog:
        """Of the rows of these webhooks."""
        ids = list(active)
        of = {"webhook": {"$in": ids}}
        first = min((at for webhook, at in self.waiting() if webhook in ids), default=None)
        count = self.rows.collection.count_documents
        return Backlog(
            queued=count({**of, "state": "queued"}, limit=COUNTED_UP_TO, hint="due"),
            sending=count({**of, "state": "sending"}, limit=COUNTED_UP_TO, hint="leased_of"),
            due_since=first,
        )

    def rows_page(
        self, webhook: str, state: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[HookRow]]:
        """The newest first."""
        wanted: store.Document = {"webhook": webhook} if state is None else {"webhook": webhook, "state": state}
        return _page(self.rows, wanted, after, limit)

    # -- events --------------------------------------------------------------------------------------------------------

    def learn(self, named: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
        """By dossier, its agencies that are known with those that are `named` now. One read, and one write at most."""
        found = self._dossiers.find({"_id": {"$in": list(named)}})
        known = {each["_id"]: set(each["agencies"]) for each in found}
        new = {dossier: set(agencies) - known.get(dossier, set()) for dossier, agencies in named.items()}
        updates = [
            UpdateOne({"_id": dossier}, {"$addToSet": {"agencies": {"$each": sorted(agencies)}}}, upsert=True)
            for dossier, agencies in new.items()
            if agencies
        ]
        if updates:
            self._dossiers.bulk_write(updates, ordered=False)
        return {dossier: known.get(dossier, set()) | new[dossier] for dossier in named}

    def log(self, events: Sequence[Logged]) -> list[bool]:
        """False for what is there already. One write."""
        if not events:
            return []
        documents = [_document(each) for each in events]
        known: dict[int, str] = {}
        try:
            self._log.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            known = store.duplicates(error)
        return [n not in known for n in range(len(events))]

    def logged(self, replay: Replay, agency: str | None, types: Sequence[str], limit: int) -> list[Logged]:
        """What comes next of a replay, in the order in which it came. `agency` None: of all."""
        wanted: store.Document = {"at": {"$gte": replay.since, "$lt": replay.until}, "type": {"$in": list(types)}}
        if replay.last_at is not None:
            wanted["at"] = {"$gte": replay.last_at, "$lt": replay.until}
            wanted["$or"] = [{"at": {"$gt": replay.last_at}}, {"_id": {"$gt": replay.last_event}}]
        if agency is not None:
            wanted["agencies"] = agency
        found = self._log.find(wanted, limit=limit, hint="in_order" if agency is None else "of_agency")
        found = found.sort([("at", ASCENDING), ("_id", ASCENDING)])
        return [_LOGGED.validate_python({**each, "id": each["_id"]}) for each in found]

    def waiting_replay(self) -> store.Loaded[Replay] | None:
        """The one that was asked for first of those that are not done."""
        found = self.replays.collection.find_one(
            {"state": "waiting"}, {"doc_answers": 0}, sort=[("requested_at", ASCENDING)], hint="waiting"
        )
        return None if found is None else self.replays.loaded(found)


def _document(event: Logged) -> store.Document:
    document: store.Document = _LOGGED.dump_python(event)
    return {"_id": document.pop("id"), **document}


def _page(
    aggregates: store.Aggregates[Any], wanted: store.Document, after: tuple[datetime, str] | None, limit: int
) -> list[Any]:
    if after is not None:
        at, id = after
        wanted = {**wanted, "created_at": {"$lte": at}, "$or": [{"created_at": {"$lt": at}}, {"_id": {"$lt": id}}]}
    found = aggregates.collection.find(wanted, {"outbox": 0, "doc_answers": 0}).sort(_NEWEST).limit(limit)
    return [aggregates.loaded(document) for document in found]
