"""A projection as it is made anew: dossier by dossier, each written once and none read, the sums in large lots.

Only for a generation that nobody reads yet and one process writes, or several, each its own dossiers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from chassis.store import Document
from chassis.worktime import local_day
from stats.domain.cells import Adds, Place, place
from stats.domain.facts import Fact
from stats.store.deltas import Deltas
from stats.store.facts import adds_of, row_of
from stats.store.projection import Projection

DOSSIERS = 10_000
"""Whose sums are written together. Identifiers begin with the time, so these are of few days, and their sums of few
documents."""
ROWS = 1000
"""How many are written together, so that they do not fill the memory until the sums are written."""


def known_of(document: Mapping[str, Any]) -> str:
    """The day on which stats came to know an archived event; of one that was archived before this was kept, the day on
    which it happened."""
    return str(document.get("known") or local_day(document["time"]))


class Building:
    def __init__(self, projection: Projection, name: str) -> None:
        """`name`: of this lot of dossiers."""
        self._projection = projection
        self._name = name
        self._flushed = 0
        self._dossiers = 0
        self._rows: list[Document] = []
        self._sums = Deltas()
        self._later: dict[str, Deltas] = {}

    def add(self, dossier: str, became: Iterable[tuple[str, Fact]]) -> None:
        """What is known of a dossier, day by day of those on which something became known."""
        last: Fact | None = None
        there: Place | None = None
        adds: Adds = {}
        for known, fact in became:
            later = self._later.get(known)
            if later is None:
                later = self._later[known] = Deltas()
            if there is not None:
                later.add(there, adds, -1)
            last, there, adds = fact, place(fact), adds_of(fact)
            if there is not None:
                later.add(there, adds)
        if last is not None:
            self._rows.append(row_of(dossier, last, adds))
            self._dossiers += 1
        if there is not None:
            self._sums.add(there, adds)
        if len(self._rows) >= ROWS:
            self._write_rows()

    def is_full(self) -> bool:
        return self._dossiers >= DOSSIERS

    def flush(self) -> None:
        """Writes what was added."""
        if not self._dossiers:
            return
        self._flushed += 1
        self._write_rows()
        self._projection.sums.add(self._sums.entries())
        # The days of a month together: who asks for what was known on one of them filters.
        months: dict[str, list[str]] = {}
        for known in self._later:
            months.setdefault(known[:7], []).append(known)
        for month, days in months.items():
            entries = ((known, entry) for known in sorted(days) for entry in self._later[known].entries())
            self._projection.later.put(f"{month}|{self._name}|{self._flushed}", max(days), entries)
        self._dossiers, self._sums, self._later = 0, Deltas(), {}

    def _write_rows(self) -> None:
        if self._rows:
            self._projection.facts.insert_many(self._rows, ordered=False)
            self._rows = []
