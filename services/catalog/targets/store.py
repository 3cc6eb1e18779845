"""Targets in MongoDB: a document for each agency and year."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.events import TargetSet
from catalog.targets.domain import Targets
from chassis import store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTargets:
    """`id` is `<agency>/<year>`."""

    id: str
    targets: Targets
    changed_at: datetime
    changed_by: str


class AssignedTargets:
    def __init__(self, database: Any, carrier: store.Carrier) -> None:
        self.targets = store.Aggregates(database, "targets", StoredTargets, carrier)

    def ensure_indexes(self) -> None:
        self.targets.ensure_indexes()
        self.targets.collection.create_index([("targets.year", 1), ("targets.agency", 1)], name="year")

    def page(self, year: int, after: str, limit: int) -> list[store.Loaded[StoredTargets]]:
        """The targets of a year behind the agency `after`, by agency."""
        wanted = {"targets.year": year, "targets.agency": {"$gt": after}}
        found = self.targets.collection.find(wanted, {"outbox": 0, "doc_answers": 0})
        return [self.targets.loaded(each) for each in found.sort("targets.agency", 1).limit(limit)]


def id_of(agency: str, year: int) -> str:
    return f"{agency}/{year}"


def told_of(targets: Targets) -> TargetSet:
    """The event that says what is assigned now."""
    return TargetSet(
        agency=targets.agency,
        year=targets.year,
        decision=targets.decision,
        indicators=dict(targets.indicators),
        demands=dict(targets.demands),
    )
