"""Reports: what one consists of, how far its making is, and how it is published. Plain Python.

A report is made once: its `content` (see `Content`) is written down, and every format is made of that and of nothing
else, so that no two of them can differ. Whoever publishes it fixes the bytes of all of them: a manifest names each by
its SHA-256, and its hash follows from the one that the same agency published before of the same form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from chassis.errors import WrongState
from chassis.hashchain import link

Form = Literal["register", "situation-by-agency", "situation-by-field", "monthly"]
Format = Literal["xlsx", "csv", "pdf", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
FORMATS: tuple[Format, ...] = get_args(Format)
PUBLIC: tuple[Form, ...] = ("situation-by-agency", "situation-by-field", "monthly")
"""Those that everybody may read once they are published; a register lists single dossiers."""

Kind = Literal["text", "number", "percent", "day"]
Cell = str | int | float | None


class ReportNotReady(WrongState):
    code, title = "report_not_ready", "Báo cáo chưa lập xong"


class ReportPublishedAlready(WrongState):
    code, title = "report_published", "Báo cáo này đã được công bố"


class MonthNotOver(WrongState):
    code, title = "month_not_over", "Chỉ công bố báo cáo của tháng đã kết thúc"


class ReportOutdated(WrongState):
    code, title = "report_outdated", "Đã có bản công bố mới hơn của tháng này"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`kind` number: whole; percent: of two decimals, in percent; day: `YYYY-MM-DD`. `words`: what stands for a code
    where people read."""

    id: str
    vi: str
    en: str
    kind: Kind = "text"
    words: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Of its columns the first tells what a row is about."""

    id: str
    vi: str
    en: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands before the rows. `known_until`: what was known then is counted."""

    form: Form
    title: Note
    agency: str
    agency_name: str
    month: str
    known_until: datetime
    tables: tuple[Table, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table of that number; `total`: its last one, which adds up the others."""

    table: int
    cells: tuple[Cell, ...]
    total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Bytes that were kept: `key` is where."""

    key: str
    sha256: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """`number` counts what the agency published of the form, from 1 without gaps; `revision` what it published of the
    month. `hash` follows from `previous` and the manifest (see `chassis.hashchain`). `by`: who published it."""

    number: int
    revision: int
    at: datetime
    by: str
    previous: str | None
    hash: str


State = Literal["waiting", "ready", "failed", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`as_of`: as known at the end of that day, None: when it is made. `progress` in percent. While it waits, it is
    free for a maker from `free_at` on; `tries` counts them. `untold`: the feed does not hold its publication for
    certain. `chain` is unique: form, agency and number of a publication, else empty. `expires_at` None: never."""

    id: str
    form: Form
    agency: str
    agency_name: str
    month: str
    asked_at: datetime
    as_of: date | None = None
    format: Format = "xlsx"
    state: State = "waiting"
    progress: int = 0
    free_at: datetime | None = None
    tries: int = 0
    expires_at: datetime | None = None
    known_until: datetime | None = None
    content: File | None = None
    files: Mapping[Format, File] | None = None
    publication: Publication | None = None
    chain: str = ""
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What was published before: the last of the same form and agency, and the last of the same month too."""

    last: Publication | None = None
    of_month: Report | None = None


def manifest(report: Report, number: int, revision: int, at: datetime) -> dict[str, Any]:
    """What its hash covers: texts and numbers."""
    if report.content is None or report.files is None or report.known_until is None:
        raise ReportNotReady("the report is not there yet")
    return {
        "form": report.form,
        "agency": report.agency,
        "month": report.month,
        "number": number,
        "revision": revision,
        "known_until": _text(report.known_until),
        "published_at": _text(at),
        "content": {"sha256": report.content.sha256, "length": report.content.length},
        "files": {name: {"sha256": file.sha256, "length": file.length} for name, file in report.files.items()},
    }


def _text(instant: datetime) -> str:
    """As text already, so that whoever reads a manifest as JSON gets its hash."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds")


def published(report: Report, before: Before, month_ends_at: datetime, by: str, at: datetime) -> Report:
    """The report, fixed for ever. ReportNotReady, ReportPublishedAlready, MonthNotOver; ReportOutdated when a report of
    the month is published that knew as much or more."""
    if report.publication is not None:
        raise ReportPublishedAlready("it is published already, and stays as it is")
    if report.state != "ready" or report.known_until is None:
        raise ReportNotReady("the report is not there yet")
    if report.known_until < month_ends_at:
        raise MonthNotOver("it was made before its month was over; have it made anew")
    earlier = before.of_month
    if earlier is not None and earlier.known_until is not None and report.known_until <= earlier.known_until:
        raise ReportOutdated("a report that knew as much is published; have it made anew")
    revision = 1
    if earlier is not None and earlier.publication is not None:
        revision = earlier.publication.revision + 1
    number = 1 if before.last is None else before.last.number + 1
    previous = None if before.last is None else before.last.hash
    hash = link(previous, manifest(report, number, revision, at))
    publication = Publication(number=number, revision=revision, at=at, by=by, previous=previous, hash=hash)
    chain = f"{report.form}/{report.agency}/{number}"
    return replace(report, publication=publication, chain=chain, untold=True, expires_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number that was said, and what it is now; None where the row was not, or is not, there."""

    table: str
    row: str
    row_name: str | None
    column: str
    said: Cell
    now: Cell


Rows = Mapping[str, tuple[Cell, ...]]
"""A table's rows by what they are about; "" is the total."""


def differences(table: Table, said: Rows, now: Rows) -> list[Difference]:
    """By row, then column. Names of things are no numbers: that they changed is not told."""
    found: list[Difference] = []
    for row in sorted({*said, *now}):
        before, after = said.get(row), now.get(row)
        for n, column in enumerate(table.columns):
            was, is_ = (None if cells is None else cells[n] for cells in (before, after))
            if was == is_ or n == 0 or (column.kind == "text" and column.words is None):
                continue
            found.append(
                Difference(
                    table=table.id, row=row, row_name=_name(table, after or before), column=column.id, said=was, now=is_
                )
            )
    return found


def _name(table: Table, cells: tuple[Cell, ...] | None) -> str | None:
    for column, cell in zip(table.columns, cells or (), strict=False):
        if column.id.endswith("name") and isinstance(cell, str):
            return cell
    return None
