"""stats' collections.

- `events` and `log`: the archive, and what each batch of it changed.
- `facts_<g>`, `years_<g>`, `procedures_<g>`, `months_<g>`, `later_<g>`: generation g of the projection; `projection`
  says which generation is current.
- `agencies`, `procedures`, `targets`, `essentials`, `calendars`: copies of catalog's.
- `feed`, `feed_cursors`: what monitoring systems follow.
"""

from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database

from chassis.store import Document
from stats.store.agencies import Agencies
from stats.store.archive import Archive
from stats.store.catalogue import Catalogue
from stats.store.changes import Changes
from stats.store.feed import Feed
from stats.store.log import Log
from stats.store.projection import COLLECTIONS, Projection
from stats.store.upgrading import Upgrading


class StatsStore:
    def __init__(self, database: Database[Document]) -> None:
        self.database = database
        self.archive = Archive(database)
        self.log = Log(database)
        self.agencies = Agencies(database)
        self.catalogue = Catalogue(database)
        self.feed = Feed(database)
        self.changes = Changes(self.log)
        self.upgrading = Upgrading(database)
        self._pointer: Collection[Document] = database["projection"]

    def ensure_indexes(self) -> None:
        self.catalogue.ensure_indexes()
        self.archive.ensure_indexes()
        self.current().ensure_indexes()
        self.feed.ensure_indexes()

    def current(self) -> "Projection":
        return Projection(self.database, self.generation())

    def gather(self) -> bool:
        """See `Later.gather`."""
        return self.current().later.gather()

    def generation(self) -> int:
        return self.log.generation()

    def new_generation(self) -> "Projection":
        """An empty projection beside the current one, to be filled before it gets all its indexes. What earlier
        rebuilds left is dropped; one that still runs will fail."""
        drawn: Any = self._pointer.find_one_and_update(
            {"_id": "current"}, {"$inc": {"drawn": 1}, "$setOnInsert": {"generation": 0}},
            upsert=True, return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        for name in self.database.list_collection_names():
            kind, _, generation = name.partition("_")
            if (
                kind in COLLECTIONS
                and generation.isdigit()
                and int(generation) not in (drawn["generation"], drawn["drawn"])
            ):
                self.database.drop_collection(name)
        projection = Projection(self.database, drawn["drawn"])
        projection.ensure_indexes(listed=False)
        return projection
