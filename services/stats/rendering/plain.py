"""JSON: the numbers with what they mean, for programs; a row is an object by its columns' ids."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC
from itertools import groupby
from typing import Any, BinaryIO

from stats.domain.reports import Head, Row


def write(head: Head, rows: Iterable[Row], out: BinaryIO) -> None:
    """`{form, title, agency, agency_name, month, known_until, notes, tables: [{id, title, columns, rows, total}]}`."""
    known_until = head.known_until.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    plain = {
        "form": head.form,
        "title": asdict(head.title),
        "agency": head.agency,
        "agency_name": head.agency_name,
        "month": head.month,
        "known_until": known_until,
        "notes": [asdict(note) for note in head.notes],
    }
    out.write(_json(plain)[:-1] + b',"tables":[')
    by_table = groupby(rows, key=lambda row: row.table)
    following = next(by_table, None)
    for number, table in enumerate(head.tables):
        columns = [{name: value for name, value in asdict(column).items() if value} for column in table.columns]
        opening = {"id": table.id, "title": {"vi": table.vi, "en": table.en}, "columns": columns}
        out.write(b"," * (number > 0) + _json(opening)[:-1] + b',"rows":[')
        total: Any = None
        first = True
        ids = [column.id for column in table.columns]
        if following is not None and following[0] == number:
            for row in following[1]:
                item = dict(zip(ids, row.cells, strict=True))
                if row.total:
                    total = {id: value for id, value in item.items() if value != ""}
                    continue
                out.write((b"" if first else b",") + b"\n" + _json(item))
                first = False
            following = next(by_table, None)
        out.write(b'],"total":' + _json(total) + b"}")
    out.write(b"]}\n")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
