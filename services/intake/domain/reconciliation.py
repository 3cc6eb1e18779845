"""A bank's or the treasury's list of transfers, held against what is recorded. Plain Python.

The file is CSV in UTF-8 with a header that names at least `transaction`, `reference`, `amount` and `paid_at`, in any
order, separated by commas or semicolons; other columns are not read. `reference` may hold a bill's reference or a
dossier's code among other words. `amount`: đồng, with or without separators of thousands. `paid_at`: RFC 3339, or local
time as `2026-03-04 09:30:00` or `04/03/2026 09:30:00`; without a time, the day's beginning.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from chassis.errors import FieldError, Invalid
from chassis.worktime import ZONE
from intake.domain.payments import Why

COLUMNS = ("transaction", "reference", "amount", "paid_at")
MAX_ROWS = 10_000
MAX_AMOUNT = 10**12
TRANSACTION = r"[A-Za-z0-9._:/-]{1,64}"
"""What providers and banks call a transfer."""

Result = Literal["matched", "known", "malformed"] | Why
"""`matched`: it settles a bill since now. `known`: it was recorded before. `malformed`: the row cannot be read. Any
other: it is money that settles no bill, and waits among the unmatched payments."""

_TRANSACTION = re.compile(TRANSACTION, re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,13}|[0-9]{1,3}(?:[., ][0-9]{3}){1,4}", re.ASCII)
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the file that can be read; the header is line 1."""

    line: int
    transaction: str
    text: str
    amount: int
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of a line. `dossier`: whose bill it settles or names, for those who may see it. `detail`: the column
    that cannot be read."""

    line: int
    result: Result
    transaction: str | None = None
    amount: int | None = None
    payment: str | None = None
    dossier: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A payment that is recorded here and that the file does not hold."""

    payment: str
    transaction: str
    dossier: str | None
    amount: int
    paid_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What came of holding a file against the records: of the days `first` to `last`, both included. `agency`: the
    importing officer's, whose dossiers alone were looked at; None: all. `sha256`: the file's."""

    id: str
    provider: str
    agency: str | None
    first: date
    last: date
    at: datetime
    by: str
    sha256: str
    rows: tuple[RowResult, ...]
    missing: tuple[Missing, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many lines had each result."""
        return dict(Counter(row.result for row in self.rows))

    @property
    def clean(self) -> bool:
        """Nobody needs to look at anything."""
        return not self.missing and all(row.result in ("matched", "known") for row in self.rows)


def read(text: str) -> tuple[list[Row], list[RowResult]]:
    """The file's rows, and a result for each line that cannot be read. Invalid when it is no such file at all."""
    text = unicodedata.normalize("NFC", text.removeprefix("\ufeff"))
    header, _, _ = text.partition("\n")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        missing = [name for name in COLUMNS if names.count(name) != 1]
        if missing:
            raise _unreadable("header", f"the first line must name {', '.join(COLUMNS)}, each once")
        rows: list[Row] = []
        wrong: list[RowResult] = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) + len(wrong) == MAX_ROWS:
                raise _unreadable("too_many_rows", f"more than {MAX_ROWS} rows: import them in parts")
            found = _row(lines.line_num, dict(zip(names, cells, strict=False)))
            if isinstance(found, Row):
                rows.append(found)
            else:
                wrong.append(found)
    except csv.Error:
        raise _unreadable("csv", "the file is not CSV") from None
    return rows, wrong


def _row(line: int, cells: dict[str, str]) -> Row | RowResult:
    transaction = cells.get("transaction", "").strip()
    amount = _amount(cells.get("amount", "").strip())
    paid_at = _time(cells.get("paid_at", "").strip())
    if not _TRANSACTION.fullmatch(transaction):
        return RowResult(line=line, result="malformed", amount=amount, detail="transaction")
    if amount is None or paid_at is None:
        detail = "amount" if amount is None else "paid_at"
        return RowResult(line=line, result="malformed", transaction=transaction, amount=amount, detail=detail)
    return Row(
        line=line, transaction=transaction, text=plain(cells.get("reference", "")), amount=amount, paid_at=paid_at
    )


def plain(text: str) -> str:
    """Somebody's words for a transfer on one line, without control characters, 200 characters at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _amount(text: str) -> int | None:
    if not _AMOUNT.fullmatch(text):
        return None
    amount = int(re.sub(r"[., ]", "", text))
    return amount if 0 < amount <= MAX_AMOUNT else None


def _time(text: str) -> datetime | None:
    for form in _TIMES:
        try:
            return _utc(datetime.strptime(text, form).replace(tzinfo=ZONE))
        except ValueError:
            continue
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _utc(instant if instant.tzinfo is not None else instant.replace(tzinfo=ZONE))


def _utc(instant: datetime) -> datetime | None:
    """In UTC, to the millisecond; None for an instant that no payment can have."""
    if not 2000 <= instant.year < 3000:
        return None
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


def _unreadable(code: str, message: str) -> Invalid:
    return Invalid("the file cannot be read", errors=[FieldError("/file", code, message)])
