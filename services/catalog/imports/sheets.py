"""Procedures in CSV and XLSX files.

Whoever made a file may be clumsy or hostile: nothing in it is ever computed, what is wrong in a row is said of that
row, and what could fill the memory is refused before it is unpacked.
"""

import csv
import io
import re
import struct
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from typing import IO, Any

from openpyxl import load_workbook
from openpyxl.cell.read_only import EMPTY_CELL
from xlsxwriter import Workbook

from catalog.imports.columns import COLUMNS, Column, named, row_of
from catalog.imports.engine import Item
from chassis.errors import FieldError, Invalid

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 20_000
"""Rows with something in them."""
MAX_COLUMNS = 40
_BLANK = {id(EMPTY_CELL)}
MAX_UNPACKED = 50_000_000
MAX_PARTS = 500
MAX_DIRECTORY = 200_000
HEADER_WITHIN = 20
"""The header is looked for in so many rows, since a title may stand above it."""
CELL_LIMIT = 32_767
"""Characters that a cell of a workbook holds."""
_END_OF_DIRECTORY = b"PK\x05\x06"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ERRORS = re.compile(r"#(REF|N/A|VALUE|NAME|DIV/0|NULL|NUM)[!?]?")

csv.field_size_limit(1_000_000)

Row = tuple[int, Sequence[Any]]
"""A row's number as a spreadsheet program counts it, and its cells."""


class SheetError(Exception):
    """The file as a whole cannot be imported. `errors`: why."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(errors[0].code)
        self.errors = errors


def _refused(code: str, message: str) -> SheetError:
    return SheetError(FieldError("", code, message))


class _Formula:
    """Stands for a cell that holds a formula."""


# -- reading -----------------------------------------------------------------------------------------------------------


def read_csv(data: bytes) -> list[Item]:
    """The procedures of a CSV file: UTF-8 (or UTF-16 with its mark), divided by `,`, `;` or tabs. SheetError."""
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused("encoding", f"line {line} is not UTF-8") from None
    header = next((line for line in text.splitlines()[:HEADER_WITHIN] if _known(line)), "")
    delimiter = max(",;\t", key=lambda each: len(_known(header, each)))
    return _items(_csv_rows(text, delimiter))


def _known(line: str, delimiter: str | None = None) -> list[Column]:
    """The columns that a line names, with its best delimiter or with this one."""
    if delimiter is None:
        return max((_known(line, each) for each in ",;\t"), key=len)
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
    return [column for cell in cells if (column := named(cell)) is not None]


def _csv_rows(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            yield number, [_csv_cell(cell) for cell in cells]
    except csv.Error as error:
        raise _refused("csv_broken", f"row {number + 1}: {error}") from None


def _csv_cell(cell: str) -> Any:
    if cell.startswith("="):
        return _Formula
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(("'", *_FORMULA)) else cell


def guarded(text: str) -> str:
    """The text for a cell of a CSV file: what a spreadsheet program would compute gets an apostrophe before it, and
    what would read as such an apostrophe, one more (https://owasp.org/www-community/attacks/CSV_Injection)."""
    dangerous = text.startswith(_FORMULA) or (text[:1] == "'" and text[1:].startswith(("'", *_FORMULA)))
    return f"'{text}" if dangerous else text


def read_xlsx(data: bytes, breathe: Callable[[], object] = lambda: None) -> list[Item]:
    """The procedures of the first sheet with a header of ours. `breathe` is called now and then. SheetError."""
    _check_package(data)
    try:
        return _of_workbook(data, breathe)
    except SheetError:
        raise
    except Exception as error:  # (whatever a broken workbook makes of its reader)
        raise _refused("workbook_broken", f"the workbook cannot be read: {type(error).__name__}") from error


def _of_workbook(data: bytes, breathe: Callable[[], object]) -> list[Item]:
    with closing(load_workbook(io.BytesIO(data), read_only=True, keep_links=False)) as book:
        refused: SheetError | None = None
        for sheet in book.worksheets:
            # The file's own word on its size is not to be trusted.
            sheet.reset_dimensions()
            try:
                return _items(_xlsx_rows(sheet, breathe))
            except SheetError as error:
                if error.errors[0].code != "no_header":
                    raise
                refused = refused or error
    raise refused or _refused("no_header", "the workbook has no sheet")


def _xlsx_rows(sheet: Any, breathe: Callable[[], object]) -> Iterator[Row]:
    for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
        if number % 1_000 == 0:
            breathe()
        if {*map(id, cells)} == _BLANK:
            # Whole columns are often formatted down to the last row, the 1,048,576th.
            continue
        yield number, [_Formula if cell.data_type == "f" else cell.value for cell in cells]


def _check_package(data: bytes) -> None:
    """What is in the package and how large it would be, by its directory, which is all that is unpacked later."""
    end = data.rfind(_END_OF_DIRECTORY, max(0, len(data) - 65_557))
    if end < 0 or len(data) < end + 22:
        raise _refused("workbook_broken", "not a workbook")
    if struct.unpack_from("<I", data, end + 12)[0] > MAX_DIRECTORY:
        raise _refused("too_much", "a workbook with so many parts is none")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError, RuntimeError, OSError):
        raise _refused("workbook_broken", "not a workbook") from None
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise _refused("too_much", f"more than {MAX_PARTS} parts, or {MAX_UNPACKED} bytes unpacked")
    if any(part.filename.lower().endswith(("vbaproject.bin", "vbadata.xml")) for part in parts):
        raise _refused("macros", "a workbook with macros")


def _items(rows: Iterator[Row]) -> list[Item]:
    columns = _header(rows)
    items: list[Item] = []
    open_row: _OpenRow | None = None
    for number, cells in rows:
        if all(cell is None or cell == "" for cell in cells):
            continue
        given = _OpenRow(number, columns, cells)
        if given.empty:
            continue
        if open_row is not None and given.continues:
            open_row.go_on(given)
            continue
        if open_row is not None:
            items.append(open_row.item())
        if len(items) >= MAX_ROWS:
            raise _refused("too_many_rows", f"more than {MAX_ROWS} rows")
        open_row = given
    if open_row is not None:
        items.append(open_row.item())
    if not items:
        raise _refused("no_rows", "there is nothing under the header")
    return items


def _header(rows: Iterator[Row]) -> list[Column | None]:
    for number, cells in rows:
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        found = [named(text) for text in texts]
        columns = [column for column in found if column is not None]
        if any(column.name == "code" for column in columns):
            break
        if number >= HEADER_WITHIN:
            raise _refused("no_header", f"no row with the columns' names in the first {HEADER_WITHIN}")
    else:
        raise _refused("no_header", "no row with the columns' names")
    wrong = [
        FieldError("", "column_unknown", f"unknown column: {text[:100]}")
        for text, column in zip(texts, found, strict=True)
        if text and column is None
    ]
    wrong += [
        FieldError(column.pointer, "column_missing", f"the column {column.name}")
        for column in COLUMNS
        if column.needed and column not in columns
    ]
    wrong += [
        FieldError(column.pointer, "column_repeated", f"the column {column.name}")
        for column in COLUMNS
        if columns.count(column) > 1
    ]
    if wrong:
        raise SheetError(*wrong[:20])
    return found


class _OpenRow:
    """A row, and those under it that go on with it: without a code, in columns of several lines only."""

    def __init__(self, number: int, columns: Sequence[Column | None], cells: Sequence[Any]) -> None:
        self.number = number
        self.errors: list[FieldError] = []
        self.texts: dict[str, str] = {}
        for n, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            column = columns[n] if n < len(columns) else None
            if column is None:
                self.errors.append(FieldError("", "outside_columns", f"something in column {n + 1}, without a name"))
            elif cell is _Formula:
                self.errors.append(FieldError(column.pointer, "formula", "a formula; only values are taken"))
            elif text := _text(cell, column):
                self.texts[column.name] = text
                if _ERRORS.fullmatch(text):
                    self.errors.append(FieldError(column.pointer, "cell_error", "an error of a formula"))

    @property
    def empty(self) -> bool:
        return not self.texts and not self.errors

    @property
    def continues(self) -> bool:
        of_lines = {column.name for column in COLUMNS if column.lines}
        return not self.errors and self.texts.keys() <= of_lines

    def go_on(self, below: "_OpenRow") -> None:
        for name, text in below.texts.items():
            self.texts[name] = f"{self.texts[name]}\n{text}" if name in self.texts else text

    def item(self) -> Item:
        if "code" not in self.texts and not any(error.pointer == "/code" for error in self.errors):
            self.errors.append(FieldError("/code", "code_missing", "something in the row, and no code"))
        raw, errors = row_of(self.texts)
        return Item("procedure", self.number, raw, (*self.errors, *errors))


def _text(cell: Any, column: Column) -> str:
    """A cell's text in NFC. A program keeps codes, days and hours as numbers when they look like some."""
    if isinstance(cell, bool):
        return "có" if cell else "không"
    if isinstance(cell, float) and column.name == "code":
        return f"{cell:.6f}"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    return unicodedata.normalize("NFC", str(cell)).replace("\r\n", "\n").strip()


# -- writing -----------------------------------------------------------------------------------------------------------


def csv_pieces(rows: Iterable[Mapping[str, str]]) -> Iterator[bytes]:
    """A CSV file (UTF-8 with its mark, RFC 4180), piece by piece."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.header for column in COLUMNS])
    yield b"\xef\xbb\xbf"
    for row in rows:
        writer.writerow([guarded(row.get(column.name, "")) for column in COLUMNS])
        if text.tell() > 100_000:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def write_xlsx(file: IO[bytes], rows: Iterable[Mapping[str, str]]) -> None:
    """A workbook: a sheet of procedures and one that says how to fill it in. Every cell is text, none is computed.

    Invalid when a line of a cell is longer than a cell may be; then CSV or JSON holds it.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(file, options) as book:
        sheet = book.add_worksheet("Thủ tục")
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 1)
        for n, column in enumerate(COLUMNS):
            sheet.write_string(0, n, column.header, bold)
            sheet.set_column(n, n, 18)
        at = 1
        for row in rows:
            # What is too long for one cell goes on in the rows below, under an empty code.
            cells = {n: _cut(row.get(column.name, ""), column) for n, column in enumerate(COLUMNS)}
            for line in range(max(1, *map(len, cells.values()))):
                for n, pieces in cells.items():
                    if line < len(pieces) and pieces[line]:
                        sheet.write_string(at, n, pieces[line])
                at += 1
        _guide(book)


def _guide(book: Workbook) -> None:
    guide = book.add_worksheet("Hướng dẫn")
    for n, title in enumerate(("Cột", "Bắt buộc", "Ví dụ, cách ghi")):
        guide.write_string(0, n, title, book.add_format({"bold": True}))
        guide.set_column(n, n, (30, 10, 90)[n])
    for n, column in enumerate(COLUMNS, 1):
        for m, text in enumerate((column.header, "có" if column.needed else "", column.example)):
            guide.write_string(n, m, text)


def _cut(text: str, column: Column) -> list[str]:
    if len(text) <= CELL_LIMIT:
        return [text]
    pieces = [""]
    for line in text.split("\n"):
        if len(line) > CELL_LIMIT or not column.lines:
            wrong = FieldError(column.pointer, "too_long", f"longer than {CELL_LIMIT} characters, which a cell holds")
            raise Invalid("a cell of a workbook cannot hold all of this; export CSV or JSON", errors=[wrong])
        if pieces[-1] and len(pieces[-1]) + len(line) + 1 > CELL_LIMIT:
            pieces.append(line)
        else:
            pieces[-1] += f"\n{line}" if pieces[-1] else line
    return pieces
