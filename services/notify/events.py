"""What notify publishes. Subject: the message's id. Nothing here says who was told, or at which address.

A message has one of these when it is over; one that is sent again may have a second: a failed one by an operator, an
SMS that a provider had taken and could not deliver.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent:
    """Handed to the other side: taken by the mail server, or laid into the person's own list in the portal.

    `attempts` counts all of them, this one included. `code` is None while the dossier has none.
    """

    TYPE: ClassVar[str] = "notify.message.sent.v1"
    dossier: str
    code: str | None
    agency: str
    channel: str
    template: str
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFailed:
    """Not tried again by itself. "refused": the other side will never take it; "given_up": it did not in time."""

    TYPE: ClassVar[str] = "notify.message.failed.v1"
    dossier: str
    code: str | None
    agency: str
    channel: str
    template: str
    attempts: int
    reason: Literal["refused", "given_up"]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDelivered:
    """The public post gave the result to whom it was for. Subject: the row that ordered it. `order`: OrderNumber;
    `tracking`: the post's own number."""

    TYPE: ClassVar[str] = "notify.post.delivered.v1"
    dossier: str
    code: str
    agency: str
    order: str
    tracking: str | None
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PostFailed:
    """The public post could not give the result to whom it is for; `returned`: it brings it back, and does not try
    again. Subject and the rest: as in PostDelivered."""

    TYPE: ClassVar[str] = "notify.post.failed.v1"
    dossier: str
    code: str
    agency: str
    order: str
    tracking: str | None
    failed_at: datetime
    returned: bool


PUBLISHED = (MessageSent, MessageFailed, PostDelivered, PostFailed)
