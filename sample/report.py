"""What the drive prints: how far it is while it runs, and what came of it."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TextIO

from sample.tally import Difference, Record, number

LINE_EVERY_SECONDS = 5.0
SHOWN_DIFFERENCES = 40
COLUMNS = {
    "online": "received.online",
    "counter": "received.counter",
    "post": "received.post",
    "received": "received.total",
    "early": "finished.early",
    "on time": "finished.on_time",
    "late": "finished.late",
    "refused": "refused",
    "handed over": "handed_over",
    "stopped": "stopped",
    "open": "open.within",
    "overdue": "open.overdue",
}


def summary(records: Iterable[Record], today: date) -> dict[str, int]:
    """How many dossiers got how far."""
    counts = Counter[str]()
    for record in records:
        counts.update(
            {
                "filed": record.filed_at is not None,
                "received": record.received_at is not None,
                "refused": record.refused_at is not None,
                "steps completed": record.steps_done,
                "worked on by several agencies": record.transferred,
                "finished early": record.timing == "early",
                "finished on time": record.timing == "on_time",
                "finished late": record.timing == "late",
                "handed over": record.handed_over_at is not None,
                "supplements asked for": len(record.supplements_asked),
                "fees asked for while worked on": record.fees_asked,
                "extended": record.extended,
                "stopped": record.stopped_at is not None,
                "open within time": record.is_open and not record.is_overdue(today),
                "open overdue": record.is_overdue(today),
                "waiting for reception": record.is_waiting,
            }
        )
    return dict(counts)


class Progress:
    """One line that is written again and again on a terminal, and a line now and then elsewhere."""

    def __init__(self, records: Sequence[Record], *, quiet: bool, out: TextIO = sys.stdout) -> None:
        self._records = records
        self._out = out
        self._quiet = quiet
        self._began = self._told = time.monotonic()

    def show(self) -> None:
        now = time.monotonic()
        if self._quiet or (not self._out.isatty() and now - self._told < LINE_EVERY_SECONDS):
            return
        self._told = now
        line = f"  {now - self._began:5.1f} s  {self._counts()}"
        self._out.write(f"\r\x1b[K{line}" if self._out.isatty() else f"{line}\n")
        self._out.flush()

    def end(self) -> None:
        """The next line begins at its beginning."""
        if not self._quiet and self._out.isatty():
            self._out.write("\r\x1b[K")

    def _counts(self) -> str:
        records = self._records
        filed = sum(record.filed_at is not None for record in records)
        received = sum(record.received_at is not None for record in records)
        steps = sum(record.steps_done for record in records)
        finished = sum(record.finished_at is not None for record in records)
        handed_over = sum(record.handed_over_at is not None for record in records)
        return (
            f"filed {filed} of {len(records)} · received {received} · steps {steps} · "
            f"finished {finished} · handed over {handed_over}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`did` and `differences` are None when the drive found dossiers there and drove nothing. `recount` is the API's
    answer, `seconds` and `requests` are what it took."""

    run: str | None
    did: Mapping[str, int] | None
    procedures: int
    agencies: int
    by_month: Sequence[Mapping[str, Any]]
    by_channel: Sequence[Mapping[str, Any]]
    recount: Mapping[str, Any]
    differences: Sequence[Difference] | None
    compared: int
    broken: Sequence[str]
    seconds: Mapping[str, float]
    requests: int

    @property
    def ok(self) -> bool:
        return bool(self.recount["equal"]) and not self.differences and not self.broken

    def as_json(self) -> dict[str, Any]:
        content = {name: getattr(self, name) for name in self.__dataclass_fields__}
        differences = None if self.differences is None else [asdict(item) for item in self.differences]
        for item in differences or ():
            item["key"] = item["key"]._asdict()
        return {**content, "differences": differences, "ok": self.ok}

    def text(self) -> str:
        return "\n".join([*self._did(), *self._tables(), *self._comparisons(), *self._took()])

    def _did(self) -> Iterable[str]:
        if self.did is not None:
            yield f"\nA day of the province: {self.procedures} procedures at {self.agencies} agencies"
            yield from (f"  {count:6,}  {what}" for what, count in self.did.items())

    def _tables(self) -> Iterable[str]:
        yield "\nThe whole province, as /api/stats/v1/counts gives it (open and overdue: at the end of the month)"
        yield from _table("month", self.by_month)
        yield ""
        yield from _table("channel", self.by_channel)
        yield ""

    def _comparisons(self) -> Iterable[str]:
        if self.differences is None:
            yield "Its own tally: not compared, since the dossiers were there before (--again drives new ones)"
        elif self.differences:
            yield f"Its own tally: {len(self.differences)} of {self.compared} numbers DIFFER"
            yield from (_difference(item) for item in self.differences[:SHOWN_DIFFERENCES])
            yield from _rest(len(self.differences))
        else:
            yield f"Its own tally: all {self.compared} numbers of the statistics are what it did"
        if self.recount["equal"]:
            yield f"The recount: equal, {self.recount['compared']} numbers compared"
        else:
            differences = self.recount["differences"]
            yield f"The recount: NOT equal, {len(differences)} differences"
            yield from (f"  {item}" for item in differences[:SHOWN_DIFFERENCES])
            yield from _rest(len(differences))
        yield from (f"NOT KEPT: {sentence}" for sentence in self.broken)

    def _took(self) -> Iterable[str]:
        steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items())
        yield f"Took {sum(self.seconds.values()):.1f} s ({steps}); {self.requests:,} requests"


def _difference(item: Difference) -> str:
    where = " · ".join(map(str, filter(None, item.key)))
    return f"  {where}: {item.measure} is {item.shown}, and {item.done} were done"


def _rest(count: int) -> Iterable[str]:
    if count > SHOWN_DIFFERENCES:
        yield f"  … and {count - SHOWN_DIFFERENCES} more"


def _table(first: str, rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    yield f"  {first:9}" + "".join(f"{name:>13}" for name in COLUMNS)
    for row in rows:
        yield f"  {row[first]:9}" + "".join(f"{number(row, measure):13,}" for measure in COLUMNS.values())
