"""What catalog publishes, as the events that stats reads of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.stats.making import at, event

SAID = at("2018-01-01 08:00")


def agency(id: str, name: str, parent: str | None = None, sequence: int = 1, **more: Any) -> dict[str, Any]:
    """A one-stop agency of a district, unless `more` says otherwise."""
    said: dict[str, Any] = {
        "id": id, "name": name, "level": "district", "kind": "people_committee", "parent": parent, "one_stop": True,
        "aliases": [], "hours": [], "email": None, "valid_from": "2010-01-01", "valid_to": None, "inherited_levels": [],
    }  # fmt: skip
    return event("catalog.agency.changed.v1", id, sequence, SAID, {"agency": {**said, **more}})


def procedure(code: str, service_level: int | str = "full", version: int = 1, **more: Any) -> dict[str, Any]:
    """Offered by every one-stop agency of the three levels since 2010, without a fee, unless `more` says otherwise."""
    said: dict[str, Any] = {
        "code": code, "version": version, "local_code": None, "name": f"Thủ tục {code}",
        "field": {"code": "HOTICH", "name": "Hộ tịch"}, "service_level": service_level, "agencies": [],
        "levels": ["province", "district", "commune"], "applicants": ["citizen"], "components": [], "durations": None,
        "cut_off": None, "supplement_rule": "pause", "fees": [], "process": {"steps": []},
        "result": {"code": None, "name": "Kết quả"}, "essential": [], "legal_basis": [], "valid_from": "2010-01-01",
        "valid_to": None, "form": None,
    }  # fmt: skip
    return event("catalog.procedure.published.v1", code, version, SAID, {"procedure": {**said, **more}})


def fee(amount: int = 50_000, **more: Any) -> dict[str, Any]:
    return {"code": "LP1", "name": "Lệ phí", "kind": "charge", "amount": amount, **more}


def withdrawal(code: str, version: int, on: str) -> dict[str, Any]:
    return event("catalog.procedure.withdrawn.v1", code, version, SAID, {"code": code, "version": version, "on": on})


def targets(
    agency: str,
    year: int,
    percents: Mapping[str, float] | None = None,
    demands: Mapping[str, int] | None = None,
    sequence: int = 1,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "agency": agency,
        "year": year,
        "decision": "QĐ 12/QĐ-UBND",
        "indicators": dict(percents or {}),
    }
    if demands is not None:
        said["demands"] = dict(demands)
    return event("catalog.target.set.v1", f"{agency}/{year}", sequence, SAID, said)


def essential(list: str, id: str, state: str, sequence: int = 1) -> dict[str, Any]:
    waiting_for = "Bộ Tài chính" if state == "waiting" else None
    said: dict[str, Any] = {
        "list": list, "id": id, "name": f"Dịch vụ {id}", "sector": None, "state": state,
        "extent": "full" if state == "deployed" else None, "procedures": [], "served_by": None,
        "waiting_for": waiting_for, "decision": None, "since": None,
    }  # fmt: skip
    return event("catalog.essential.changed.v1", f"{list}/{id}", sequence, SAID, {"service": said})


def calendar(year: int, days: Sequence[tuple[str, str]], sequence: int = 1) -> dict[str, Any]:
    said: dict[str, Any] = {
        "year": year, "decision": "TB 5015/TB-LĐTBXH", "known_from": f"{year - 1}-11-01",
        "days": [{"date": day, "kind": kind, "name": "Nghỉ lễ"} for day, kind in days],
    }  # fmt: skip
    return event("catalog.calendar.changed.v1", str(year), sequence, SAID, said)


def lookup(n: int, at: datetime, agency: str | None = None) -> dict[str, Any]:
    said = {"agency": agency, "procedure": None, "by": "self", "act": "listed", "documents": 1, "at": at}
    return event("intake.document.looked_up.v1", f"look-up-{n}", 1, at, said)
