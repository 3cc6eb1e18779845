"""What a dossier counts for.

A dossier counts in cells. A cell's value is nothing but the number of facts that count there, so it can be computed
anew at any time.
"""

import zlib
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from stats.domain.facts import Channel, Fact, Reception, Scanning, ServiceLevel, Timing, day_of, days

Measure = Literal[
    "filed",
    "received",
    "digitised",
    "refused",
    "withdrawn",
    "withdrawn_waiting",
    "finished_early",
    "finished_on_time",
    "finished_late",
    "handed_over",
    "stopped",
    "supplement_requests",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)

PARTS = 64
"""Into how many cells the dossiers of one day, agency and procedure are spread. Recomputing a cell costs as much as
it holds dossiers, so without parts a busy cell would make every batch dearer than the one before."""


class Cell(NamedTuple):
    """Where dossiers are counted: their dimensions, a local day (`YYYY-MM-DD`), and the part of the dossiers."""

    agency: str
    field: str
    procedure: str
    channel: Channel
    service_level: ServiceLevel
    day: str
    part: int

    @property
    def id(self) -> str:
        return "|".join(map(str, self))

    @classmethod
    def of_id(cls, id: str) -> "Cell":
        agency, field, procedure, channel, level, day, part = id.split("|")
        service_level: Any = int(level) if level.isdigit() else level
        known: Any = channel
        return cls(agency, field, procedure, known, service_level, day, int(part))


def part_of(dossier: str) -> int:
    return zlib.crc32(dossier.encode()) % PARTS


def tally(dossier: str, fact: Fact) -> dict[Cell, tuple[Measure, ...]]:
    """The cells that the dossier counts in, and as what.

    Filed is for online dossiers, which wait to be received. Finished and handed over count once the reception is
    known too, so that whatever has not arrived yet, "carried over + received = finished + stopped + open" holds; and
    what is withdrawn is neither waiting nor open from that day on.
    """
    dimensions, on = fact.dimensions, days(fact)
    if dimensions is None:
        return {}
    counted: list[tuple[date | None, Measure]] = [(on.refused, "refused"), (on.withdrawn, "withdrawn")]
    if fact.withdrawn is not None and not fact.withdrawn.received:
        counted.append((on.withdrawn, "withdrawn_waiting"))
    if dimensions.channel == "online":
        counted.append((on.filed, "filed"))
    if fact.received is not None:
        counted += [(on.received, "received"), (on.handed_over, "handed_over"), (on.stopped, "stopped")]
        counted += [(day_of(request), "supplement_requests") for request in fact.requests]
        if _is_digitised(fact.received, fact.scanned):
            counted.append((on.received, "digitised"))
        if fact.finished is not None:
            counted.append((on.finished, _FINISHED[fact.finished.timing]))
    cells: dict[Cell, tuple[Measure, ...]] = {}
    for day, measure in counted:
        if day is not None:
            cell = Cell(
                dimensions.agency, dimensions.field, dimensions.procedure, dimensions.channel, dimensions.service_level,
                day.isoformat(), part_of(dossier),
            )  # fmt: skip
            cells[cell] = (*cells.get(cell, ()), measure)
    return cells


def _is_digitised(received: Reception, scanned: Scanning | None) -> bool:
    """As the later of both statements has it: paper is scanned after the reception too, and a scan taken back."""
    if scanned is not None and scanned.sequence > received.sequence:
        return scanned.whole
    return received.digitised


_FINISHED: dict[Timing, Measure] = {"early": "finished_early", "on_time": "finished_on_time", "late": "finished_late"}
