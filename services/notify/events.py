"""What notify publishes. Subject: the message's id. Nothing here says who was told, or at which address.

A message has one of these when it is over; a failed one that an operator sends again may have a second.
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


PUBLISHED = (MessageSent, MessageFailed)
