"""The catalogue as a file: the versions in force on a day, in the shape that an import takes, so that one undoes the
other."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from typing import IO, Any, Literal

from pydantic import TypeAdapter
from pydantic_core import to_json

from catalog.domain import Procedure
from catalog.imports import sheets
from catalog.imports.columns import cells_of
from catalog.queries import Queries
from catalog.store import Wanted
from chassis.errors import NotFound
from chassis.web import Answer

ExportFormat = Literal["json", "csv", "xlsx"]
MEDIA_TYPES: dict[ExportFormat, str] = {"json": "application/json", "csv": "text/csv", "xlsx": sheets.XLSX}
_PIECE = 1_000_000
_IN_MEMORY = 2_000_000
_PROCEDURE: TypeAdapter[Procedure] = TypeAdapter(Procedure)


class FormatUnknown(NotFound):
    code, title = "format_unknown", "Không có định dạng tệp này"


def item_of(procedure: Procedure) -> dict[str, Any]:
    """As an item of an import."""
    item: dict[str, Any] = _PROCEDURE.dump_python(procedure, mode="json")
    del item["version"]
    return item


def export(queries: Queries, wanted: Wanted, day: date, format: ExportFormat) -> Answer:
    """The file, sent piece by piece. Invalid when a workbook cannot hold it."""
    items = (item_of(version.procedure) for version in queries.in_force(wanted, day))
    return _file(format, items, f"thu-tuc-{day}.{format}")


def template(format: Literal["csv", "xlsx"]) -> Answer:
    """An empty sheet with the columns' names; in a workbook, a second sheet says how to fill it in."""
    return _file(format, (), f"mau-nhap-thu-tuc.{format}")


def _file(format: ExportFormat, items: Iterable[dict[str, Any]], name: str) -> Answer:
    if format == "json":
        stream = _json_pieces(items)
    elif format == "csv":
        stream = sheets.csv_pieces(map(cells_of, items))
    else:
        # A workbook is a package, which is whole only at its end.
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed when it has been sent)
        try:
            sheets.write_xlsx(file, map(cells_of, items))
        except BaseException:
            file.close()
            raise
        file.seek(0)
        stream = _pieces(file)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(headers=headers, media_type=MEDIA_TYPES[format], stream=stream)


def _json_pieces(items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """`{"procedures": […]}`, an item a line."""
    opening = b'{"procedures": ['
    for item in items:
        yield opening + b"\n" + to_json(item)
        opening = b","
    yield b"\n]}\n" if opening == b"," else opening + b"]}\n"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
