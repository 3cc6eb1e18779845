"""What is taken and answered over HTTP about the portal's rows."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from notify.domain.deliveries import State
from notify.national_portal.domain.rows import Kind, PortalRow
from notify.schemas.repairs import ExchangeView, RepairView, RowAttemptView, RowState, done_with


class RowView(BaseModel):
    """A row in a list; nothing in it tells who the applicant is. `number`: MaHoSo. `behind`: it waits for the one
    before. `detail`: what came of it last."""

    id: str
    version: int
    dossier: str
    number: str
    n: int
    kind: Kind
    adding: bool
    status: str
    at: datetime
    event: str
    state: RowState
    behind: bool
    attempts: int
    detail: str | None
    next_at: datetime | None
    created_at: datetime
    skipped: str | None

    @classmethod
    def of(cls, row: PortalRow, version: int) -> "RowView":
        return cls(**_fields(row, version))


class RowPage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[RowView]
    next: str | None


class WholeRow(RowView):
    """A row, whole. `record`: what it tells the portal."""

    record: dict[str, Any] | None
    exchanges: list[ExchangeView]
    history: list[RowAttemptView]
    repairs: list[RepairView]

    @classmethod
    def whole(
        cls, row: PortalRow, version: int, record: dict[str, Any] | None, contents: list[dict[str, Any] | None]
    ) -> "WholeRow":
        return cls(**_fields(row, version), record=record, **done_with(row, contents))


class PortalView(BaseModel):
    """Counts are 10,000 at most. `oldest`: since when the row that waits longest is due."""

    name: Literal["national_portal"] = "national_portal"
    configured: bool
    queued: int
    sending: int
    sent: int
    refused: int
    oldest: datetime | None


class ArrivalView(BaseModel):
    """A dossier that was filed on the portal. `dossier`: intake's id of it, once intake has it."""

    number: str
    procedure: str
    agency: str
    state: State
    dossier: str | None
    attempts: int
    detail: str | None
    next_at: datetime | None
    created_at: datetime


class ArrivalPage(BaseModel):
    items: list[ArrivalView]
    next: str | None


def _fields(row: PortalRow, version: int) -> dict[str, Any]:
    names = (
        "id",
        "dossier",
        "number",
        "n",
        "kind",
        "adding",
        "status",
        "at",
        "event",
        "next_at",
        "created_at",
        "skipped",
    )
    shown: dict[State, RowState] = {
        "queued": "queued", "sending": "sending", "sent": "sent", "delivered": "sent", "failed": "refused",
    }  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "version": version,
        "state": "skipped" if row.skipped is not None else shown[row.state],
        "behind": row.state == "queued" and row.next_at is None,
        "attempts": len(row.attempts),
        "detail": row.attempts[-1].detail if row.attempts else None,
    }
