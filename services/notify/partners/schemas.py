"""What is taken and answered over HTTP about EMC, the public post and their rows."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from chassis.web import Body
from notify.domain.deliveries import State
from notify.partners.domain.post import State as StepState
from notify.partners.domain.rows import Direction, Partner, PartnerRow
from notify.schemas.fields import Instant
from notify.schemas.repairs import ExchangeView, RepairView, RowAttemptView, RowState, done_with

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PickupBody(Body):
    """Where the post collects the applicant's papers."""

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    address: Annotated[Line, Field(min_length=1, max_length=300)]
    phone: Annotated[str, Field(pattern=r"^\+?[0-9]{8,15}$")]


class TrackingBody(Body):
    """What the post tells of an order. `Time`: RFC 3339."""

    OrderNumber: Annotated[Line, Field(min_length=1, max_length=60)]
    Status: Annotated[Line, Field(min_length=1, max_length=40)]
    Time: Instant
    TrackingNumber: Annotated[Line, Field(min_length=1, max_length=60)] | None = None


class TrackingAnswer(BaseModel):
    """`ignored`: there is no such order."""

    order: str
    result: Literal["noted", "ignored"]


class PartnerView(BaseModel):
    """Counts are 10,000 at most. `oldest`: since when the row that waits longest is due."""

    name: Partner
    configured: bool
    queued: int
    sending: int
    sent: int
    refused: int
    oldest: datetime | None


class StepView(BaseModel):
    """What the post told of a consignment: its own `word`, and what that means here."""

    at: datetime
    state: StepState
    word: str


class PartnerRowView(BaseModel):
    """A row in a list; nothing in it tells who the applicant is. `detail`: what came of it last. `number`: OrderNumber;
    `tracking`: the post's own; `steps`: what the post told of it."""

    id: str
    version: int
    dossier: str
    code: str
    act: str
    direction: Direction
    at: datetime
    state: RowState | Literal["delivered"]
    attempts: int
    detail: str | None
    next_at: datetime | None
    created_at: datetime
    skipped: str | None
    number: str | None
    tracking: str | None
    steps: list[StepView]

    @classmethod
    def of(cls, row: PartnerRow, version: int) -> "PartnerRowView":
        return cls(**_fields(row, version))


class PartnerRowPage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[PartnerRowView]
    next: str | None


class WholePartnerRow(PartnerRowView):
    """A row, whole. `record`: what it tells the partner."""

    record: dict[str, Any] | None
    exchanges: list[ExchangeView]
    history: list[RowAttemptView]
    repairs: list[RepairView]

    @classmethod
    def whole(
        cls, row: PartnerRow, version: int, record: dict[str, Any] | None, contents: list[dict[str, Any] | None]
    ) -> "WholePartnerRow":
        return cls(**_fields(row, version), record=record, **done_with(row, contents))


def _fields(row: PartnerRow, version: int) -> dict[str, Any]:
    names = (
        "id",
        "dossier",
        "code",
        "act",
        "direction",
        "at",
        "next_at",
        "created_at",
        "skipped",
        "number",
        "tracking",
    )
    shown: dict[State, str] = {"failed": "refused", "gathered": "queued"}
    return {
        **{name: getattr(row, name) for name in names},
        "version": version,
        "state": "skipped" if row.skipped is not None else shown.get(row.state, row.state),
        "attempts": len(row.attempts),
        "detail": row.attempts[-1].detail if row.attempts else None,
        "steps": [StepView(at=each.at, state=each.state, word=each.word) for each in row.steps],
    }
