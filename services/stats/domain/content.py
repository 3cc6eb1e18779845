"""A report's content as bytes: a line of JSON for what stands before the rows, then one for each row, in UTF-8.

The same numbers give the same bytes.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from stats.domain.reports import Column, Head, Note, Row, Table


def head_line(head: Head) -> bytes:
    plain = asdict(head) | {"known_until": head.known_until.astimezone(UTC).isoformat(timespec="milliseconds")}
    return _line(plain)


def row_line(row: Row) -> bytes:
    return _line([row.table, int(row.total), *row.cells])


def read(lines: Iterable[bytes]) -> tuple[Head, Iterator[Row]]:
    """What `head_line` and `row_line` made, row by row."""
    rest = iter(lines)
    plain = json.loads(next(rest))
    tables = tuple(
        Table(**each | {"columns": tuple(Column(**column) for column in each["columns"])}) for each in plain["tables"]
    )
    notes = tuple(Note(**each) for each in plain["notes"])
    known_until = datetime.fromisoformat(plain["known_until"])
    more: dict[str, Any] = {"tables": tables, "notes": notes, "known_until": known_until}
    return Head(**plain | more | {"title": Note(**plain["title"])}), map(_row, rest)


def _row(line: bytes) -> Row:
    table, total, *cells = json.loads(line)
    return Row(table, tuple(cells), bool(total))


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
