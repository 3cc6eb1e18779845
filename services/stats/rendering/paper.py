"""PDF, A4 landscape, each table's head on every page.

WeasyPrint lays a whole paper out in memory and takes a second for twenty rows, so one shows ROWS rows at most, and says
how many more the other formats have.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from chassis.printing import Printer
from stats.domain.reports import Cell, Column, Head, Row
from stats.rendering.cells import NOTES, day, known, labelled, said

TEMPLATES = Path(__file__).parents[1] / "templates" / "papers"
ROWS = 700
ROWS_OF_TABLE = {"register": 200, "agencies_without": 100, "procedures_without": 100}
"""Of tables that go on for long and that nobody reads on paper to the end."""


def write(head: Head, rows: Iterable[Row], out: BinaryIO) -> None:
    out.write(Printer(TEMPLATES, {}).pdf("report", content(head, rows)))


def content(head: Head, rows: Iterable[Row]) -> dict[str, Any]:
    """What the template is given."""
    tables: list[dict[str, Any]] = [
        {
            "title": table.vi,
            "columns": [_head(column) for column in table.columns],
            "rows": [],
            "total": None,
            "more": 0,
        }
        for table in head.tables
    ]
    room = ROWS
    for row in rows:
        table, columns = tables[row.table], head.tables[row.table].columns
        cells = [
            shown(column, cell)
            for column, cell in zip(columns, labelled(row.cells) if row.total else row.cells, strict=True)
        ]
        if row.total:
            table["total"] = cells
        elif room > 0 and len(table["rows"]) < ROWS_OF_TABLE.get(head.tables[row.table].id, ROWS):
            table["rows"].append(cells)
            room -= 1
        else:
            table["more"] += 1
    return {
        "title": head.title.vi,
        "agency_name": head.agency_name,
        "known": known(head),
        "tables": tables,
        "notes_title": NOTES,
        "notes": [note.vi for note in head.notes],
    }


def _head(column: Column) -> dict[str, Any]:
    kind = "one number" if column.kind in ("number", "percent") else "one" if column.kind == "day" else ""
    return {"name": column.vi, "kind": kind, "wide": column.id.endswith("name")}


def shown(column: Column, cell: Cell) -> str:
    """12.345; 82,08; 23/08/2024."""
    said_ = said(column, cell)
    if said_ is None:
        return "–" if column.kind in ("number", "percent") else ""
    if isinstance(said_, str):
        return day(said_) if column.kind == "day" else said_
    if column.kind == "percent":
        return f"{said_:,.2f}".translate(_VIETNAMESE)
    return f"{said_:,}".translate(_VIETNAMESE)


_VIETNAMESE = str.maketrans(",.", ".,")
