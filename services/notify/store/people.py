"""How people want to be told: their preferences, and which addresses want less."""

from collections.abc import Iterable

from pymongo import ASCENDING
from pymongo.database import Database

from chassis import store
from notify.domain.preferences import OptOut, Preferences


class People:
    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.preferences = store.Aggregates(database, "preferences", Preferences, carrier)
        self.opt_outs = store.Aggregates(database, "opt_outs", OptOut, carrier)

    def ensure_indexes(self) -> None:
        self.preferences.ensure_indexes()
        self.opt_outs.ensure_indexes()
        self.preferences.collection.create_index(
            [("link.code", ASCENDING)], name="by_link", unique=True, partialFilterExpression={"link.code": {"$gt": ""}}
        )

    def of_persons(self, ids: Iterable[str]) -> dict[str, Preferences]:
        return {id: loaded.state for id, loaded in self.preferences.load_many(ids).items()}

    def of_addresses(self, ids: Iterable[str]) -> dict[str, OptOut]:
        return {id: loaded.state for id, loaded in self.opt_outs.load_many(ids).items()}

    def with_link(self, code: str) -> store.Loaded[Preferences] | None:
        """Whoever was given this code for linking a chat account."""
        found = self.preferences.collection.find_one({"link.code": code}, {"outbox": 0})
        return None if found is None else self.preferences.loaded(found)
