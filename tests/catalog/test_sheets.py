"""Procedures in CSV and XLSX: what an export says, an import reads; and what clumsy and hostile files do."""

import contextlib
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from catalog.domain import Component, Duration, Durations, Exemption, Fee, FieldOfWork, Procedure, Process, Result, Step
from catalog.imports import sheets
from catalog.imports.columns import BY_NAME, COLUMNS, cells_of, column_of, named, row_of
from catalog.imports.engine import Item
from catalog.imports.exports import item_of
from catalog.schemas import ProcedureRow
from chassis.errors import Invalid
from tests.catalog.making import days, hours, procedure
from tests.support.effort import examples

HEADER = [column.header for column in COLUMNS]


def cells(**changes: str) -> dict[str, str]:
    return cells_of(item_of(procedure())) | changes


def csv_of(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    lines = [HEADER, *([row.get(column.name, "") for column in COLUMNS] for row in rows)]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in line] for line in lines]
    return "\r\n".join(delimiter.join(line) for line in quoted).encode()


def xlsx_of(rows: Sequence[Sequence[Any]], fill: Callable[[Any, Any], None] = lambda _book, _sheet: None) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
        fill(book, sheet)
    return file.getvalue()


def sheet_of(*rows: dict[str, Any]) -> list[list[Any]]:
    return [HEADER, *([row.get(column.name, "") for column in COLUMNS] for row in rows)]


def back(item: Item) -> Procedure:
    assert item.errors == ()
    parsed = ProcedureRow.model_validate(item.raw)
    return parsed.procedure(parsed.code)


def exported(format: str, *procedures: Procedure) -> bytes:
    rows = [cells_of(item_of(each)) for each in procedures]
    if format == "csv":
        return b"".join(sheets.csv_pieces(rows))
    file = io.BytesIO()
    sheets.write_xlsx(file, rows)
    return file.getvalue()


def read(format: str, data: bytes) -> list[Item]:
    return sheets.read_csv(data) if format == "csv" else sheets.read_xlsx(data)


def codes(items: Sequence[Item]) -> list[list[tuple[str, str]]]:
    return [[(error.pointer, error.code) for error in item.errors] for item in items]


def why(data: bytes, format: str = "xlsx") -> list[str]:
    with pytest.raises(sheets.SheetError) as refused:
        read(format, data)
    return [error.code for error in refused.value.errors]


# -- there and back

LETTERS = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t\r")
TEXTS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=30),
    st.sampled_from(
        ["=cmd|' /C calc'!A0", "+1", "-x", "@x", "'=x", "''", "a|b", "a\\nb", "\\", '"', "[1]", "{", "_x000D_", "1,5"]
    ),
).map(lambda text: text.strip() or "x")  # fmt: skip
WORDS = st.text("abcdefghij0123456789", min_size=1, max_size=6)
DURATIONS = st.builds(
    Duration,
    amount=st.one_of(st.integers(1, 300).map(float), st.sampled_from([0.5, 0.25, 0.125, 7.25])),
    unit=st.sampled_from(["working_day", "calendar_day", "hour"]),
)
DAYS = st.dates(date(1995, 1, 1), date(2099, 12, 31))
STEPS = st.builds(
    Step,
    id=WORDS,
    name=TEXTS,
    role=st.sampled_from(["one_stop", "head", "expert", "leader", "clerk"]),
    agency=st.one_of(st.none(), st.just("@parent"), st.just("H56.14")),
    amount=st.one_of(st.none(), DURATIONS),
    share=st.one_of(st.none(), st.integers(1, 100)),
    after=st.lists(WORDS, max_size=3).map(tuple),
    decision=st.booleans(),
)
COMPONENTS = st.builds(
    Component,
    code=TEXTS,
    name=TEXTS,
    originals=st.integers(0, 1000),
    copies=st.integers(0, 1000),
    required=st.booleans(),
    result_code=st.one_of(st.none(), st.just("KQ.G12.001041")),
    replaced_by_database=st.one_of(st.none(), TEXTS),
)
FEES = st.builds(
    Fee,
    code=TEXTS,
    name=TEXTS,
    kind=st.sampled_from(["fee", "charge"]),
    amount=st.integers(0, 10**12),
    online_amount=st.one_of(st.none(), st.integers(0, 10**12)),
    exemptions=st.lists(st.builds(Exemption, code=TEXTS, name=TEXTS, legal_basis=TEXTS), max_size=2).map(tuple),
    valid_from=st.one_of(st.none(), DAYS),
    valid_to=st.one_of(st.none(), DAYS),
)
PROCEDURES = st.builds(
    Procedure,
    code=st.from_regex(r"[0-9]\.[0-9]{6}", fullmatch=True),
    version=st.just(0),
    local_code=st.one_of(st.none(), st.just("2.002622.H56")),
    name=TEXTS,
    field=st.builds(FieldOfWork, code=TEXTS, name=TEXTS),
    service_level=st.sampled_from([1, 2, 3, 4, "partial", "full"]),
    agencies=st.lists(st.sampled_from(["H56.14", "000.17.H56"]), unique=True).map(tuple),
    levels=st.lists(st.sampled_from(["province", "district", "commune"]), unique=True, min_size=1).map(tuple),
    applicants=st.lists(
        st.sampled_from(["citizen", "enterprise", "state_body", "organisation"]), unique=True, min_size=1
    ).map(tuple),
    components=st.lists(COMPONENTS, max_size=3).map(tuple),
    durations=st.one_of(
        st.none(), st.builds(Durations, counter=DURATIONS, online=st.one_of(st.none(), DURATIONS))
    ),
    cut_off=st.one_of(st.none(), st.just("15:00")),
    supplement_rule=st.sampled_from(["pause", "restart"]),
    fees=st.lists(FEES, max_size=2).map(tuple),
    process=st.builds(Process, steps=st.lists(STEPS, min_size=1, max_size=3).map(tuple)),
    result=st.builds(Result, code=st.one_of(st.none(), st.just("KQ.G12.001041")), name=TEXTS),
    essential=st.lists(TEXTS, max_size=2).map(tuple),
    legal_basis=st.lists(TEXTS, max_size=3).map(tuple),
    valid_from=DAYS,
    valid_to=st.one_of(st.none(), DAYS),
    form=st.one_of(st.none(), st.just({"type": "object", "title": "Tờ khai =1\r\n_x000D_"})),
)  # fmt: skip


def composed(value: Any) -> Any:
    """As a procedure that came over HTTP: its texts are in NFC."""
    return json.loads(unicodedata.normalize("NFC", json.dumps(value, ensure_ascii=False)))


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@settings(max_examples=examples(20, 60), deadline=None)
@given(made=st.lists(PROCEDURES, min_size=1, max_size=3))
def test_what_is_exported_is_imported_as_it_was(format: str, made: list[Procedure]) -> None:
    procedures = [back(Item("procedure", 0, composed(item_of(each)))) for each in made]
    items = read(format, exported(format, *procedures))
    assert [back(item) for item in items] == procedures


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_what_no_cell_holds_goes_on_below(format: str) -> None:
    papers = tuple(Component(code=f"TP{n}", name=f"Giấy tờ{' số' * 200}", originals=1) for n in range(200))
    made = procedure(version=0, components=papers)
    following = procedure(version=0, code="1.000001")
    data = exported(format, made, following)
    assert [back(item) for item in read(format, data)] == [made, following]


def test_a_cell_that_cannot_be_divided_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as refused:
        exported("xlsx", procedure(components=(Component(code="TP1", name="x" * 40_000),)))
    assert refused.value.errors[0].pointer == "/components"


def test_cells_are_written_as_an_officer_would_type_them() -> None:
    made = cells()
    assert made["components"] == "TP1 | Đơn đăng ký | 1"
    assert made["duration"] == "3 ngày làm việc"
    assert made["fees"] == "LP1 | Lệ phí đăng ký | lệ phí | 50000"
    assert made["process"].splitlines()[1:] == [
        "s2 | Thẩm định | chuyên viên |  | 2 ngày làm việc | s1",
        "s3 | Ký | lãnh đạo |  | 4 giờ | s2 | có",
    ]
    assert (made["levels"], made["applicants"], made["service_level"]) == ("xã", "công dân", "một phần")


def test_every_field_of_a_procedure_has_its_column_and_every_column_its_title() -> None:
    assert cells_of(item_of(procedure()))["more"] == ""
    assert len({column.title for column in COLUMNS}) == len(COLUMNS)
    for column in COLUMNS:
        assert named(column.title) is named(column.name.upper()) is named(column.header) is column
    assert named("  Ma   thu tuc ") is BY_NAME["code"]
    assert column_of("/process/steps/2/after/0") == "Quy trình"
    assert (column_of("/durations/online"), column_of("/durations"), column_of("")) == (
        "Thời hạn trực tuyến",
        "Thời hạn",
        None,
    )


def test_a_workbook_is_read_as_programs_write_it() -> None:
    typed: dict[str, Any] = cells() | {"code": 1.012780, "service_level": 4, "cut_off": ""}
    rows = sheet_of(typed)
    at = [column.name for column in COLUMNS].index("valid_from")

    def fill(book: Any, sheet: Any) -> None:
        sheet.write_datetime(1, at, date(2026, 7, 1), book.add_format({"num_format": "dd/mm/yyyy"}))

    [item] = sheets.read_xlsx(xlsx_of(rows, fill))
    made = back(item)
    assert (made.code, made.service_level, made.valid_from, item.index) == ("1.012780", 4, date(2026, 7, 1), 2)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [("Không quá 15 ngày làm việc", (15, "working_day")), ("0,5 ngày", (0.5, "calendar_day")), ("4 giờ", (4, "hour")),
     ("3 working days", (3, "working_day"))],
)  # fmt: skip
def test_times_are_read_out_of_their_sentence(text: str, read_as: tuple[float, str]) -> None:
    row, errors = row_of({"duration": text})
    assert errors == []
    assert row["durations"]["counter"] == {"amount": read_as[0], "unit": read_as[1]}


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("duration", "3", "cell_duration"),
        ("duration", "3 ngày và 2 giờ", "cell_duration"),
        ("valid_from", "31/02/2026", "cell_date"),
        ("valid_from", "hôm nay", "cell_date"),
        ("levels", "tỉnh; phường 1", "cell_word"),
        ("components", "a | b | x", "cell_number"),
        ("components", "a|b|1|1|có|||x", "cell_parts"),
        ("form", "không", "cell_json"),
        ("components", "[", "cell_json"),
        ("components", "[" * 100_000, "cell_json"),
        ("fees", "a | b | phí | 1e9", "cell_number"),
    ],
)
def test_what_a_cell_does_not_say_is_an_error_of_its_column(column: str, text: str, code: str) -> None:
    [item] = sheets.read_csv(csv_of(cells(**{column: text})))
    assert codes([item]) == [[(BY_NAME[column].pointer, code)]]


# -- clumsy files


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_as_different_programs_write_it(delimiter: str, mark: bytes) -> None:
    data = mark + csv_of(cells(), cells(code="1.000001"), delimiter=delimiter)
    assert [back(item).code for item in sheets.read_csv(data)] == ["1.012784", "1.000001"]
    assert [item.index for item in sheets.read_csv(data)] == [2, 3]
    assert len(sheets.read_csv(data.removeprefix(mark).decode().encode("utf-16"))) == 2


def test_text_is_composed() -> None:
    [item] = sheets.read_csv(csv_of(cells(name="So\u031b\u0309")))
    assert back(item).name == "S\u1edf"


def test_another_encoding_is_named() -> None:
    data = csv_of(cells(name="x")).replace(b'"x"', "Đất".encode("cp1258", "replace"), 1)
    assert why(data, "csv") == ["encoding"]


def test_a_missing_quote_is_named() -> None:
    assert why(csv_of(cells()) + b'\r\n"1.000001,x\r\n' + b"x\r\n" * 10, "csv") == ["csv_broken"]


def test_the_header_is_checked_before_any_row() -> None:
    assert why(b"a,b,c\r\n1,2,3", "csv") == ["no_header"]
    assert why(b"", "csv") == ["no_header"]
    assert why(csv_of(), "csv") == ["no_rows"]
    broken = csv_of(cells()).replace("Tên thủ tục (name)".encode(), b"Ten gi do").replace(b"(levels)", b"(field_code)")
    assert sorted(why(broken, "csv")) == ["column_missing", "column_missing", "column_unknown", "column_unknown"]


def test_a_title_may_stand_above_the_header() -> None:
    rows = [["DANH MỤC THỦ TỤC"], [], *sheet_of(cells())]
    [item] = sheets.read_xlsx(xlsx_of(rows))
    assert item.index == 4


def test_merged_cells_go_on_with_the_row_above() -> None:
    first, *others = sheet_of(cells(components="TP1 | Một"), {"components": "TP2 | Hai"}, cells(code="1.000001"))
    items = sheets.read_xlsx(xlsx_of([first, *others], lambda _book, sheet: sheet.merge_range(1, 0, 2, 0, "1.012784")))
    assert [[paper.name for paper in back(item).components] for item in items] == [["Một", "Hai"], ["Đơn đăng ký"]]


def test_a_row_without_a_code_is_not_lost_in_the_row_above() -> None:
    items = sheets.read_csv(csv_of(cells(), {"name": "Thủ tục không mã"}, {"components": "TP9 | Thêm"}))
    assert codes(items) == [[], [("/code", "code_missing")]]
    assert len(back(items[0]).components) == 1


def test_cells_outside_the_columns_are_named() -> None:
    [header, row] = sheet_of(cells())
    assert codes(sheets.read_xlsx(xlsx_of([header, [*row, "ghi chú"]]))) == [[("", "outside_columns")]]


# -- hostile files


def test_formulas_are_never_computed_and_never_taken() -> None:
    rows = sheet_of(cells(), cells(code="1.000001"))

    def fill(_book: Any, sheet: Any) -> None:
        sheet.write_formula(1, 2, "=cmd|' /C calc'!A0", value="Tên")

    assert codes(sheets.read_xlsx(xlsx_of(rows, fill))) == [[("/name", "formula")], []]
    assert codes(sheets.read_csv(csv_of(cells(name="=1+1")))) == [[("/name", "formula")]]
    assert codes(sheets.read_csv(csv_of(cells(name="#REF!")))) == [[("/name", "cell_error")]]


def test_an_export_computes_nothing_when_it_is_opened() -> None:
    made = procedure(version=0, name="=cmd|' /C calc'!A0", essential=("@SUM(1)",))
    text = exported("csv", made).decode("utf-8-sig")
    assert "'=cmd" in text
    assert ",'@SUM(1)," in text
    book = load_workbook(io.BytesIO(exported("xlsx", made)))
    assert {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row} == {"s", "n"}
    assert all(cell.value is None for row in book.worksheets[0].iter_rows() for cell in row if cell.data_type == "n")


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return file.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_a_package_that_would_fill_the_memory_is_not_unpacked() -> None:
    parts = parts_of(xlsx_of(sheet_of(cells())))
    sheet = "xl/worksheets/sheet1.xml"
    assert why(packed(parts | {sheet: parts[sheet] + b" " * 51_000_000})) == ["too_much"]
    assert why(packed(parts | {f"x{n}": b"" for n in range(600)})) == ["too_much"]
    assert why(packed({f"{n:0200}": b"" for n in range(1_000)})) == ["too_much"]


def test_a_directory_that_understates_a_part_gains_nothing() -> None:
    parts = parts_of(xlsx_of(sheet_of(cells())))
    sheet = "xl/worksheets/sheet1.xml"
    data = bytearray(packed(parts | {sheet: parts[sheet] + b" " * 1_000_000}))
    entry = data.rfind(sheet.encode()) - 46
    data[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    assert why(bytes(data)) == ["workbook_broken"]


def test_macros_are_refused() -> None:
    assert why(packed(parts_of(xlsx_of(sheet_of(cells()))) | {"xl/vbaProject.bin": b"x"})) == ["macros"]


@pytest.mark.parametrize(
    "data", [b"PK", b"PK\x03\x04" + b"x" * 100, packed({}), packed({"a": b"b"}),
             packed({"[Content_Types].xml": b"<a"})],
)  # fmt: skip
def test_what_is_no_workbook_is_said_to_be_none(data: bytes) -> None:
    assert why(data) == ["workbook_broken"]


def test_a_workbook_of_broken_or_exploding_xml_is_refused() -> None:
    parts = parts_of(xlsx_of(sheet_of(cells())))
    sheet = "xl/worksheets/sheet1.xml"
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]><worksheet>&a11;</worksheet>'.encode()
    for broken in (parts[sheet][:-100], b"\x00\xff", bomb):
        assert why(packed(parts | {sheet: broken})) in (["workbook_broken"], ["no_header"])


@pytest.mark.parametrize("last", [50_000, pytest.param(1_048_576, marks=pytest.mark.thorough)])
def test_a_million_empty_rows_are_passed_over(last: int) -> None:
    """As a program leaves them that was told to format whole columns; the sheet's stated size is not believed."""
    parts = parts_of(xlsx_of(sheet_of(cells())))
    sheet = "xl/worksheets/sheet1.xml"
    empty = b"".join(b'<row r="%d"/>' % n for n in range(3, last // 10)) + b'<row r="%d"></row>' % last
    parts[sheet] = parts[sheet].replace(b"</sheetData>", empty + b"</sheetData>")
    breaths: list[int] = []
    items = sheets.read_xlsx(packed(parts), lambda: breaths.append(1))
    assert [back(item).code for item in items] == ["1.012784"]
    assert len(breaths) == last // 1_000


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 2)
    three = [cells(code=f"1.00000{n}") for n in range(3)]
    assert why(csv_of(*three), "csv") == ["too_many_rows"]
    assert len(sheets.read_csv(csv_of(*three[:2]))) == 2


@settings(max_examples=examples(40, 100), deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_no_bytes_break_a_reader(data: bytes) -> None:
    for format, prefix in (("csv", ",".join(HEADER).encode() + b"\n"), ("csv", b""), ("xlsx", b"PK"), ("xlsx", b"")):
        with contextlib.suppress(sheets.SheetError):
            read(format, prefix + data)


def test_shares_and_amounts_of_steps() -> None:
    steps = (Step(id="a", name="A", role="leader", share=100, decision=True),)
    made = procedure(version=0, process=Process(steps=steps), durations=Durations(counter=days(2), online=hours(4)))
    assert cells_of(item_of(made))["process"] == "a | A | lãnh đạo |  | 100% |  | có"
    assert back(sheets.read_csv(exported("csv", made))[0]) == made
