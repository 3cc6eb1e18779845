"""stats' collections. Everything that two processes could write carries a version, and a write that lost says so by
failing.

- `events` and `log`: the archive.
- `facts_<g>`, `cells_<g>`: generation g of the projection; `projection` says which generation is current.
- `agencies`: a copy of catalog's.
"""

from typing import Any

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database

from chassis.store import Document
from stats.store.agencies import Agencies
from stats.store.archive import Archive
from stats.store.overtaking import Overtaken
from stats.store.projection import Projection


class StatsStore:
    def __init__(self, database: Database[Document]) -> None:
        self.database = database
        self.archive = Archive(database)
        self.agencies = Agencies(database)
        self._pointer: Collection[Document] = database["projection"]

    def ensure_indexes(self) -> None:
        self.current().ensure_indexes()

    def current(self) -> "Projection":
        return Projection(self.database, self.generation())

    def generation(self) -> int:
        found = self._pointer.find_one({"_id": "current"})
        return 0 if found is None else int(found["generation"])

    def new_generation(self) -> "Projection":
        """An empty projection beside the current one. What earlier rebuilds left is dropped; one that still runs will
        fail."""
        drawn: Any = self._pointer.find_one_and_update(
            {"_id": "current"}, {"$inc": {"drawn": 1}, "$setOnInsert": {"generation": 0}},
            upsert=True, return_document=ReturnDocument.AFTER,
        )  # fmt: skip
        for name in self.database.list_collection_names():
            kind, _, generation = name.partition("_")
            if (
                kind in ("facts", "cells")
                and generation.isdigit()
                and int(generation) not in (drawn["generation"], drawn["drawn"])
            ):
                self.database.drop_collection(name)
        projection = Projection(self.database, drawn["drawn"])
        projection.ensure_indexes()
        return projection

    def make_current(self, projection: "Projection", cursor: int) -> None:
        """Switches to a projection that holds the log up to `cursor`; `unfinished` says so until `finish`.

        Overtaken when another rebuild has begun since.
        """
        mine = {"_id": "current", "drawn": projection.generation}
        switch = {"$set": {"generation": projection.generation, "replay_after": cursor}}
        if not self._pointer.update_one(mine, switch).matched_count:
            raise Overtaken("the rebuild")

    def unfinished(self) -> "tuple[Projection, int] | None":
        """The current projection, and the row of the log after which it may lack what went into the one before."""
        found = self._pointer.find_one({"_id": "current"})
        if found is None or "replay_after" not in found:
            return None
        return Projection(self.database, found["generation"]), found["replay_after"]

    def finish(self, projection: "Projection") -> None:
        """Everything that the projection lacked was replayed."""
        mine = {"_id": "current", "generation": projection.generation}
        self._pointer.update_one(mine, {"$unset": {"replay_after": ""}})
