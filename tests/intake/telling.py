"""What workflow tells of a dossier while it is worked on, as it comes from the broker."""

from typing import Any

from tests.intake.test_api import news
from tests.support.catalogue import PROVINCE

REASON = "Thiếu hợp đồng thuê địa điểm"
APOLOGISED = "Phải lấy thêm ý kiến của Sở Tài nguyên và Môi trường"


def begun(id: str) -> bytes:
    return news(id, "dossier.started", 1, started_at="2026-03-04T02:00:00Z", steps_total=4)


def asked(id: str, sequence: int = 3, at: str = "2026-03-04T03:00:00Z", **changes: Any) -> bytes:
    data = {"agency": PROVINCE, "components": ["TP2"], "reason": REASON, "until": "2026-03-10", "requested_at": at}
    return news(id, "supplement.requested", sequence, **{**data, **changes})


def fee_asked(id: str, sequence: int = 3, amount: int = 80_000, at: str = "2026-03-04T03:00:00Z") -> bytes:
    data = {"amount": amount, "reason": "Lệ phí\ntrích đo bổ sung", "basis": "Nghị quyết 10/NQ-HĐND"}
    return news(id, "fee.requested", sequence, requested_at=at, **data)


def paused(id: str, sequence: int = 4, kind: str = "supplement", at: str = "2026-03-04T03:00:00Z") -> bytes:
    return news(id, "dossier.paused", sequence, kind=kind, paused_at=at, basis="Nghị định 118/2025/NĐ-CP", reason="Chờ")


def resumed(
    id: str,
    sequence: int,
    due: str | None,
    previous: str | None,
    *,
    restarted: bool = False,
    at: str = "2026-03-05T02:00:00Z",
) -> bytes:
    dues = {"due_at": due, "previous_due_at": previous}
    return news(id, "dossier.resumed", sequence, kind="supplement", resumed_at=at, restarted=restarted, **dues)


def extended(id: str, sequence: int, due: str, previous: str, *, apology: bool = True) -> bytes:
    data = {"extended_at": "2026-03-06T02:00:00Z", "basis": "Nghị định 118/2025/NĐ-CP", "reason": APOLOGISED}
    return news(id, "dossier.extended", sequence, due_at=due, previous_due_at=previous, apology=apology, **data)


def rescheduled(id: str, sequence: int, due: str, previous: str) -> bytes:
    return news(id, "dossier.rescheduled", sequence, due_at=due, previous_due_at=previous, basis="Thông báo 12/TB-UBND")


def stopped(id: str, sequence: int = 20, at: str = "2026-03-09T02:00:00Z") -> bytes:
    data = {"reason": "Đất đang có tranh chấp", "basis": "Điều 19 Nghị định 118/2025/NĐ-CP"}
    return news(id, "dossier.stopped", sequence, stopped_at=at, **data)


def finished(id: str, sequence: int = 20, at: str = "2026-03-09T02:00:00Z", **dues: str) -> bytes:
    return news(id, "dossier.finished", sequence, outcome="rejected", finished_at=at, timing="early", **dues)
