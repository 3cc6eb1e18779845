"""CSV as Excel opens it: UTF-8 with a byte order mark, commas, CRLF (RFC 4180).

Text that a spreadsheet would take for a formula gets an apostrophe before it
(https://owasp.org/www-community/attacks/CSV_Injection). Days are ISO 8601, which every spreadsheet reads; the tables
stand one below the other, each with its title and an empty line after it, the notes at the end.
"""

import csv
import io
from collections.abc import Iterable
from typing import Any, BinaryIO

from stats.domain.reports import Cell, Column, Head, Row
from stats.rendering.cells import NOTES, known, labelled, said

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(head: Head, rows: Iterable[Row], out: BinaryIO) -> None:
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([guarded(head.title.vi)])
    writer.writerow([guarded(f"{head.agency_name} ({head.agency})"), f"Số liệu đến {known(head)}"])
    current = -1
    for row in rows:
        while current < row.table:
            current += 1
            _open(writer, head, current)
        columns = head.tables[row.table].columns
        cells = labelled(row.cells) if row.total else row.cells
        writer.writerow([_cell(column, cell) for column, cell in zip(columns, cells, strict=True)])
    for number in range(current + 1, len(head.tables)):
        _open(writer, head, number)
    writer.writerows([[], [NOTES], *([guarded(note.vi)] for note in head.notes)])
    text.flush()
    text.detach()


def _open(writer: Any, head: Head, number: int) -> None:
    table = head.tables[number]
    writer.writerows([[], [guarded(table.vi)], [guarded(column.vi) for column in table.columns]])


def _cell(column: Column, cell: Cell) -> Cell:
    shown = said(column, cell)
    return guarded(shown) if isinstance(shown, str) else shown


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
