"""What the drive did, counted by its own rules, and the statistics of the API in the same form, to compare the two."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sample.plan import Planned
from sample.province import local_day

BY = ("agency", "procedure", "channel", "service_level")
FLOWS = (
    *(f"received.{part}" for part in ("online", "counter", "post", "total")),
    *(f"finished.{part}" for part in ("early", "on_time", "late", "total")),
    "refused",
    "handed_over",
    "digitised",
    "stopped",
    "supplement_requests",
)
"""What happens in a month."""
STOCKS = ("open.within", "open.overdue", "open.total", "waiting", "supplement", "paused")
"""What is there now."""


class Key(NamedTuple):
    """Where something is counted. `month`: YYYY-MM by local days, "" for what is there now."""

    agency: str
    procedure: str
    channel: str
    service_level: int | str
    month: str


Counts = Mapping[Key, Mapping[str, int]]


@dataclass(slots=True)
class Record:
    """What became of a planned dossier so far: only what an answer has confirmed. `begun_at`: since when it is worked
    on without a break; `waits`: the stock in which it counts while the clock stands still."""

    planned: Planned
    id: str | None = None
    filed_at: datetime | None = None
    received_at: datetime | None = None
    due_at: datetime | None = None
    refused_at: datetime | None = None
    steps_done: int = 0
    transferred: bool = False
    finished_at: datetime | None = None
    handed_over_at: datetime | None = None
    stopped_at: datetime | None = None
    begun_at: datetime | None = None
    supplements_asked: list[datetime] = field(default_factory=list)
    fees_asked: int = 0
    extended: bool = False
    waits: str | None = None

    @property
    def timing(self) -> str | None:
        """Early, on time or late: by local days, before, on or after the day that was promised; on time if none was."""
        if self.finished_at is None:
            return None
        finished, due = local_day(self.finished_at), local_day(self.due_at or self.finished_at)
        return "early" if finished < due else "late" if finished > due else "on_time"

    def is_overdue(self, today: date) -> bool:
        """Open, and its due day is over."""
        return self.is_open and self.due_at is not None and local_day(self.due_at) < today

    @property
    def is_open(self) -> bool:
        return self.received_at is not None and self.finished_at is None and self.stopped_at is None

    @property
    def is_waiting(self) -> bool:
        return self.filed_at is not None and self.received_at is None and self.refused_at is None


def tally(records: Iterable[Record], today: date) -> dict[Key, Counter[str]]:
    """What the statistics must show for these dossiers alone."""
    counts: dict[Key, Counter[str]] = {}

    def add(record: Record, at: datetime | None, *measures: str) -> None:
        planned = record.planned
        month = "" if at is None else f"{local_day(at):%Y-%m}"
        key = Key(planned.agency, planned.procedure.code, planned.channel, planned.procedure.service_level, month)
        counts.setdefault(key, Counter()).update(measures)

    for record in records:
        if record.received_at is not None:
            add(record, record.received_at, f"received.{record.planned.channel}", "received.total")
            if record.planned.digitised and record.planned.body["components"]:
                add(record, record.received_at, "digitised")
        if record.refused_at is not None:
            add(record, record.refused_at, "refused")
        if record.finished_at is not None:
            add(record, record.finished_at, f"finished.{record.timing}", "finished.total")
        if record.handed_over_at is not None:
            add(record, record.handed_over_at, "handed_over")
        if record.stopped_at is not None:
            add(record, record.stopped_at, "stopped")
        for asked_at in record.supplements_asked:
            add(record, asked_at, "supplement_requests")
        if record.is_open and record.waits is not None:
            add(record, None, record.waits)
        if record.is_open:
            add(record, None, "open.overdue" if record.is_overdue(today) else "open.within", "open.total")
        if record.is_waiting:
            add(record, None, "waiting")
    return counts


def counted(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Counter[str]]:
    """Rows of `/counts`, by BY and month or by BY alone, without the measures that are zero."""
    counts: dict[Key, Counter[str]] = {}
    for row in rows:
        key = Key(**{name: row[name] for name in BY}, month=row.get("month", ""))
        numbers = Counter({measure: number(row, measure) for measure in (FLOWS if key.month else STOCKS)})
        if numbers := +numbers:
            counts[key] = numbers
    return counts


def number(row: Mapping[str, Any], measure: str) -> int:
    """`received.online` of a row is `row["received"]["online"]`."""
    found: Any = row
    for name in measure.split("."):
        found = found[name]
    return int(found)


def minus(counts: Counts, before: Counts) -> dict[Key, Counter[str]]:
    """What came since."""
    difference: dict[Key, Counter[str]] = {}
    for key in {**counts, **before}:
        numbers = Counter(counts.get(key, {}))
        numbers.subtract(before.get(key, {}))
        difference[key] = numbers
    return difference


@dataclass(frozen=True, slots=True)
class Difference:
    """`done`: what the drive did; `shown`: what the statistics say."""

    key: Key
    measure: str
    done: int
    shown: int


def compare(done: Counts, shown: Counts) -> Sequence[Difference]:
    """Every measure that differs anywhere."""
    return [
        Difference(key, measure, mine.get(measure, 0), theirs.get(measure, 0))
        for key in sorted({*done, *shown}, key=lambda key: tuple(map(str, key)))
        for mine, theirs in [(done.get(key, {}), shown.get(key, {}))]
        for measure in sorted({*mine, *theirs})
        if mine.get(measure, 0) != theirs.get(measure, 0)
    ]
