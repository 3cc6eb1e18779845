"""Databases that tests use one after the other: emptied in between, with the indexes that the first one made."""

from dataclasses import replace
from typing import Any

from pymongo import MongoClient

from chassis.service import Parts

_INDEXED: set[str] = set()


def empty(client: MongoClient[dict[str, Any]], database: str) -> None:
    """Takes every document out of a database and leaves its indexes, which are what takes long to make."""
    for name in client[database].list_collection_names():
        if not name.startswith("system."):
            client[database][name].delete_many({})


def indexed_once(parts: Parts, url: str) -> Parts:
    """The parts; only the first ones of this test process on the database of the URL make its indexes."""
    if url in _INDEXED:
        return replace(parts, ensure_indexes=lambda: None)
    _INDEXED.add(url)
    return parts
