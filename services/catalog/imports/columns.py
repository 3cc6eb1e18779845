"""A procedure as a row of a sheet: the columns, and how a cell says what JSON says.

A cell is written the way an officer would type it; what cannot be said so without loss is written as JSON, which every
cell may hold too (it begins with `[`, `{` or `"`). Lists of objects have a line for each, its parts divided by `|`
(`\\|`, `\\n` and `\\\\` stand for those characters themselves). Every column's name is known in Vietnamese, in English,
and as both: `Mã thủ tục (code)`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.domain import fold
from chassis.errors import FieldError

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What a sheet's file would not give back as it was put in."""
_DURATION = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ngay lam viec|ngay|gio|working days?|days?|hours?)")
_UNITS = {"ngay lam viec": "working_day", "ngay": "calendar_day", "gio": "hour", "working day": "working_day"}
_UNITS |= {
    "working days": "working_day",
    "day": "calendar_day",
    "days": "calendar_day",
    "hour": "hour",
    "hours": "hour",
}
_UNIT_NAMES = {"working_day": "ngày làm việc", "calendar_day": "ngày", "hour": "giờ"}
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?|(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


class CellError(Exception):
    """A cell that does not say what its column is for. `code` as in `texts`, the text in English."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Column:
    """`read` makes a value, as in JSON, of a cell's text; `write` the text of a value that is not null. `lines`: its
    text may go on in the rows below, as in merged cells."""

    name: str
    title: str
    example: str
    pointer: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    needed: bool = False
    lines: bool = False

    @property
    def header(self) -> str:
        return f"{self.title} ({self.name})"

    def value(self, text: str) -> Any:
        """What the cell says; CellError."""
        if text[:1] in ('"', "[", "{"):
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                raise CellError("cell_json", "begins like JSON, and is none") from None
        return self.read(text)

    def text(self, value: Any) -> str:
        """The cell that says this."""
        if value is None or value == []:
            return ""
        try:
            text = self.write(value)
            if not _UNSAFE.search(text) and text and self.value(text) == value:
                return text
        except (CellError, KeyError, TypeError, AttributeError):
            pass
        return _as_json(value)


def _as_json(value: Any) -> str:
    # With a line for each part, so that it can be divided where one cell does not hold it.
    text = json.dumps(value, ensure_ascii=False, indent=None if isinstance(value, str) else 1)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# -- the kinds of cells ------------------------------------------------------------------------------------------------


def _word(words: Mapping[str, Any]) -> tuple[Callable[[str], Any], Callable[[Any], str]]:
    """One of several words; the first that has a value is the one that is written."""
    known = {fold(word): value for word, value in words.items()}

    def read(text: str) -> Any:
        try:
            return known[" ".join(fold(text).split())]
        except KeyError:
            raise CellError("cell_word", f"one of: {', '.join(words)}") from None

    def write(value: Any) -> str:
        return next(word for word, meant in words.items() if meant == value and type(meant) is type(value))

    return read, write


def _several(
    one: tuple[Callable[[str], Any], Callable[[Any], str]],
) -> tuple[Callable[[str], Any], Callable[[Any], str]]:
    read_one, write_one = one
    return (
        lambda text: [read_one(part.strip()) for part in re.split(r"[;\n]", text) if part.strip()],
        lambda values: "; ".join(write_one(value) for value in values),
    )


def _lines_read(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


_YES_NO = {"có": True, "không": False, "x": True, "yes": True, "no": False, "true": True, "false": False}
_YES_NO |= {"1": True, "0": False}
_LEVELS = {"tỉnh": "province", "huyện": "district", "xã": "commune"}
_LEVELS |= {"province": "province", "district": "district", "commune": "commune"}
_APPLICANTS = {"công dân": "citizen", "doanh nghiệp": "enterprise", "cơ quan nhà nước": "state_body"}
_APPLICANTS |= {"tổ chức": "organisation", "citizen": "citizen", "enterprise": "enterprise"}
_APPLICANTS |= {"state_body": "state_body", "organisation": "organisation"}
_SERVICE: dict[str, Any] = {"một phần": "partial", "toàn trình": "full", "partial": "partial", "full": "full"}
_SERVICE |= {"1": 1, "2": 2, "3": 3, "4": 4}
_RULES = {"tạm dừng": "pause", "tính lại": "restart", "pause": "pause", "restart": "restart"}
_KINDS = {"phí": "fee", "lệ phí": "charge", "fee": "fee", "charge": "charge"}
_ROLES = {"một cửa": "one_stop", "trưởng phòng": "head", "chuyên viên": "expert", "lãnh đạo": "leader"}
_ROLES |= {"văn thư": "clerk", "one_stop": "one_stop", "head": "head", "expert": "expert", "leader": "leader"}
_ROLES |= {"clerk": "clerk"}
_STEP_KINDS = {"xử lý": "task", "lấy ý kiến": "opinion", "thủ tục con": "child"}
_STEP_KINDS |= {"task": "task", "opinion": "opinion", "child": "child"}
_JOINS = {"tất cả": "all", "một trong": "any", "all": "all", "any": "any"}

_flag, _flag_text = _word(_YES_NO)
_same: tuple[Callable[[str], Any], Callable[[Any], str]] = (lambda text: text, str)


def _number(text: str) -> int:
    digits = re.sub(r"[ .,_](?=\d{3}(\D|$))", "", text)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise CellError("cell_number", "a whole number")
    return int(digits)


def _day(text: str) -> str:
    found = _DAY.fullmatch(text)
    if found is None:
        raise CellError("cell_date", "a day: 2026-07-01 or 01/07/2026")
    year, month, day = (found[n] for n in ((1, 2, 3) if found[1] else (6, 5, 4)))
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise CellError("cell_date", "a day that exists") from None


def _duration(text: str) -> dict[str, Any]:
    found = _DURATION.findall(" ".join(fold(text).split()))
    if len(found) != 1:
        raise CellError("cell_duration", "one time with its unit, like 3 ngày làm việc")
    amount = float(found[0][0].replace(",", "."))
    return {"amount": amount, "unit": _UNITS[found[0][1]]}


def _duration_text(value: Mapping[str, Any]) -> str:
    amount = float(value["amount"])
    shown = str(int(amount)) if amount.is_integer() and amount < 1e15 else repr(amount).replace(".", ",")
    return f"{shown} {_UNIT_NAMES[value['unit']]}"


def _parts(line: str) -> list[str]:
    """The parts of a line, divided by `|`."""
    parts: list[str] = [""]
    escaped = False
    for letter in line:
        if escaped:
            parts[-1] += {"n": "\n"}.get(letter, letter)
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == "|":
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\n")


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    default: Any = None


def _objects(*parts: _Part) -> tuple[Callable[[str], Any], Callable[[Any], str]]:
    def read(text: str) -> list[dict[str, Any]]:
        found = []
        for line in _lines_read(text):
            given = _parts(line)
            if len(given) > len(parts):
                raise CellError("cell_parts", f"at most {len(parts)} parts in a line, divided by |")
            given += [""] * (len(parts) - len(given))
            values = {
                part.name: part.read(each) if each else part.default for part, each in zip(parts, given, strict=True)
            }
            time = (values.pop("time") or _NO_TIME) if "time" in values else {}
            found.append(values | time)
        return found

    def write(values: Sequence[Mapping[str, Any]]) -> str:
        lines = []
        for value in values:
            given = {"time": _step_time(value), **value}
            written = [
                "" if given[part.name] == part.default else _escaped(part.write(given[part.name])) for part in parts
            ]
            while not written[-1]:
                written.pop()
            lines.append(" | ".join(written))
        return "\n".join(lines)

    return read, write


_NO_TIME = {"amount": None, "share": None}


def _step_time(step: Mapping[str, Any]) -> dict[str, Any] | None:
    time = {name: step.get(name) for name in _NO_TIME}
    return None if time == _NO_TIME else time


def _time(text: str) -> dict[str, Any]:
    """A step's time: an amount, or a share of the procedure's."""
    if text.endswith("%"):
        return {"amount": None, "share": _number(text[:-1].strip())}
    return {"amount": _duration(text), "share": None}


def _time_text(time: Mapping[str, Any]) -> str:
    return f"{time['share']}%" if time["share"] is not None else _duration_text(time["amount"])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CellError("cell_json", "JSON") from None


_COMPONENTS = _objects(
    _Part("code", *_same),
    _Part("name", *_same),
    _Part("originals", _number, str, 0),
    _Part("copies", _number, str, 0),
    _Part("required", _flag, _flag_text, True),
    _Part("result_code", *_same),
    _Part("replaced_by_database", *_same),
)
_FEE_PARTS = _objects(
    _Part("code", *_same),
    _Part("name", *_same),
    _Part("kind", *_word(_KINDS)),
    _Part("amount", _number, str),
    _Part("online_amount", _number, str),
    _Part("valid_from", _day, str),
    _Part("valid_to", _day, str),
)
_STEPS = _objects(
    _Part("id", *_same),
    _Part("name", *_same),
    _Part("role", *_word(_ROLES)),
    _Part("agency", *_same),
    _Part("time", _time, _time_text),
    _Part("after", lambda text: [part.strip() for part in text.split(",") if part.strip()], ", ".join, []),
    _Part("decision", _flag, _flag_text, False),
    _Part("kind", *_word(_STEP_KINDS), "task"),
    _Part("join", *_word(_JOINS), "all"),
    _Part("condition", _json, lambda value: json.dumps(value, ensure_ascii=False)),
    _Part("child", *_same),
)
_FACTS = _objects(_Part("name", *_same), _Part("pointer", *_same))


def _fees(text: str) -> list[dict[str, Any]]:
    return [{**fee, "exemptions": []} for fee in _FEE_PARTS[0](text)]


def _fees_text(fees: Sequence[Mapping[str, Any]]) -> str:
    return _FEE_PARTS[1](fees)


def _only_json(_text: str) -> Any:
    raise CellError("cell_json", "JSON")


COLUMNS: tuple[Column, ...] = (
    Column("code", "Mã thủ tục", "1.012784", "/code", *_same, needed=True),
    Column("local_code", "Mã địa phương", "1.012784.000.00.00.H56", "/local_code", *_same),
    Column("name", "Tên thủ tục", "Đăng ký đất đai lần đầu", "/name", *_same, needed=True),
    Column("field_code", "Mã lĩnh vực", "DATDAI", "/field/code", *_same, needed=True),
    Column("field_name", "Lĩnh vực", "Đất đai", "/field/name", *_same, needed=True),
    Column("service_level", "Mức độ dịch vụ", "toàn trình", "/service_level", *_word(_SERVICE), needed=True),
    Column("agencies", "Cơ quan", "H56.14; H56.15 (trống: mọi bộ phận một cửa của cấp)", "/agencies", *_several(_same)),
    Column("levels", "Cấp", "tỉnh; xã", "/levels", *_several(_word(_LEVELS)), needed=True),
    Column(
        "applicants", "Đối tượng", "công dân; doanh nghiệp", "/applicants", *_several(_word(_APPLICANTS)), needed=True
    ),
    Column(
        "components", "Thành phần hồ sơ",
        "mã | tên | bản chính | bản sao | bắt buộc (có/không) | mã kết quả | cơ sở dữ liệu thay thế",
        "/components", *_COMPONENTS, lines=True,
    ),
    Column(
        "duration", "Thời hạn", "3 ngày làm việc (trống: không hẹn ngày)",
        "/durations/counter", _duration, _duration_text,
    ),
    Column("duration_online", "Thời hạn trực tuyến", "2 ngày làm việc", "/durations/online", _duration, _duration_text),
    Column("cut_off", "Giờ chốt", "15:00", "/cut_off", *_same),
    Column("supplement_rule", "Khi bổ sung", "tạm dừng", "/supplement_rule", *_word(_RULES), needed=True),
    Column(
        "fees", "Phí, lệ phí", "mã | tên | phí hoặc lệ phí | số tiền | số tiền trực tuyến | từ ngày | đến ngày",
        "/fees", _fees, _fees_text, lines=True,
    ),
    Column(
        "process", "Quy trình",
        "s1 | tên bước | vai trò | cơ quan | 0,5 ngày làm việc hoặc 20% | sau bước s1, s2 | quyết định (có) | "
        "xử lý, lấy ý kiến hoặc thủ tục con | sau tất cả hoặc một trong các bước trước | điều kiện (JSON Schema) | "
        "mã thủ tục con",
        "/process/steps", *_STEPS, needed=True, lines=True,
    ),
    Column(
        "facts", "Dữ kiện của quy trình", "dien_tich | /dien_tich", "/process/facts", *_FACTS, lines=True,
    ),
    Column("result_code", "Mã kết quả", "KQ.G12.001041", "/result/code", *_same),
    Column("result_name", "Kết quả", "Giấy chứng nhận", "/result/name", *_same, needed=True),
    Column("essential", "Dịch vụ công thiết yếu", "project06", "/essential", _lines_read, "\n".join, lines=True),
    Column(
        "legal_basis", "Căn cứ pháp lý", "Luật Đất đai số 31/2024/QH15",
        "/legal_basis", _lines_read, "\n".join, lines=True,
    ),
    Column("form", "Biểu mẫu", "JSON Schema (2020-12)", "/form", _only_json, _as_json, lines=True),
    Column("valid_from", "Hiệu lực từ", "2026-07-01", "/valid_from", _day, str, needed=True),
    Column("valid_to", "Hiệu lực đến", "2027-01-01 (trống: chưa hết)", "/valid_to", _day, str),
    Column("more", "Khác", "JSON", "", _only_json, _as_json, lines=True),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}
_BY_HEADER = {
    " ".join(fold(text).split()): column for column in COLUMNS for text in (column.name, column.title, column.header)
}
_INSIDE = {
    "field_code": ("field", "code"),
    "field_name": ("field", "name"),
    "duration": ("durations", "counter"),
    "duration_online": ("durations", "online"),
    "process": ("process", "steps"),
    "facts": ("process", "facts"),
    "result_code": ("result", "code"),
    "result_name": ("result", "name"),
}
"""The columns that hold a part of a field."""


def named(header: str) -> Column | None:
    """The column with this name."""
    return _BY_HEADER.get(" ".join(fold(header).split()))


def column_of(pointer: str) -> str | None:
    """The title of the column that a field error is about."""
    best = max(
        (column for column in COLUMNS if column.pointer and f"{pointer}/".startswith(f"{column.pointer}/")),
        key=lambda column: len(column.pointer),
        default=None,
    )
    if best is not None:
        return best.title
    return next((c.title for c in COLUMNS if pointer and c.pointer.startswith(f"{pointer}/")), None)


def row_of(cells: Mapping[str, str]) -> tuple[dict[str, Any], list[FieldError]]:
    """The item that a row's cells say, by the columns' names, as in a JSON import; and what cannot be read of them."""
    row: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, text in cells.items():
        column = BY_NAME[name]
        if not text:
            continue
        try:
            value = column.value(text)
        except CellError as error:
            errors.append(FieldError(column.pointer, error.code, str(error)))
            continue
        if name == "more":
            row = {**(value if isinstance(value, dict) else {"more": value}), **row}
        elif name in _INSIDE:
            whole, part = _INSIDE[name]
            row.setdefault(whole, {})[part] = value
        else:
            row[name] = value
    row.setdefault("components", [])
    row.setdefault("durations", None)
    if "result" in row:
        row["result"].setdefault("code", None)
    return row, errors


def cells_of(item: Mapping[str, Any]) -> dict[str, str]:
    """The cells of a procedure as a JSON import would have it."""
    cells: dict[str, str] = {}
    left = {name: value for name, value in item.items() if value is not None and value != []}
    for column in COLUMNS[:-1]:
        if column.name in _INSIDE:
            whole, part = _INSIDE[column.name]
            value = (item.get(whole) or {}).get(part)
            left.pop(whole, None)
        else:
            value = left.pop(column.name, None)
        cells[column.name] = column.text(value)
    cells["more"] = _as_json(left) if left else ""
    return cells
