"""What is taken and answered over HTTP about rows for partner systems, and about repairing them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from chassis.paging import PageQuery
from chassis.web import Body
from notify.domain.deliveries import AttemptOutcome
from notify.domain.repairs import SealedRow

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


class RowAttemptView(BaseModel):
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


def done_with(row: SealedRow, contents: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """`contents`: what was asked and answered in each exchange, opened."""
    return {
        "exchanges": [
            ExchangeView(at=each.at, service=each.service, content=content)
            for each, content in zip(row.exchanges, contents, strict=True)
        ],
        "history": [RowAttemptView(at=each.at, outcome=each.outcome, detail=each.detail) for each in row.attempts],
        "repairs": [
            RepairView(at=each.at, by=each.by, act=each.act, fields=list(each.fields), reason=each.reason)
            for each in row.repairs
        ],
    }
