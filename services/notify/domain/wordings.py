"""The words of a message, as an editor wrote them. Plain Python.

The words that come with the project are version 0; each change by an editor is the next version, and all of them stay.
"""

from dataclasses import dataclass
from datetime import datetime

from notify.domain.telling import Channel, Language

SUBJECTLESS: tuple[Channel, ...] = ("sms", "chat")
"""Channels whose messages are a text and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Jinja sources. `subject` is None where the channel has none; `html`: for e-mails, beside the text."""

    subject: str | None
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A version of the words of one template for a channel and language; see `name_of`."""

    id: str
    name: str
    number: int
    words: Words
    by: str
    at: datetime
    note: str | None = None


def name_of(template: str, channel: Channel, language: Language) -> str:
    """`vi/received.email`, which is also where the project's own words lie."""
    return f"{language}/{template}.{channel}"
