"""Internal processes (quy trình nội bộ) as provincial decisions publish them, made into new versions of procedures.

An entry is a table: step by step what is done, by whom, in what time, and often what it comes to. Such a table says
nothing else of the procedure, so the version in force is taken, and its process replaced. `{"code", "steps": [{"work",
"actor", "time", "days"}], "total_days", "document"}`: times as texts ("0,5 ngày làm việc") or in days of eight hours.

What is taken where a table is irregular, each with a warning:

- a step without a time ("không tính thời gian") has none that is counted;
- a bare "ngày" is a working day, for the steps and for what they come to alike, since tables divide such days;
- the last step of a leader decides; without one, the last of a head of division, or else the last before the result is
  handed on;
- steps of several bodies, or of bodies that the table does not name, are the receiving agency's.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from catalog.domain import Unit, fold
from catalog.imports.national import Converted
from chassis.errors import FieldError
from chassis.worktime import Budget, Hours

MAX_NAME = 500
MAX_READ = 2_000
"""Characters of a cell that are looked at: the patterns take time with the square of it."""
_TIME = re.compile(r"(\d+(?:[.,]\d+)?)\s*(ngay lam viec|gio lam viec|ngay|gio)")
_UNITS = {"ngay lam viec": "working_day", "ngay": "working_day", "gio lam viec": "hour", "gio": "hour"}
_ROLES = (
    ("one_stop", re.compile(r"tiep nhan va tra ket qua|phuc vu hanh chinh cong|pvhcc|tiep nhan ho so")),
    ("clerk", re.compile(r"\bvan thu\b")),
    ("expert", re.compile(r"^\W*(chuyen vien|cong chuc|vien chuc|can bo|nhan vien)")),
    ("head", re.compile(r"lanh dao (van )?phong|lanh dao trung tam|truong phong")),
    ("leader", re.compile(r"lanh dao|chi huy|nguoi dung dau|^\W*chu tich|^\W*(uy ban nhan dan|ubnd) tinh$")),
)
_PROVINCE = re.compile(r"(uy ban nhan dan|ubnd) tinh\b")
_SEVERAL = re.compile(r";|\bcac (so|co quan)\b|,.*\b(co quan|ubnd|uy ban)\b")


def convert(item: Any, known: Mapping[str, Mapping[str, Any]], valid_from: str) -> Converted:
    """One entry as a row of ours; any shape at all is taken. `known`: procedures in force, as an import has them."""
    code = item.get("code") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(code, str):
        return Converted({}, errors=[FieldError("", "not_an_object", "an object with a code")])
    before = known.get(code.strip())
    if before is None:
        return Converted({"code": code}, errors=[FieldError("/code", "procedure_unknown", "a procedure in force")])
    found = _Reading(item)
    steps = found.steps()
    row = {**before, "process": {**before["process"], "steps": steps}, "valid_from": valid_from}
    row["durations"] = found.durations(before.get("durations"))
    document = item.get("document")
    if isinstance(document, str) and document.strip():
        basis = f"Quyết định {' '.join(document.split())}"
        row["legal_basis"] = [*(each for each in before["legal_basis"] if each != basis), basis]
    return Converted(row, found.warnings, found.errors)


class _Reading:
    """Reads one table, and keeps what is to be said of it."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.warnings: list[FieldError] = []
        self.errors: list[FieldError] = []
        self._minutes = 0

    def _warn(self, pointer: str, code: str, message: str) -> None:
        self.warnings.append(FieldError(pointer, code, message))

    def steps(self) -> list[dict[str, Any]]:
        listed = self._item.get("steps")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        if not rows:
            self.errors.append(FieldError("/process/steps", "empty", "a table with at least one step"))
        steps = [self._step(n, row) for n, row in enumerate(rows)]
        if steps:
            steps[self._deciding([step["role"] for step in steps])]["decision"] = True
        return steps

    def _step(self, n: int, row: Mapping[str, Any]) -> dict[str, Any]:
        pointer = f"/process/steps/{n}"
        actor = fold(_text(row.get("actor")))
        role = next((role for role, pattern in _ROLES if pattern.search(actor)), None)
        if role is None:
            self._warn(f"{pointer}/role", "role_assumed", "an actor that is not known; an expert is taken")
        several = role is None and _SEVERAL.search(actor) is not None
        if several:
            self._warn(f"{pointer}/agency", "several_agencies", "several bodies; the receiving agency is taken")
        return {
            "id": f"s{n + 1}",
            "name": (_text(row.get("work")) or _text(row.get("actor")) or f"Bước {n + 1}")[:MAX_NAME],
            "role": role or "expert",
            "agency": "@province" if _PROVINCE.search(actor) and role not in (None, "one_stop") else None,
            "amount": self._amount(pointer, row),
            "after": [f"s{n}"] if n else [],
            "decision": False,
        }

    def _amount(self, pointer: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
        found = _TIME.findall(fold(_text(row.get("time"))))
        amount: dict[str, Any] | None = None
        if len(found) == 1:
            amount = {"amount": float(found[0][0].replace(",", ".")), "unit": _UNITS[found[0][1]]}
            if found[0][1] == "ngay":
                self._warn(f"{pointer}/amount", "plain_days", "days of which is not said that they are worked")
        elif not found:
            amount = {"amount": row.get("days"), "unit": "working_day"}
        minutes = None if amount is None else _minutes(amount["amount"], amount["unit"])
        if minutes is None:
            self._warn(pointer, "step_without_time", "no time that is counted")
            return None
        self._minutes += minutes
        return amount

    def _deciding(self, roles: Sequence[str]) -> int:
        for role in ("leader", "head"):
            if role in roles:
                break
        else:
            role = next((role for role in reversed(roles) if role not in ("one_stop", "clerk")), roles[-1])
        if role != "leader":
            self._warn("/process/steps", "decision_assumed", "no step of a leader; another one decides")
        return len(roles) - 1 - roles[::-1].index(role)

    def durations(self, before: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """As the table says; what the procedure had when it does not say any."""
        total = self._item.get("total_days")
        minutes = _minutes(total, "working_day")
        if minutes is None:
            self._warn("/durations", "total_missing", "the table does not say what the steps come to")
            return None if before is None else dict(before)
        if minutes != self._minutes:
            self._warn(
                "/durations/counter", "steps_differ_from_total", f"{self._minutes} minutes in all, not {minutes}"
            )
        online = None if before is None else before.get("online")
        return {"counter": {"amount": total, "unit": "working_day"}, "online": online}


def _text(value: Any) -> str:
    return " ".join(value[:MAX_READ].split()) if isinstance(value, str) else ""


def _minutes(amount: Any, unit: Unit) -> int | None:
    """Working minutes; None for what is no time."""
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        return None
    try:
        return Budget(amount, unit).working_minutes(Hours())
    except ValueError:
        return None
