"""Rows of one kind that leave the province: which are due, and which were left by a worker that died."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING
from pymongo.errors import OperationFailure

from chassis import store
from notify.domain.deliveries import Delivery

D = TypeVar("D", bound=Delivery)
COUNTED_UP_TO = 10_000
"""A count costs as much as it counts; whether twenty thousand wait or thirty changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What of one kind has not left yet. `due_since`: of the row that is due first, which may be in the future."""

    queued: int
    sending: int
    due_since: datetime | None


class Rows(Generic[D]):
    """Of the aggregates of one collection those with the values `which`: a message's channel, a partner's name."""

    def __init__(self, aggregates: store.Aggregates[D], which: Mapping[str, Any]) -> None:
        self._aggregates = aggregates
        self._which = dict(which)

    def oldest_due(self, now: datetime) -> datetime | None:
        """Since when the longest waiting of the due rows is due."""
        found = self._aggregates.collection.find_one(
            self._due(now), {"next_at": 1}, sort=[("next_at", ASCENDING)], hint="due"
        )
        return None if found is None else found["next_at"]

    def due(self, now: datetime, limit: int) -> list[store.Loaded[D]]:
        """Queued rows whose time has come, the longest waiting first."""
        found = self._aggregates.collection.find(
            self._due(now), {"outbox": 0, "doc_answers": 0}, sort=[("next_at", ASCENDING)], limit=limit, hint="due"
        )
        return [self._aggregates.loaded(document) for document in found]

    def abandoned(self, now: datetime, limit: int) -> list[store.Loaded[D]]:
        """Rows whose sender did not say in time what became of them."""
        found = self._aggregates.collection.find(
            {**self._which, "state": "sending", "lease.until": {"$lt": now}},
            {"outbox": 0, "doc_answers": 0},
            limit=limit,
            hint="leased_of",
        )
        return [self._aggregates.loaded(document) for document in found]

    def backlog(self) -> Backlog:
        """How many wait and are being sent, COUNTED_UP_TO at most each, and when the first one is due."""
        count = self._aggregates.collection.count_documents
        queued, sending = {**self._which, "state": "queued"}, {**self._which, "state": "sending"}
        first = self._aggregates.collection.find_one(queued, {"next_at": 1}, sort=[("next_at", ASCENDING)], hint="due")
        return Backlog(
            queued=count(queued, limit=COUNTED_UP_TO, hint="due"),
            sending=count(sending, limit=COUNTED_UP_TO, hint="leased_of"),
            due_since=None if first is None else first["next_at"],
        )

    def save(self, changes: Sequence[store.Change[D]]) -> list[bool]:
        """False where somebody else was faster."""
        return self._aggregates.save(changes)

    def _due(self, now: datetime) -> store.Document:
        return {**self._which, "state": "queued", "next_at": {"$lte": now}}


def ensure_row_indexes(aggregates: store.Aggregates[D], *which: str) -> None:
    """`which`: the fields that `Rows` of this collection are told apart by.

    What is over is in neither of these, so a courier's poll costs the same at any size.
    """
    aggregates.ensure_indexes()
    aggregates.collection.create_index(
        [*((name, ASCENDING) for name in which), ("next_at", ASCENDING)],
        name="due",
        partialFilterExpression={"state": "queued"},
    )
    if "leased" in aggregates.collection.index_information():
        # Of the version before, which did not hold the rows apart: nothing asks it.
        with suppress(OperationFailure):
            aggregates.collection.drop_index("leased")
    aggregates.collection.create_index(
        [*((name, ASCENDING) for name in which), ("lease.until", ASCENDING)],
        name="leased_of",
        partialFilterExpression={"state": "sending"},
    )
