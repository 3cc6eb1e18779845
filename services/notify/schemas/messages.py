"""The answers of notify's API."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from notify.domain.deliveries import AttemptOutcome, State
from notify.domain.messages import Message, masked
from notify.domain.telling import Channel, Language
from notify.templates import Rendered

Identifier = Annotated[str, Field(min_length=1, max_length=60)]


class ListQuery(PageQuery):
    """`dossier`: a dossier's id."""

    dossier: Identifier | None = None
    state: State | None = None
    channel: Channel | None = None


class Listed(BaseModel):
    """A message in a list. For whom it is for: `to` in full, `subject` and `text`; for others `to` is masked."""

    id: str
    version: int
    event_type: str
    dossier: str
    code: str | None
    agency: str
    channel: Channel
    to: str
    language: Language
    template: str
    state: State
    subject: str | None
    text: str | None
    attempts: int
    next_at: datetime | None
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, message: Message, version: int, own: Rendered | None = None) -> "Listed":
        """`own`: what it says, when the caller is whom it is for."""
        return cls(**_fields(message, version, own))


class MessagePage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[Listed]
    next: str | None


class AttemptView(BaseModel):
    """`detail`: what the other side answered; for "requested", who asked."""

    at: datetime
    outcome: AttemptOutcome
    detail: str


class MessageView(Listed):
    """A message, whole. `to` is in full. `history`: for operators, every attempt; empty for whom it is for."""

    history: list[AttemptView]

    @classmethod
    def whole(cls, message: Message, version: int, own: Rendered | None, *, history: bool) -> "MessageView":
        attempts = message.attempts if history else ()
        shown = [AttemptView(at=attempt.at, outcome=attempt.outcome, detail=attempt.detail) for attempt in attempts]
        return cls(**{**_fields(message, version, own), "to": message.to, "history": shown})


def _fields(message: Message, version: int, own: Rendered | None) -> dict[str, Any]:
    same = {name: getattr(message, name) for name in Listed.model_fields if hasattr(message, name)}
    return {
        **same,
        "version": version,
        "attempts": len(message.attempts),
        "to": masked(message.to) if own is None else message.to,
        "subject": None if own is None else own.subject,
        "text": None if own is None else own.text,
    }
