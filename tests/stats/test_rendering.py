"""Each format of a report, opened by a reader that has nothing to do with who wrote it."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from stats import report_texts
from stats.domain.content import head_line, read, row_line
from stats.domain.reports import FORMATS, Cell, Column, Format, Head, Note, Row, Table, differences
from stats.producing import NotRendered, in_a_process
from stats.rendering import paper
from stats.rendering.__main__ import main
from stats.rendering.separated import guarded

NAMES = [
    '=HYPERLINK("http://x.example";"Bấm vào")',
    "+84912000111",
    "-Ủy ban nhân dân xã Đông Sơn",
    "@SUM(1)",
    "Sở Tài nguyên & Môi trường <Thanh Hóa>, “đất đai”",
    "_x0041_ \\ ' \" ; , |",
]
TABLE = Table(
    id="one",
    vi="Bảng: một/hai [3]?",
    en="A table",
    columns=(
        Column(id="code", vi="Mã", en="Code"),
        Column(id="name", vi="=Tên", en="Name"),
        Column(id="channel", vi="Hình thức", en="Channel", words={"online": "Trực tuyến"}),
        Column(id="number", vi="Số", en="Number", kind="number"),
        Column(id="share", vi="Tỷ lệ", en="Share", kind="percent"),
        Column(id="on", vi="Ngày", en="Day", kind="day"),
    ),
)
EMPTY = Table(id="two", vi="Không có gì", en="Nothing", columns=(Column(id="x", vi="X", en="X"),))
ROWS: list[tuple[Cell, ...]] = [
    (f"c{n}", name, "online", 1234 * n - 2, 82.08, f"2024-08-{n + 1:02}") for n, name in enumerate(NAMES)
]
ROWS.append(("c9", "Đăng ký khai sinh", None, None, None, None))
TOTAL: tuple[Cell, ...] = ("", "", "", 18_498, "", "")
HEAD = Head(
    form="monthly", title=Note(vi="=Báo cáo tháng 08/2024", en="Report"), agency="H56", agency_name="Tỉnh Thanh Hóa",
    month="2024-08", known_until=datetime(2024, 9, 1, 3, 4, 5, tzinfo=UTC), tables=(TABLE, EMPTY),
    notes=(Note(vi="Ghi chú về đất đai", en="A note"),),
)  # fmt: skip


def content(head: Head = HEAD, rows: Sequence[Row] | None = None) -> bytes:
    if rows is None:
        rows = [*(Row(0, cells) for cells in ROWS), Row(0, TOTAL, total=True)]
    return head_line(head) + b"".join(map(row_line, rows))


def made(format: Format, source: bytes | None = None) -> bytes:
    out = io.BytesIO()
    main(format, io.BytesIO(content() if source is None else source), out)
    return out.getvalue()


def test_the_content_is_what_was_written() -> None:
    head, rows = read(io.BytesIO(content()))
    assert head == HEAD
    assert list(rows) == [*(Row(0, cells) for cells in ROWS), Row(0, TOTAL, total=True)]


def test_json_has_every_number_under_its_column() -> None:
    found = json.loads(made("json"))
    first, second = found["tables"]
    ids = [column.id for column in TABLE.columns]
    assert [tuple(row[id] for id in ids) for row in first["rows"]] == ROWS
    assert first["total"] == {"number": 18_498}
    assert (second["rows"], second["total"]) == ([], None)
    assert found["known_until"] == "2024-09-01T03:04:05.000Z"
    assert first["columns"][2]["words"]


def test_a_workbook_opens_with_another_library() -> None:
    book = openpyxl.load_workbook(io.BytesIO(made("xlsx")))
    sheet, empty, notes = book.worksheets
    assert (sheet.title, notes.title) == ("1. Bảng  một hai  3", "Ghi chú")
    assert sheet.freeze_panes == "B6"
    rows = list(sheet.iter_rows(min_row=5))
    assert [cell.value for cell in rows[0]] == [column.vi for column in TABLE.columns]
    for cells, wanted in zip(rows[1:], ROWS, strict=False):
        values: list[Any] = [cell.value for cell in cells]
        code, name, channel, number, share, on = values
        # ECMA-376 18.18.80 writes `_x0041_` so, and this reader leaves it to others to read it.
        assert (code, unescape(name), cells[1].data_type) == (*wanted[:2], "s"), "text stays text"
        assert channel == (None if wanted[2] is None else "Trực tuyến")
        assert (number, share) == wanted[3:5]
        assert (None if on is None else on.date()) == (
            None if wanted[5] is None else date.fromisoformat(str(wanted[5]))
        )
    assert [cell.value for cell in rows[-1]] == ["Tổng cộng", None, None, 18_498, None, None]
    assert rows[1][3].number_format == "#,##0"
    assert len(list(empty.iter_rows(min_row=5))) == 1
    assert "Ghi chú về đất đai" in [row[0].value for row in notes.iter_rows()]


def test_csv_is_right_in_a_spreadsheet() -> None:
    data = made("csv")
    assert data.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in data
    assert b"\n" not in data.replace(b"\r\n", b"")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["'=Báo cáo tháng 08/2024"]
    at = rows.index([TABLE.vi])
    assert rows[at + 1] == ["Mã", "'=Tên", "Hình thức", "Số", "Tỷ lệ", "Ngày"]
    for row, (code, name, channel, number, share, on) in zip(rows[at + 2 :], ROWS, strict=False):
        assert row[0] == code
        assert row[1].removeprefix("'") == name
        assert not row[1].startswith(("=", "+", "-", "@"))
        assert row[2] == ("" if channel is None else "Trực tuyến")
        assert row[3:] == ["" if each is None else str(each) for each in (number, share, on)]
    assert ["Tổng cộng", "", "", "18498", "", ""] in rows
    assert [EMPTY.vi] in rows
    assert ["X"] in rows


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_text_is_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded("a=1") == "a=1"


def test_every_format_is_made_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The PDF too, read by another program."""
    source = tmp_path / "content"
    many = [Row(0, (f"c{n}", NAMES[n % 6], "online", n, None, None)) for n in range(60)]
    source.write_bytes(content(rows=[*many, Row(0, TOTAL, total=True)]))
    signs: list[int] = []
    for format in FORMATS:
        in_a_process(format, source, tmp_path / format, lambda: signs.append(1))
    formats: tuple[Format, ...] = ("json", "csv")
    for format in formats:
        assert (tmp_path / format).read_bytes() == made(format, source.read_bytes())
    said = subprocess.run(["pdftotext", "-layout", tmp_path / "pdf", "-"], capture_output=True, check=True)
    pages = said.stdout.decode().split("\f")[:-1]
    assert len(pages) > 1
    assert all("Hình thức" in page for page in pages[:2]), "the head is on every page"
    text = " ".join(said.stdout.decode().split())
    assert "c59" in text
    assert "18.498" in text
    assert "Tổng cộng" in text
    assert "Ghi chú về đất đai" in text
    assert f"1/{len(pages)}" in text


def test_a_process_that_fails_makes_no_file(tmp_path: Path) -> None:
    source = tmp_path / "content"
    source.write_bytes(b"no report")
    with pytest.raises(NotRendered):
        in_a_process("csv", source, tmp_path / "csv", lambda: None)


def test_numbers_on_paper_are_written_in_vietnamese() -> None:
    columns = TABLE.columns
    assert paper.shown(columns[3], 1_234_567) == "1.234.567"
    assert paper.shown(columns[3], -2) == "-2"
    assert paper.shown(columns[4], 1082.5) == "1.082,50"
    assert paper.shown(columns[5], "2024-08-03") == "03/08/2024"
    assert (paper.shown(columns[3], None), paper.shown(columns[0], None)) == ("–", "")


def test_paper_tells_what_it_leaves_out() -> None:
    rows = [Row(0, (f"c{n}", "", None, n, None, None)) for n in range(paper.ROWS + 30)]
    [first, _] = paper.content(HEAD, [*rows, Row(0, TOTAL, total=True)])["tables"]
    assert (len(first["rows"]), first["more"], first["total"][3]) == (paper.ROWS, 30, "18.498")


def test_differences_are_of_numbers_not_of_names() -> None:
    said = {"a": ("a", "Tên cũ", None, 1, 2.0, None), "b": ("b", "B", None, 5, None, None)}
    now = {"a": ("a", "Tên mới", None, 1, 2.5, None), "c": ("c", "C", None, 7, None, None)}
    found = [(each.row, each.column, each.said, each.now) for each in differences(TABLE, said, now)]
    assert found == [("a", "share", 2.0, 2.5), ("b", "number", 5, None), ("c", "number", None, 7)]


def test_every_number_of_a_report_has_a_title_in_both_languages() -> None:
    tables = [each for each in vars(report_texts).values() if isinstance(each, Table)]
    tables += [report_texts.ranking(code) for code in report_texts.RANKED]
    assert len(tables) > 8
    for table in tables:
        assert all(column.vi and column.en for column in table.columns)
        assert len({column.id for column in table.columns}) == len(table.columns)


@pytest.mark.thorough
def test_an_office_program_reads_the_workbook_and_the_csv(tmp_path: Path) -> None:
    formats: tuple[Format, ...] = ("xlsx", "csv")
    for format in formats:
        path = tmp_path / f"report.{format}"
        path.write_bytes(made(format))
        command = ["soffice", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76"]
        if format == "csv":
            # Comma, quotes, UTF-8: what its dialogue shows, and Excel takes from the byte order mark.
            command.append("--infilter=CSV:44,34,76")
        subprocess.run([*command, "--outdir", tmp_path / "out", path], check=True, timeout=120)
        text = (tmp_path / "out" / "report.csv").read_text("utf-8-sig")
        assert "Sở Tài nguyên & Môi trường" in text
        assert "=HYPERLINK" in text
        assert "#NAME" not in text


LARGEST = """
import resource, sys
from pathlib import Path
from stats.domain.reports import FORMATS
from stats.producing import in_a_process
for format in FORMATS:
    in_a_process(format, Path(sys.argv[1]), Path(sys.argv[2], format), lambda: None)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.thorough
def test_a_register_of_100_000_rows_is_made_in_little_memory(tmp_path: Path) -> None:
    head = Head(
        form="register", title=Note(vi="Sổ", en="Register"), agency="H56", agency_name="Tỉnh Thanh Hóa",
        month="2024-08", known_until=HEAD.known_until, tables=(report_texts.SUMMARY, report_texts.REGISTER), notes=(),
    )  # fmt: skip
    source = tmp_path / "content"
    with source.open("wb") as out:
        out.write(head_line(head))
        for n in range(100_000):
            days = ("2024-08-01", "2024-08-02", "2024-08-09", None, None, None, None)
            cells = (f"H56-{n}", "1.001193", "Đăng ký khai sinh", "H56", "Tỉnh", "online", "full", *days)
            out.write(row_line(Row(1, cells)))
    # In a process of its own, which has no other children: the largest of those that have ended, in KB.
    asked = subprocess.run(
        [sys.executable, "-c", LARGEST, source, tmp_path], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, check=True, text=True, timeout=240,
    )  # fmt: skip
    assert 10_000 < int(asked.stdout) < 300_000
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / "xlsx").read_bytes()), read_only=True)
    assert sum(1 for _ in book.worksheets[1].iter_rows(min_row=6, max_col=1)) == 100_000
    assert len(json.loads((tmp_path / "json").read_bytes())["tables"][1]["rows"]) == 100_000
