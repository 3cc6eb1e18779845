"""What every format says alike."""

from datetime import date

from chassis.worktime import ZONE
from stats.domain.reports import Cell, Column, Head

TOTAL = "Tổng cộng"
NOTES = "Ghi chú"


def said(column: Column, cell: Cell) -> Cell:
    """A cell as people read it: a code in words."""
    if column.words is not None and cell is not None:
        return column.words.get(str(cell), cell)
    return cell


def place_of_total(cells: tuple[Cell, ...]) -> int:
    """The first empty cell of a total, where it says what it is."""
    return next((n for n, cell in enumerate(cells) if cell == ""), 0)


def labelled(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    at = place_of_total(cells)
    return (*cells[:at], TOTAL, *cells[at + 1 :])


def day(cell: Cell) -> str:
    """23/08/2024"""
    return "" if not cell else f"{date.fromisoformat(str(cell)):%d/%m/%Y}"


def known(head: Head) -> str:
    return f"{head.known_until.astimezone(ZONE):%H:%M ngày %d/%m/%Y}"
