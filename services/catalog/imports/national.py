"""Procedures in the shape of the national database's published lists (dichvucong.gov.vn), made into rows of ours.

Such a list leaves out much of what a version of a procedure has, and what it holds is not always sound. What can be put
right without promising or demanding anything that the law does not is put right, and each such place is named in a
warning; a row is refused only for what nothing can stand in for. What is taken where something is missing or unclear:

- time: none is promised; a bare number is read as calendar days, the stricter reading; a month is 30 days (Bộ luật Dân
  sự 2015, Điều 146);
- fees: none is asked for; applicants: nobody is turned away; papers: none is demanded that only some cases need;
- service level: "partial" where the list says that it can be filed online, else 2, which does not allow that;
- steps: the usual chain of Thông tư 03/2025/TT-VPCP (reception, work, decision, return of the result).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from catalog.domain import NATIONAL_CODE, RESULT_CODE, fold
from chassis.errors import FieldError

DAYS_OF_A_MONTH = 30
LOWEST_FEE = 1_000
"""In đồng. Less than that is a number that was cut off, or a count of something else."""
CUT_NAME = 500
"""The lists cut names off at this many characters."""
_LEVELS = ("province", "district", "commune")
_SERVICE_LEVELS = {"whole_process": "full", "part": "partial", "whole_and_part": "partial"}
_UNITS = {
    "working_day": ("working_day", 1),
    "day": ("calendar_day", 1),
    "working_hour": ("hour", 1),
    "hour": ("hour", 1),
    "month": ("calendar_day", DAYS_OF_A_MONTH),
    "year": ("calendar_day", 365),
}
_APPLICANTS = (
    ("state_body", re.compile(r"co quan|to chuc dang")),
    ("enterprise", re.compile(r"^(doanh nghiep|hop tac xa|htx)")),
    ("organisation", re.compile(r"^to chuc")),
    ("citizen", re.compile(r"cong dan|nguoi nuoc ngoai|nguoi viet nam|ca nhan|can bo|cong chuc|vien chuc|dang vien")),
)
_DURATION = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ngay lam viec|gio lam viec|ngay|gio|thang|nam)")
_UNIT_WORDS = {
    "ngay lam viec": "working_day",
    "gio lam viec": "working_hour",
    "ngay": "day",
    "gio": "hour",
    "thang": "month",
    "nam": "year",
}
_AMOUNT = re.compile(r"\d{1,3}(?:[.,]\d{3})+|\d+")
_NOT_A_NAME = re.compile(r"^(ngay sau khi|trong thoi han|khong qua|cong bo danh muc)")
_COMMUNE = re.compile(r"\b(xa|phuong|thi tran)\b")
_CODE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Converted:
    """A row of ours, as an item of an import would be (without `valid_from`), and what was assumed or wrong in it."""

    row: dict[str, Any]
    warnings: list[FieldError] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)


def convert(item: Any, valid_from: date) -> Converted:
    """One entry of such a list. Any shape at all is taken, since nothing promises one."""
    if not isinstance(item, dict):
        return Converted({}, errors=[FieldError("", "not_an_object", "an object")])
    found = _Reading(item)
    durations = found.durations()
    row = {
        "code": found.code(),
        "name": found.name(),
        "field": found.field(),
        "service_level": found.service_level(),
        "levels": found.levels(),
        "applicants": found.applicants(),
        "components": found.components(),
        "durations": durations,
        "supplement_rule": "pause",
        "fees": found.fees(),
        "process": _process(durations is not None),
        "result": found.result(),
        "legal_basis": found.legal_basis(),
        "valid_from": valid_from.isoformat(),
    }
    found.warn("/process", "process_assumed", "the list has no steps; the usual chain is taken")
    return Converted(row, found.warnings, found.errors)


class _Reading:
    """Reads one entry, and keeps what is to be said of it."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.warnings: list[FieldError] = []
        self.errors: list[FieldError] = []

    def warn(self, pointer: str, code: str, message: str) -> None:
        self.warnings.append(FieldError(pointer, code, message))

    def _text(self, name: str) -> str:
        value = self._item.get(name)
        return " ".join(value.split()) if isinstance(value, str) else ""

    def _objects(self, name: str) -> list[Mapping[str, Any]]:
        value = self._item.get(name)
        return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

    def _texts(self, name: str) -> list[str]:
        value = self._item.get(name)
        return [each.strip() for each in value if isinstance(each, str)] if isinstance(value, list) else []

    def code(self) -> str:
        code = self._text("code")
        if not NATIONAL_CODE.fullmatch(code):
            self.errors.append(FieldError("/code", "procedure_code", "a national code, like 1.012784"))
        return code

    def name(self) -> str:
        name = self._text("name")
        if not name:
            self.errors.append(FieldError("/name", "blank", "some text"))
        elif _NOT_A_NAME.match(fold(name)):
            self.warn("/name", "name_doubtful", "reads like a time or a decision, not like a procedure's name")
        if len(name) >= CUT_NAME:
            self.warn("/name", "name_cut", f"was cut off at {CUT_NAME} characters in the list")
        return name

    def field(self) -> dict[str, str]:
        name = self._text("field")
        if not name:
            self.warn("/field", "field_missing", "the list names no field; it is put among the others")
            return {"code": "KHAC", "name": "Lĩnh vực khác"}
        return {"code": code_of(name), "name": name}

    def service_level(self) -> str | int:
        known = _SERVICE_LEVELS.get(self._text("online_level"))
        if known is not None:
            return known
        online = self._item.get("online_channel") is True
        self.warn("/service_level", "service_level_missing", "the list does not say it; the lower one is taken")
        return "partial" if online else 2

    def levels(self) -> list[str]:
        given = self._texts("levels")
        levels = [level for level in _LEVELS if level in given]
        if not levels:
            self.errors.append(FieldError("/levels", "levels_missing", "a level of the province's own agencies"))
        elif set(given) - set(_LEVELS):
            self.warn("/levels", "level_left_out", "a level that is not the province's own is left out")
        if "district" in levels:
            self.warn("/levels", "district_level", "there is no district level since 1 July 2025")
        bodies = [fold(body) for body in self._texts("executing_agencies")]
        if levels == ["commune"] and bodies and not any(_COMMUNE.search(body) for body in bodies):
            self.warn("/levels", "agency_of_another_level", "none of its agencies is a commune's, but the level is")
        return levels

    def applicants(self) -> list[str]:
        given = [fold(each) for each in self._texts("applicants")]
        kinds: dict[str, None] = {}
        for each in given:
            kind = next((kind for kind, pattern in _APPLICANTS if pattern.search(each)), None)
            if kind is None:
                self.warn("/applicants", "applicant_unknown", "a kind of applicant that is not known is left out")
            else:
                kinds[kind] = None
        if not kinds:
            self.warn("/applicants", "applicants_missing", "the list names none; nobody is turned away")
            return [kind for kind, _ in _APPLICANTS]
        return list(kinds)

    def durations(self) -> dict[str, Any] | None:
        counter = self._duration(self._item.get("duration"), self._item.get("duration_unit"), "/durations/counter")
        if counter is None:
            return None
        for channel in self._objects("channels"):
            if channel.get("channel") == "online" and _word(channel.get("unit")) in _UNITS:
                online = self._duration(channel.get("duration"), channel.get("unit"), "/durations/online")
                if online != counter:
                    return {"counter": counter, "online": online}
        return {"counter": counter}

    def _duration(self, amount: Any, unit: Any, pointer: str) -> dict[str, Any] | None:
        if isinstance(amount, str):
            amount, unit = _duration_in(amount)
            if amount is None:
                self.warn(pointer, "duration_unreadable", "no time can be read from the text; none is promised")
                return None
        if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 < amount < 10_000:
            self.warn(pointer, "duration_missing", "the list has no time; none is promised")
            return None
        unit = _word(unit)
        if unit not in _UNITS:
            self.warn(pointer, "duration_unit_missing", "a bare number; calendar days, the stricter reading, are taken")
            unit = "day"
        if unit in ("month", "year"):
            self.warn(pointer, "duration_in_months", f"a month is taken for {DAYS_OF_A_MONTH} days, a year for 365")
        ours, factor = _UNITS[unit]
        return {"amount": amount * factor, "unit": ours}

    def fees(self) -> list[dict[str, Any]]:
        by_channel = {_word(channel.get("channel")): channel for channel in self._objects("channels")}
        amount = self._fee(self._item.get("fee_vnd"), by_channel.get("counter", {}).get("fee_note"))
        if amount is None:
            return []
        online = by_channel.get("online")
        online_amount = None if online is None else self._fee(online.get("fee_vnd"), online.get("fee_note"))
        if amount == 0 and not online_amount:
            return []
        fee = {"code": "PHI", "name": "Phí, lệ phí", "kind": "charge", "amount": amount}
        self.warn("/fees", "fee_kind_assumed", "the list does not tell a fee (phí) from a charge (lệ phí)")
        return [fee if online_amount in (None, amount) else fee | {"online_amount": online_amount}]

    def _fee(self, amount: Any, note: Any) -> int | None:
        if isinstance(amount, str):
            note = note or amount
            amounts = [int(re.sub(r"\D", "", each)) for each in _AMOUNT.findall(amount)[:2]]
            amount = amounts[0] if len(amounts) == 1 else None
            note = None if amount is not None else note
        if note:
            self.warn("/fees", "fee_unclear", "several amounts, or a text; none is asked for")
            return None
        if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
            self.warn("/fees", "fee_missing", "the list has no amount; none is asked for")
            return None
        if 0 < amount < LOWEST_FEE:
            self.warn("/fees", "fee_implausible", f"less than {LOWEST_FEE} đồng; none is asked for")
            return None
        return int(amount)

    def components(self) -> list[dict[str, Any]]:
        documents = self._objects("documents")
        if not documents:
            if self._item.get("documents_total") != 0:
                self.warn("/components", "components_missing", "the list has no papers; none is demanded")
            return []
        cases = {_word(each.get("case")) for each in documents}
        if len(cases) > 1:
            self.warn("/components", "cases_not_told_apart", "papers of several cases; those of a case are optional")
        replaced = self._replaced()
        components: dict[str, dict[str, Any]] = {}
        for document in documents:
            name = " ".join(str(document.get("name") or "").split())
            if not name or name in components:
                self.warn("/components", "component_repeated", "a paper without a name, or twice; taken once")
                continue
            originals, copies = (self._count(document.get(kind)) for kind in ("originals", "copies"))
            folded = fold(name)
            components[name] = {
                "code": f"TP{len(components) + 1}",
                "name": name,
                "originals": originals,
                "copies": copies,
                "required": document.get("case") is None and originals + copies > 0,
                "replaced_by_database": next((base for paper, base in replaced if paper in folded), None),
            }
        return list(components.values())

    def _count(self, value: Any) -> int:
        if isinstance(value, int) and 0 <= value <= 1_000:
            return int(value)
        self.warn("/components", "count_unreadable", "a number of sheets that is none; 0 is taken")
        return 0

    def _replaced(self) -> list[tuple[str, str]]:
        """Folded name of a paper that may not be asked for → the database that replaces it."""
        found: list[tuple[str, str]] = []
        for each in self._objects("data_replacement"):
            papers, database = each.get("documents"), each.get("database")
            if isinstance(papers, list) and isinstance(database, str) and database.strip():
                found += [
                    (fold(paper.strip()), database) for paper in papers if isinstance(paper, str) and paper.strip()
                ]
        return found

    def result(self) -> dict[str, str | None]:
        results = self._objects("results")
        if len(results) > 1:
            self.warn("/result", "results_several", "several results; the first is taken")
        name = " ".join(str(results[0].get("name") or "").split()) if results else ""
        code = results[0].get("code") if results else None
        if not name:
            self.warn("/result", "result_missing", "the list names no result")
            name = "Kết quả giải quyết thủ tục hành chính"
        if code is not None and not (isinstance(code, str) and RESULT_CODE.fullmatch(code)):
            self.warn("/result/code", "result_code_wrong", "not a code like KQ.G15.000031; left out")
            code = None
        return {"code": code, "name": name}

    def legal_basis(self) -> list[str]:
        named = self._text("decision") or self._text("issuer_document")
        return [f"Quyết định {named}" if named[:1].isdigit() else named] if named else []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def code_of(field_name: str) -> str:
    """A code for a field that the list only names: its folded words, the same for the same name."""
    return "-".join(re.findall(r"\w+", fold(field_name)))[:_CODE_LENGTH].upper()


def repeated_names(rows: Sequence[Converted]) -> None:
    """Warns of names that several codes have: of two procedures with one name, somebody files the wrong one."""
    first: dict[str, Converted] = {}
    for each in rows:
        name = fold(str(each.row.get("name", "")))
        if name and first.setdefault(name, each) is not each:
            each.warnings.append(FieldError("/name", "name_repeated", "another procedure of the list has this name"))


def _duration_in(text: str) -> tuple[float | None, str | None]:
    """The only time that a text names, for example "Không quá 15 ngày làm việc"; (None, None) for none or several."""
    found = _DURATION.findall(fold(text))
    if len(found) != 1:
        return None, None
    amount, unit = found[0]
    return float(amount.replace(",", ".")), _UNIT_WORDS[unit]


def _process(shares: bool) -> dict[str, Any]:
    chain: list[tuple[str, str, int]] = [
        ("Tiếp nhận hồ sơ", "one_stop", 10),
        ("Thẩm định, dự thảo kết quả", "expert", 60),
        ("Ký duyệt kết quả", "leader", 20),
        ("Trả kết quả", "one_stop", 10),
    ]
    time: Callable[[int], dict[str, Any]] = (
        (lambda share: {"share": share}) if shares else (lambda _: {"amount": {"amount": 0.5, "unit": "working_day"}})
    )
    return {
        "steps": [
            {
                "id": f"s{n}",
                "name": name,
                "role": role,
                **time(share),
                "after": [f"s{n - 1}"] if n > 1 else [],
                "decision": role == "leader",
            }
            for n, (name, role, share) in enumerate(chain, 1)
        ]
    }
