"""XLSX: a sheet for each table, whose rows are written as they come, and one for the notes.

Text is written as text, whatever it begins with.
"""

import io
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, BinaryIO

import xlsxwriter

from stats.domain.reports import Cell, Column, Head, Row, Table
from stats.rendering.cells import NOTES, known, labelled, said

WIDTHS = {"text": 24, "number": 13, "percent": 13, "day": 13}
HEAD = {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#F6F3F1", "border": 1}
TABLE_AT = 4
"""The row of a table's head, counted from 0."""
LONGEST = 32_767
"""Characters that a cell holds."""


def write(head: Head, rows: Iterable[Row], out: BinaryIO) -> None:
    made = io.BytesIO()
    workbook = xlsxwriter.Workbook(made, {"constant_memory": True})
    # What is made of the same content twice is the same.
    workbook.set_properties({"title": head.title.vi, "created": datetime(2020, 1, 1)})  # noqa: DTZ001 (it has no zone)
    formats = {
        "title": workbook.add_format({"bold": True, "font_size": 14}),
        "head": workbook.add_format(HEAD),
        **{kind: workbook.add_format(_format(kind)) for kind in WIDTHS},
        **{f"total {kind}": workbook.add_format({**_format(kind), "bold": True, "top": 2}) for kind in WIDTHS},
        "note": workbook.add_format({"text_wrap": True, "valign": "top"}),
    }  # fmt: skip
    current, line, sheet = -1, 0, None
    for row in rows:
        while current < row.table:
            current += 1
            sheet, line = _sheet(workbook, head, current, formats), TABLE_AT + 1
        _write_row(sheet, line, head.tables[row.table], row, formats)
        line += 1
    for number in range(current + 1, len(head.tables)):
        _sheet(workbook, head, number, formats)
    notes = workbook.add_worksheet(NOTES)
    notes.set_column(0, 0, 120)
    for n, text in enumerate(
        [head.title.vi, head.title.en, *(each for note in head.notes for each in (note.vi, note.en))]
    ):
        notes.write_string(n, 0, text, formats["title" if n == 0 else "note"])
    workbook.close()
    out.write(made.getbuffer())


def _format(kind: str) -> dict[str, Any]:
    shown = {"number": "#,##0", "percent": "0.00", "day": "dd/mm/yyyy"}
    return {"num_format": shown[kind]} if kind in shown else {"num_format": "@"}


def _sheet(workbook: Any, head: Head, number: int, formats: Any) -> Any:
    table = head.tables[number]
    # A sheet's name has 31 characters at most, and is to be unique.
    name = f"{number + 1}. {table.vi}" if len(head.tables) > 1 else table.vi
    sheet = workbook.add_worksheet("".join(" " if each in "[]:*?/\\" else each for each in name)[:31].strip())
    for n, column in enumerate(table.columns):
        wide = 40 if column.id.endswith("name") else WIDTHS[column.kind]
        sheet.set_column(n, n, wide)
    sheet.freeze_panes(TABLE_AT + 1, 1)
    sheet.repeat_rows(TABLE_AT)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, head.title.vi, formats["title"])
    sheet.write_string(1, 0, f"{head.agency_name} ({head.agency})")
    sheet.write_string(2, 0, f"{table.vi}. Số liệu đến {known(head)}.")
    for n, column in enumerate(table.columns):
        sheet.write_string(TABLE_AT, n, column.vi, formats["head"])
    return sheet


def _write_row(sheet: Any, line: int, table: Table, row: Row, formats: Any) -> None:
    cells = labelled(row.cells) if row.total else row.cells
    for n, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
        _write_cell(sheet, line, n, column, cell, formats[f"total {column.kind}" if row.total else column.kind])


def _write_cell(sheet: Any, line: int, n: int, column: Column, cell: Cell, format: Any) -> None:
    shown = said(column, cell)
    if shown is None or shown == "":
        sheet.write_blank(line, n, None, format)
    elif isinstance(shown, str):
        if column.kind == "day":
            sheet.write_datetime(line, n, date.fromisoformat(shown), format)
        else:
            sheet.write_string(line, n, shown[:LONGEST], format)
    else:
        sheet.write_number(line, n, shown, format)
