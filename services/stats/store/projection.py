"""The projection: facts of dossiers, and the cells in which they count."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from pydantic import TypeAdapter
from pymongo import ASCENDING, ReplaceOne, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from chassis.store import Document, duplicates
from stats.domain.cells import MEASURES, Cell, Measure, tally
from stats.domain.facts import Fact, days, merge, pauses
from stats.store.overtaking import ATTEMPTS, Overtaken

DIMENSIONS = ("agency", "field", "procedure", "channel", "service_level")
_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


@dataclass(frozen=True, slots=True)
class Open:
    """Dossiers that were received and neither finished nor stopped nor withdrawn: how many, how many of them are past
    their due day, how many wait for a supplement, and for how many the clock stands still for another reason."""

    total: int
    overdue: int
    supplement: int
    paused: int


Key = tuple[Any, ...]


class Projection:
    """The facts and cells of one generation.

    Counts are right without transactions, whatever is delivered again and however many processes write at once:

    - A fact is read, merged and written only if its version is still the one that was read; who lost reads and merges
      again. With it are stored the cells that it counts in, and those that it ever counted in. After a crash between
      the fact and its cells, the event comes again, the archive knows it, and so all of these are recounted.
    - A cell is written by reading its version *first*, then counting the facts that are in it, then writing only if
      the version is still that one; who lost begins again at the version. Every write raises the version, also one of
      the same value.

    Claim: when every event has been acknowledged, each cell equals a count of its facts. Let W be a cell's last
    accepted write and suppose that a fact was changed after W counted. Whoever changed it reads the cell's version
    after that, and does not acknowledge before a write V of its own is accepted. V before W: V changed the version
    after W had read it, so W would have been refused. V after W: W was not the last. Either way a contradiction. A
    process that dies before V did not acknowledge, and whoever gets the event again writes V, since the archive had it.

    So no process needs to know whether it is the only one, and a stalled one cannot do harm when it wakes up.
    """

    def __init__(self, database: Database[Document], generation: int) -> None:
        self.generation = generation
        self.facts: Collection[Document] = database[f"facts_{generation}"]
        self.cells: Collection[Document] = database[f"cells_{generation}"]

    def ensure_indexes(self) -> None:
        self.facts.create_index([("counts.cell", ASCENDING)], name="cell")
        # Days are few, so with one in front the server jumps from day to day and looks at hardly more than what it
        # finds.
        self.facts.create_index([("finished_on", ASCENDING), ("received_on", ASCENDING)], name="open")
        self.facts.create_index(
            [(f"{what}_on", ASCENDING) for what in ("received", "refused", "filed")],
            name="waiting",
            partialFilterExpression={"channel": "online"},
        )
        self.cells.create_index([("day", ASCENDING), ("agency", ASCENDING)], name="day")

    def merge(self, said: Mapping[str, Fact], again: AbstractSet[str] = frozenset()) -> set[str]:
        """Merges what events said of dossiers into the facts; the ids of the cells to be recounted.

        These are the cells in which a fact now counts otherwise than before; all cells of the dossiers in `again`, of
        which some event came again: whoever merged it may have died before they were recounted.
        """
        cells: set[str] = set()
        pending = list(said)
        for _ in range(ATTEMPTS):
            stored = {document["_id"]: document for document in self.facts.find({"_id": {"$in": pending}})}
            replacements: list[ReplaceOne[Document]] = []
            written: list[tuple[str, set[str]]] = []
            for dossier in pending:
                document = stored.get(dossier, _UNKNOWN)
                counts = {item["cell"]: item["as"] for item in document["counts"]}
                before = Fact() if document is _UNKNOWN else _FACT.validate_python(document["said"])
                fact = merge(before, said[dossier])
                if dossier in again:
                    cells.update(counts)
                if fact == before:
                    continue
                row = _row(dossier, document["version"] + 1, fact, counts)
                changed = {item["cell"] for item in row["counts"] if item["as"] != counts.get(item["cell"])}
                written.append((dossier, changed))
                # As with chassis' aggregates, the upsert of a version that has passed collides with the `_id`.
                replacements.append(ReplaceOne({"_id": dossier, "version": document["version"]}, row, upsert=True))
            lost = set(_write(self.facts, replacements))
            cells.update(*(changed for n, (_, changed) in enumerate(written) if n not in lost))
            pending = [written[n][0] for n in sorted(lost)]
            if not pending:
                return cells
        raise Overtaken("facts")

    def recount(self, cells: Iterable[str]) -> None:
        """Makes these cells equal the facts."""
        pending = sorted(set(cells))
        for _ in range(ATTEMPTS):
            if not pending:
                return
            versions = {
                row["_id"]: row["version"] for row in self.cells.find({"_id": {"$in": pending}}, {"version": 1})
            }
            counted = self.count(pending)
            updates = [_cell_update(id, versions.get(id, 0), counted.get(id, {})) for id in pending]
            pending = [pending[n] for n in _write(self.cells, updates)]
        if pending:
            raise Overtaken("cells")

    def count(self, cells: Sequence[str]) -> dict[str, dict[Measure, int]]:
        """How many facts count in each of these cells, by what they count as."""
        counted: dict[str, dict[Measure, int]] = {}
        for row in self.facts.aggregate(counting(cells), hint="cell"):
            counted.setdefault(row["_id"]["cell"], {})[row["_id"]["as"]] = row["count"]
        return counted

    # -- what is asked of it --

    def flows(
        self, start: date, end: date, by: Sequence[str], agencies: Sequence[str] | None
    ) -> dict[Key, dict[str, int]]:
        """By the values of `by`: the measures of the days [start, end), received and digitised by channel as well."""
        rows = self.cells.aggregate(flowing(start, end, by, agencies))
        return {_key(row, by): {name: value for name, value in row.items() if name != "_id"} for row in rows}

    def open_at(
        self, day: date, overdue_on: date, by: Sequence[str], agencies: Sequence[str] | None
    ) -> dict[Key, Open]:
        """What is open when `day` begins, and overdue: it was due before the day `overdue_on`, and before the clock
        stood still. By the values of `by`."""
        rows = self.facts.aggregate(being_open(day, overdue_on, by, agencies), hint="open")
        return {_key(row, by): Open(*(row[f.name] for f in fields(Open))) for row in rows}

    def waiting_at(self, day: date, by: Sequence[str], agencies: Sequence[str] | None) -> dict[Key, int]:
        """Filed online and neither received nor refused nor withdrawn when `day` begins. By the values of `by`."""
        rows = self.facts.aggregate(waiting(day, by, agencies), hint="waiting")
        return {_key(row, by): row["total"] for row in rows}

    def months(self) -> Iterator[tuple[Key, dict[str, int]]]:
        """(agency, procedure, channel, service_level, month) and the month's measures, where any is not 0."""
        by = ("agency", "procedure", "channel", "service_level", "month")
        for row in self.cells.aggregate(
            [{"$group": {"_id": _group(by), **{m: {"$sum": f"${m}"} for m in MEASURES}}}], allowDiskUse=True
        ):
            measures: dict[str, int] = {measure: row[measure] for measure in MEASURES if row[measure]}
            if measures:
                yield _key(row, by), measures

    def now(self, today: date) -> Iterator[tuple[Key, dict[str, int]]]:
        """(agency, procedure, channel, service_level, "") and what is open and waiting there now, where any is."""
        by = ("agency", "procedure", "channel", "service_level")
        waits = self.waiting_at(date.max, by, None)
        opens = self.open_at(date.max, today, by, None)
        for key in {**waits, **opens}:
            there = opens.get(key)
            stocks = {"waiting": waits.get(key, 0)}
            if there is not None:
                stocks |= {"open": there.total} | {f.name: getattr(there, f.name) for f in fields(Open)[1:]}
            yield (*key, ""), {name: count for name, count in stocks.items() if count}

    def first_day(self) -> date | None:
        """The first day on which anything was counted."""
        found = self.cells.find_one({}, {"day": 1}, sort=[("day", ASCENDING)])
        return None if found is None else date.fromisoformat(found["day"])


_UNKNOWN: Document = {"version": 0, "counts": []}
_NOTHING: Document = dict.fromkeys(MEASURES, 0)


def _row(dossier: str, version: int, fact: Fact, known_cells: Iterable[str]) -> Document:
    on, dimensions = days(fact), fact.dimensions
    counts = {cell.id: measures for cell, measures in tally(dossier, fact).items()}
    return {
        "_id": dossier,
        "version": version,
        "said": _FACT.dump_python(fact),
        **{name: getattr(dimensions, name, None) for name in DIMENSIONS},
        **{
            f"{name}_on": getattr(on, name)
            for name in ("filed", "received", "refused", "withdrawn", "finished", "stopped", "due", "held")
        },
        "pauses": [{"kind": pause.kind, "from": pause.begin, "to": pause.end} for pause in pauses(fact)],
        "counts": [{"cell": cell, "as": list(counts.get(cell, ()))} for cell in dict.fromkeys([*known_cells, *counts])],
    }


def _cell_update(id: str, version: int, counted: Mapping[Measure, int]) -> UpdateOne:
    cell = Cell.of_id(id)
    place = {**{name: getattr(cell, name) for name in DIMENSIONS}, "day": cell.day}
    values = _NOTHING | {**counted} | {"version": version + 1}
    return UpdateOne({"_id": id, "version": version}, {"$set": values, "$setOnInsert": place}, upsert=True)


def _write(collection: Collection[Document], operations: Sequence[Any]) -> list[int]:
    """The positions of those that somebody else had overtaken."""
    if not operations:
        return []
    try:
        collection.bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        return sorted(duplicates(error))
    return []


def counting(cells: Sequence[str]) -> list[Document]:
    these = {"counts.cell": {"$in": list(cells)}}
    return [
        {"$match": these},
        {"$project": {"_id": 0, "counts": 1}},
        {"$unwind": "$counts"},
        {"$match": these},
        {"$unwind": "$counts.as"},
        {"$group": {"_id": {"cell": "$counts.cell", "as": "$counts.as"}, "count": {"$sum": 1}}},
    ]


def flowing(start: date, end: date, by: Sequence[str], agencies: Sequence[str] | None) -> list[Document]:
    sums: Document = {measure: {"$sum": f"${measure}"} for measure in MEASURES}
    for channel in ("online", "counter", "post"):
        sums[f"received_{channel}"] = {"$sum": {"$cond": [{"$eq": ["$channel", channel]}, "$received", 0]}}
    within = {"day": {"$gte": start.isoformat(), "$lt": end.isoformat()}}
    return [{"$match": {**within, **_of(agencies)}}, {"$group": {"_id": _group(by), **sums}}]


def being_open(day: date, overdue_on: date, by: Sequence[str], agencies: Sequence[str] | None) -> list[Document]:
    still = {f"{end}_on": _not_before(day) for end in ("finished", "stopped", "withdrawn")}
    # A clock that stands still since before the due day does not pass it: its end moves the due date.
    held = {"$and": [{"$gt": ["$held_on", None]}, {"$lte": ["$held_on", "$due_on"]}]}
    late = {
        "$and": [{"$gt": ["$due_on", None]}, {"$lt": ["$due_on", overdue_on.isoformat()]}, {"$not": [held]}],
    }  # fmt: skip
    what = {"overdue": late, "supplement": _paused(day, ["supplement"]), "paused": _paused(day, ["fee", "other"])}
    sums = {name: {"$sum": {"$cond": [condition, 1, 0]}} for name, condition in what.items()}
    return [
        {"$match": {**still, "received_on": {"$lt": day.isoformat()}, **_of(agencies)}},
        {"$group": {"_id": _group(by), "total": {"$sum": 1}, **sums}},
    ]


def _paused(day: date, kinds: Sequence[str]) -> Document:
    """The clock stands still when the day begins, and waits for one of these."""
    lasts = {"$or": [{"$lte": ["$$pause.to", None]}, {"$gte": ["$$pause.to", day.isoformat()]}]}
    then = {"$and": [{"$in": ["$$pause.kind", kinds]}, {"$lt": ["$$pause.from", day.isoformat()]}, lasts]}
    return {"$anyElementTrue": [{"$map": {"input": {"$ifNull": ["$pauses", []]}, "as": "pause", "in": then}}]}


def waiting(day: date, by: Sequence[str], agencies: Sequence[str] | None) -> list[Document]:
    unanswered = {f"{answer}_on": _not_before(day) for answer in ("received", "refused", "withdrawn")}
    return [
        {"$match": {**unanswered, "filed_on": {"$lt": day.isoformat()}, "channel": "online", **_of(agencies)}},
        {"$group": {"_id": _group(by), "total": {"$sum": 1}}},
    ]


def _not_before(day: date) -> Document:
    """On that day or later, or never so far."""
    return {"$not": {"$lt": day.isoformat()}}


def _of(agencies: Sequence[str] | None) -> Document:
    return {} if agencies is None else {"agency": {"$in": list(agencies)}}


def _group(by: Sequence[str]) -> Document:
    return {name: {"$substrBytes": ["$day", 0, 7]} if name == "month" else f"${name}" for name in by}


def _key(row: Document, by: Sequence[str]) -> Key:
    return tuple(row["_id"][name] for name in by)
