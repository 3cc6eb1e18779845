"""Each agency's numbers of a year by month, whatever the channel, level and procedure: what is asked most.

`totals_<g>`: a document for an agency and year. `measures` names its columns, `months` has a row of them for each of
the twelve months, and `whole` one for the year: 64-bit integers in a row, least byte first. A province's year is a
hundred thousand numbers, which as fields of documents would each be decoded with its name.

Packed numbers cannot be incremented where they lie, so whoever adds reads and replaces them, in a transaction.
"""

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from pymongo import ASCENDING, ReadPreference, UpdateOne, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern

from chassis.store import Document
from stats.domain.cells import FLOWS, LEVELS, Level
from stats.store.decoding import TIMELESS

T = TypeVar("T")
MONTHS = 12
_COLUMNS = ",".join((*FLOWS, *LEVELS, "received_online", "received_counter", "received_post"))
"""Of a document that is new; what else is to be added gets a column at the end."""
Year = tuple[str, str]
"""Agency, and the year's four digits."""
Added = dict[Year, dict[int, dict[str, int]]]
"""By month of the year, 0 to 11, and measure."""


@dataclass(frozen=True, slots=True)
class Total:
    """`numbers`: one row after the other, each as long as `measures`; of the twelve months, or of the whole year."""

    agency: str
    year: str
    measures: tuple[str, ...]
    numbers: Sequence[int]

    def row(self, month: int) -> dict[str, int]:
        """By measure. The whole year's is row 0, too."""
        width = len(self.measures)
        return dict(zip(self.measures, self.numbers[month * width : (month + 1) * width], strict=True))

    def columns(self) -> dict[str, Sequence[int]]:
        """By measure: the numbers of the months, one after the other."""
        width = len(self.measures)
        rows = [self.numbers[n : n + width] for n in range(0, len(self.numbers), width)]
        return dict(zip(self.measures, zip(*rows, strict=True), strict=True))


TRANSACTION = (ReadConcern("snapshot"), WriteConcern(w="majority", j=True), ReadPreference.PRIMARY)
"""How what is to be read and written together is."""


class Totals:
    def __init__(self, database: Database[Document], generation: int) -> None:
        self.documents = database.get_collection(f"totals_{generation}", codec_options=TIMELESS)

    def ensure_indexes(self) -> None:
        self.documents.create_index([("year", ASCENDING), ("agency", ASCENDING)], name="year")

    def months(self, year: str, of: Document) -> Iterator[Total]:
        """The agencies' twelve months; `of`: a filter by agency."""
        return self._read("months", {"year": year} | of)

    def years(self, first: str, last: str, of: Document) -> Iterator[Total]:
        """The agencies' whole years, `last` among them."""
        return self._read("whole", {"year": {"$gte": first, "$lte": last}} | of)

    def levels_before(self, year: str, of: Document) -> Iterator[tuple[str, Mapping[Level, int]]]:
        """What each agency's earlier years add to the levels, a year each."""
        fields = {"_id": 0, "agency": 1, "measures": 1, "whole": 1}
        for found in self.documents.find({"year": {"$lt": year}} | of, fields, batch_size=10_000):
            columns, numbers = _columns(found["measures"]), _unpacked(found["whole"])
            yield found["agency"], {level: numbers[columns[level]] for level in LEVELS if level in columns}

    def _read(self, part: str, wanted: Document) -> Iterator[Total]:
        fields = {"_id": 0, "agency": 1, "year": 1, "measures": 1, part: 1}
        # All in one batch: the second would cost a round trip.
        for found in self.documents.find(wanted, fields, batch_size=10_000):
            yield Total(found["agency"], found["year"], _names(found["measures"]), _unpacked(found[part]).tolist())

    def add(self, added: Added, session: ClientSession | None = None) -> None:
        """Within the session's transaction, or one of its own. Of two that add to a document at once one conflicts, and
        its transaction is begun anew."""
        if session is None:
            with self.documents.database.client.start_session() as own:
                own.with_transaction(lambda own: self.add(added, own), *TRANSACTION)
            return
        keys = {f"{agency}|{year}": (agency, year) for agency, year in added}
        wanted = {"_id": {"$in": list(keys)}}
        fields = {"measures": 1, "months": 1, "whole": 1}
        found = {
            document["_id"]: document
            for document in self.documents.find(wanted, fields, batch_size=len(keys), session=session)
        }
        updates = [
            UpdateOne({"_id": name}, {"$set": _changed(found.get(name, {}), added[key]), **_born(key)}, upsert=True)
            for name, key in keys.items()
        ]
        if updates:
            self.documents.bulk_write(updates, ordered=False, session=session)


def _born(key: Year) -> Document:
    return {"$setOnInsert": {"agency": key[0], "year": key[1]}}


def _changed(document: Document, adds: Mapping[int, Mapping[str, int]]) -> Document:
    """The document's numbers with what is added."""
    columns = _columns(document.get("measures", _COLUMNS))
    missing = [measure for measure in dict.fromkeys(chain.from_iterable(adds.values())) if measure not in columns]
    months = _unpacked(document["months"]) if document else _zeros(MONTHS * len(columns))
    whole = _unpacked(document["whole"]) if document else _zeros(len(columns))
    if missing:
        width, columns = len(columns), _columns(",".join((*columns, *missing)))
        rows = [months[n * width : (n + 1) * width] for n in range(MONTHS)]
        months, more = _zeros(0), _zeros(len(missing))
        for row in rows:
            months += row + more
        whole += more
    width = len(columns)
    for month, sums in adds.items():
        for measure, number in sums.items():
            column = columns[measure]
            months[month * width + column] += number
            whole[column] += number
    return {"measures": ",".join(columns), "months": _packed(months), "whole": _packed(whole)}


@lru_cache(maxsize=256)
def _names(measures: str) -> tuple[str, ...]:
    return tuple(measures.split(","))


@lru_cache(maxsize=256)
def _columns(measures: str) -> Mapping[str, int]:
    return {measure: n for n, measure in enumerate(_names(measures))}


def _zeros(count: int) -> "array[int]":
    return array("q", bytes(8 * count))


def _unpacked(packed: bytes) -> "array[int]":
    return _least_first(array("q", packed))


def _packed(numbers: "array[int]") -> bytes:
    return _least_first(numbers).tobytes()


def _least_first(numbers: "array[int]") -> "array[int]":
    """From this machine's order of bytes into the stored one, and back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def add_to(found: dict[T, dict[str, int]], where: T, adds: Mapping[str, int]) -> None:
    """Notes what is to be added there to each measure."""
    sums = found.get(where)
    if sums is None:
        found[where] = dict(adds)
        return
    for measure, number in adds.items():
        sums[measure] = sums.get(measure, 0) + number
