"""What a MongoDB server really did for the queries that a service sent: seen by the server's own profiler."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient


@dataclass(frozen=True, slots=True)
class Ran:
    """One operation. `plan` is the server's summary of the plan: `IXSCAN { agencies: 1, … }`, `COLLSCAN`, `IDHACK`."""

    collection: str
    command: dict[str, Any]
    plan: str
    sorted_in_memory: bool
    keys: int
    documents: int
    returned: int


@dataclass
class Watched:
    operations: list[Ran] = field(default_factory=list)

    def of(self, *collections: str) -> list[Ran]:
        return [ran for ran in self.operations if ran.collection in collections]


@contextmanager
def watched(client: MongoClient[dict[str, Any]], database: str) -> Iterator[Watched]:
    """Every query, update and command on the database, complete when the block has ended."""
    seen = Watched()
    client[database].command("profile", 0)
    client[database].drop_collection("system.profile")
    client[database].command("profile", 2)
    try:
        yield seen
    finally:
        client[database].command("profile", 0)
        for row in client[database]["system.profile"].find({"op": {"$in": ["query", "update", "command"]}}).sort("ts"):
            if "planSummary" in row:
                seen.operations.append(
                    Ran(
                        row["ns"].partition(".")[2],
                        row.get("command", {}),
                        row["planSummary"],
                        row.get("hasSortStage", False),
                        row.get("keysExamined", 0),
                        row.get("docsExamined", 0),
                        row.get("nreturned", 0),
                    )
                )
        client[database].drop_collection("system.profile")
