"""The answers of notify's API."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from notify.domain.deliveries import Attempt, AttemptOutcome, Failure, State, kind_of_failure
from notify.domain.messages import Message, masked
from notify.domain.telling import Channel, Language
from notify.schemas.fields import Instant
from notify.templates import Rendered

Identifier = Annotated[str, Field(min_length=1, max_length=60)]


class ListQuery(PageQuery):
    """`dossier`: a dossier's id; `person`: an account's subject; `from`, `to`: when they were made, without the end."""

    dossier: Identifier | None = None
    person: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    agency: Identifier | None = None
    template: Identifier | None = None
    state: State | None = None
    channel: Channel | None = None
    since: Instant | None = Field(default=None, alias="from")
    until: Instant | None = Field(default=None, alias="to")


class Listed(BaseModel):
    """A message in a list. For whom it is for: `to` in full, `subject` and `text`; for others `to` is masked.

    `failure`: why the last attempt brought nothing: "permanent" (refused for ever), "transient" (not now), "technical"
    (nobody knows, something broke); null after a success and before any attempt. `over_at`: since when it is sent or
    failed. `template_version`: in which words it was told, null while it waits for the newest ones. `digest`: the id
    of the message that it is gathered in. `delivered_at`: when it reached the person, where a provider says so.
    `segments`: how many an SMS took.
    """

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
    failure: Failure | None
    next_at: datetime | None
    over_at: datetime | None
    created_at: datetime
    read_at: datetime | None
    template_version: int | None
    digest: str | None
    delivered_at: datetime | None
    segments: int | None

    @classmethod
    def of(cls, message: Message, version: int, own: Rendered | None = None) -> "Listed":
        """`own`: what it says, when the caller is whom it is for."""
        return cls(**_fields(message, version, own))


class MessagePage(BaseModel):
    """`next` is the cursor of the following page, null on the last one."""

    items: list[Listed]
    next: str | None


class AttemptView(BaseModel):
    """`detail`: what the other side answered; for "requested", who asked. `via`: which of several other sides."""

    at: datetime
    outcome: AttemptOutcome
    failure: Failure | None
    detail: str
    via: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        return cls(
            at=attempt.at,
            outcome=attempt.outcome,
            failure=kind_of_failure(attempt.outcome),
            detail=attempt.detail,
            via=attempt.via,
        )


class MessageView(Listed):
    """A message, whole. `to` is in full. `history`: for operators, every attempt; empty for whom it is for.
    `receipt`: under which number the other side took it, where it says one."""

    receipt: str | None
    history: list[AttemptView]

    @classmethod
    def whole(cls, message: Message, version: int, own: Rendered | None, *, history: bool) -> "MessageView":
        attempts = message.attempts if history else ()
        shown = [AttemptView.of(attempt) for attempt in attempts]
        return cls(**{**_fields(message, version, own), "to": message.to, "receipt": message.receipt, "history": shown})


def _fields(message: Message, version: int, own: Rendered | None) -> dict[str, Any]:
    same = {name: getattr(message, name) for name in Listed.model_fields if hasattr(message, name)}
    return {
        **same,
        "version": version,
        "attempts": len(message.attempts),
        "failure": kind_of_failure(message.attempts[-1].outcome) if message.attempts else None,
        "to": masked(message.to) if own is None else message.to,
        "subject": None if own is None else own.subject,
        "text": None if own is None else own.text,
    }
