"""What is taken and answered over HTTP about the portal's rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from chassis.paging import PageQuery
from chassis.web import Body
from notify.domain.deliveries import Attempt, AttemptOutcome, State
from notify.national_portal.domain.rows import Exchange, Kind, PortalRow, Repair

_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Identifier = Annotated[str, Field(min_length=1, max_length=80)]
Reason = Annotated[str, Field(min_length=3, max_length=500, pattern=_PRINTABLE)]
Correction = Annotated[str, Field(max_length=1000, pattern=_PRINTABLE)]
RowState = Literal["queued", "sending", "sent", "refused", "skipped"]


class RowsQuery(PageQuery):
    """`dossier`: its id. `refused`: what waits for an operator; `skipped`: what one left out."""

    dossier: Identifier | None = None
    state: RowState | None = None


class RepairBody(Body):
    """`retry`: send it as it is. `correct`: with other `fields`, words and codes only. `skip`: never send it, and go on
    with the dossier's next rows. A reason is needed for the last two."""

    act: Literal["retry", "correct", "skip"]
    fields: Annotated[dict[Identifier, Correction], Field(max_length=40)] = Field(default_factory=dict)
    reason: Reason | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.act != "retry" and self.reason is None:
            raise PydanticCustomError("reason_missing", "say why")
        if (self.act == "correct") != bool(self.fields):
            raise PydanticCustomError("fields_for_correct", "fields are what is corrected")
        return self


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


class AttemptView(BaseModel):
    at: datetime
    outcome: AttemptOutcome
    detail: str


class ExchangeView(BaseModel):
    """`content`: {request, answer}; null where the key that it was sealed with is gone."""

    at: datetime
    service: str
    content: dict[str, Any] | None


class RepairView(BaseModel):
    """Who did what with it, and why."""

    at: datetime
    by: str
    act: str
    fields: list[str]
    reason: str


class Sent(Protocol):
    """A row for a partner, as far as it tells what was done with it."""

    @property
    def exchanges(self) -> Sequence[Exchange]: ...
    @property
    def attempts(self) -> Sequence[Attempt]: ...
    @property
    def repairs(self) -> Sequence[Repair]: ...


def done_with(row: Sent, contents: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """`contents`: what was asked and answered in each exchange, opened."""
    return {
        "exchanges": [
            ExchangeView(at=each.at, service=each.service, content=content)
            for each, content in zip(row.exchanges, contents, strict=True)
        ],
        "history": [AttemptView(at=each.at, outcome=each.outcome, detail=each.detail) for each in row.attempts],
        "repairs": [
            RepairView(at=each.at, by=each.by, act=each.act, fields=list(each.fields), reason=each.reason)
            for each in row.repairs
        ],
    }


class WholeRow(RowView):
    """A row, whole. `record`: what it tells the portal."""

    record: dict[str, Any] | None
    exchanges: list[ExchangeView]
    history: list[AttemptView]
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
