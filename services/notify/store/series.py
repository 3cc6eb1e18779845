"""What editors change: each version is a document that stays, and the newest one counts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from chassis.acts import key_of
from chassis.web import Call


class Version(Protocol):
    """`id` is `id_of(name, number)`."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...


V = TypeVar("V", bound=Version)


def id_of(name: str, number: int) -> str:
    return f"{name}:{number}"


class Series(Generic[V]):
    """Versions of the dataclass `kind`, a series for each name."""

    def __init__(
        self, database: Database[store.Document], collection: str, kind: type[V], carrier: store.Carrier
    ) -> None:
        self._aggregates: store.Aggregates[V] = store.Aggregates(database, collection, kind, carrier)

    def ensure_indexes(self) -> None:
        self._aggregates.ensure_indexes()
        self._aggregates.collection.create_index(
            [("name", ASCENDING), ("number", DESCENDING)], name="by_number", unique=True
        )

    def newest(self, name: str) -> V | None:
        return next(iter(self.page(name, None, 1)), None)

    def version(self, name: str, number: int) -> V | None:
        found = self._aggregates.load(id_of(name, number))
        return None if found is None else found.state

    def versions(self, ids: Iterable[str]) -> dict[str, V]:
        return {id: loaded.state for id, loaded in self._aggregates.load_many(ids).items()}

    def numbers(self) -> dict[str, int]:
        """The newest number of each series."""
        found = self._aggregates.collection.aggregate(
            [
                {"$sort": {"name": ASCENDING, "number": DESCENDING}},
                {"$group": {"_id": "$name", "number": {"$first": "$number"}}},
            ]
        )
        return {document["_id"]: document["number"] for document in found}

    def page(self, name: str, before: int | None, limit: int) -> list[V]:
        """The newest first, from behind the number `before`."""
        wanted: dict[str, Any] = {"name": name} if before is None else {"name": name, "number": {"$lt": before}}
        found = self._aggregates.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        found = found.sort([("number", DESCENDING)]).limit(limit)
        return [self._aggregates.loaded(document).state for document in found]

    def answered(self, name: str, call: Call) -> store.Loaded[V] | None:
        """The version that an earlier call with this key made."""
        if (key := key_of(call)) is None:
            return None
        found = self._aggregates.collection.find_one({"name": name, "doc_answers.key": key}, {"outbox": 0})
        return None if found is None else self._aggregates.loaded(found)

    def add(self, version: V, *, trace: str | None = None, answer: store.KeptAnswer | None = None) -> bool:
        """False when there is one with its number already."""
        new = store.New(version.id, version, (), version.at, trace, answer=answer)
        return self._aggregates.add([new])[0] is None
