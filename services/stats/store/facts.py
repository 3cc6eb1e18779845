"""What is known of each dossier, and what it adds to the sums."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from pymongo import InsertOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from chassis.store import Document
from stats.domain.cells import Adds, Place, contributions, place
from stats.domain.facts import NOTHING, Fact, Statements, merge
from stats.store.deltas import Deltas
from stats.store.rows import fields_of
from stats.store.sums import DIMENSIONS

_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


AT_ONCE = 300
"""Rows that are written together, while the next are merged."""
Operation = InsertOne[Document] | UpdateOne


@dataclass(slots=True)
class Merged:
    """What was made of what was said of dossiers: what is to be added to the sums for it, and `before`: what was known
    of each dossier of which something became known."""

    deltas: Deltas = field(default_factory=Deltas)
    before: dict[str, Fact] = field(default_factory=dict)

    def is_news(self, dossier: str, said: Statements) -> bool:
        """Of an event that had come before: it said something new all the same, since whoever took it first died
        before it had counted it."""
        before = self.before.get(dossier)
        return before is not None and merge(before, (said,)) is not before

    def lots(
        self, facts: Collection[Document], said: Mapping[str, Sequence[Statements]], session: ClientSession | None
    ) -> Iterator[list[Operation]]:
        """Reads the dossiers and merges what was said of them; lot by lot what is to be written of them. All are read
        before the first lot is answered, so that the session is free for writing it."""
        wanted = {"_id": {"$in": list(said)}}
        known = {row["_id"]: row for row in facts.find(wanted, session=session, batch_size=len(said))} if said else {}
        operations: list[Operation] = []
        for dossier, news in said.items():
            row = known.get(dossier)
            before = NOTHING if row is None else fact_of(row)
            fact = merge(before, news)
            if fact is before:
                continue
            self.before[dossier] = before
            operations.append(self._became(row_of(dossier, fact), row))
            if len(operations) == AT_ONCE:
                yield operations
                operations = []
        if operations:
            yield operations

    def _became(self, row: Document, before: Document | None) -> Operation:
        """The dossier's new row; the sums lose what the row before added, and gain what this one adds."""
        if before is not None:
            self._move(before, -1)
        self._move(row, 1)
        return InsertOne(row) if before is None else _update(before, row)

    def _move(self, row: Document, sign: int) -> None:
        """What the row adds, once more or once less."""
        there = place_of(row)
        if there is not None:
            self.deltas.add(there, row["adds"], sign)


def _update(before: Document, row: Document) -> UpdateOne:
    """Only of what became another: the server then leaves the indexes alone that do not know of it, which is most of
    what replacing a row costs."""
    changed = {name: value for name, value in row.items() if name not in before or before[name] != value}
    gone = dict.fromkeys(before.keys() - row.keys(), "")
    return UpdateOne({"_id": row["_id"]}, {"$set": changed} | ({"$unset": gone} if gone else {}))


def row_of(dossier: str, fact: Fact, adds: Adds | None = None) -> Document:
    """A function of the fact alone; `adds`, if somebody knows that already. `adds` is what the sums hold of this
    dossier, by day and measure; so whatever it adds later can take its place, however it was counted then."""
    if adds is None:
        adds = adds_of(fact)
    said = _FACT.dump_python(fact, exclude_defaults=True)
    return {"_id": dossier, "said": said, **fields_of(fact, adds), "adds": adds}


def adds_of(fact: Fact) -> Adds:
    """Nothing while its place is not known."""
    return contributions(fact) if place(fact) is not None else {}


def fact_of(row: Document) -> Fact:
    return _FACT.validate_python(row["said"])


def place_of(row: Document) -> Place | None:
    """Where the row's `adds` were added."""
    if "agency" not in row:
        return None
    agency, of_field, procedure, channel, level = (row[name] for name in DIMENSIONS)
    return (agency, of_field, procedure, channel, level)
