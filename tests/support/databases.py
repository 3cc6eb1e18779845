"""Databases that tests use one after the other: emptied in between, with the indexes that the first one made and the
connections that the first one opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database

from chassis import store
from chassis.service import Parts

_INDEXED: set[str] = set()
_KEPT: dict[str, Database[store.Document] | None] = {}
"""By the address of a server that is there for the whole run: some database of it."""


def keep_connections(server_url: str) -> None:
    """From now on `connected` opens this server's connections once for the whole test process."""
    _KEPT.setdefault(_server(server_url), None)


def close_connections() -> None:
    for database in _KEPT.values():
        if database is not None:
            database.client.close()
    _KEPT.clear()


def connected(url: str) -> Database[store.Document]:
    """As `store.connect`. To connect, and to close it again, costs a test more than most requests do."""
    server = _server(url)
    if server not in _KEPT:
        return store.connect(url)
    kept = _KEPT[server]
    if kept is None:
        kept = _KEPT[server] = store.connect(url)
    name = url.rpartition("/")[2].partition("?")[0]
    return kept.client.get_database(name, kept.codec_options, kept.read_preference, kept.write_concern)


def disconnect(database: Database[store.Document]) -> None:
    """For who is done with what `connected` gave."""
    if all(kept is None or kept.client is not database.client for kept in _KEPT.values()):
        database.client.close()


def _server(url: str) -> str:
    return url.removeprefix("mongodb://").partition("/")[0]


def empty(client: MongoClient[dict[str, Any]], database: str) -> None:
    """Takes every document out of a database and leaves its indexes, which are what takes long to make."""
    names = [name for name in client[database].list_collection_names() if not name.startswith("system.")]
    full = _with_documents(client[database], names) if names else []
    for name in full:
        # Only the last deletion waits until a majority has it, and so has those before it.
        durable = WriteConcern("majority" if name == full[-1] else 1)
        client[database].get_collection(name, write_concern=durable).delete_many({})


def _with_documents(database: Database[dict[str, Any]], names: list[str]) -> list[str]:
    """Which of the collections are not empty, with one request: most are, after most tests."""

    def first(name: str) -> list[dict[str, Any]]:
        return [{"$limit": 1}, {"$project": {"_id": {"$literal": name}}}]

    others = [{"$unionWith": {"coll": name, "pipeline": first(name)}} for name in names[1:]]
    return [row["_id"] for row in database[names[0]].aggregate([*first(names[0]), *others])]


@contextmanager
def indexes_asked_for_once(prefix: str) -> Iterator[None]:
    """Within it, databases whose names begin with `prefix` are asked for an index once, and not each time that a
    service is assembled: notify asks for a hundred, which takes longer than most of its tests do."""
    asked: set[str] = set()
    create = Collection.create_index
    dropping = [
        (Collection, "drop"), (Collection, "drop_index"), (Collection, "drop_indexes"),
        (Database, "drop_collection"), (MongoClient, "drop_database"),
    ]  # fmt: skip

    def create_once(self: Collection[Any], keys: Any, *rest: Any, **options: Any) -> str:
        wanted = f"{self.full_name} {keys} {rest} {options}"
        if wanted in asked:
            return ""
        name = create(self, keys, *rest, **options)
        if self.full_name.startswith(prefix):
            asked.add(wanted)
        return name

    def forgetting(drop: Any) -> Any:
        def drop_and_forget(*given: Any, **options: Any) -> Any:
            asked.clear()
            return drop(*given, **options)

        return drop_and_forget

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Collection, "create_index", create_once)
        for owner, name in dropping:
            patch.setattr(owner, name, forgetting(getattr(owner, name)))
        yield


def indexed_once(parts: Parts, url: str) -> Parts:
    """The parts; only the first ones of this test process on the database of the URL make its indexes."""
    if url in _INDEXED:
        return replace(parts, ensure_indexes=lambda: None)
    _INDEXED.add(url)
    return parts
