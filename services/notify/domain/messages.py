"""A message: one thing told to one person by one channel.

One in the portal is "delivered": in the person's own list from the start. One that is "gathered" goes in the person's
digest (see `digests`). Any other is sent (see `deliveries`), and is "delivered" when a provider says so (see
`receipts`).
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from chassis import errors
from notify.domain.deliveries import Delivery, attempted
from notify.domain.quiet import Quiet
from notify.domain.telling import Channel, Contact, Group, Happened, Language, Param, Timing, Told
from notify.events import MessageFailed, MessageSent

Events = tuple[MessageSent | MessageFailed, ...]


class MessageNotFound(errors.NotFound):
    """There is none with this id, or none that the caller may see."""

    code, title = "message_not_found", "Không tìm thấy thông báo"


class NotReadable(errors.WrongState):
    """Reading is noted for messages in the portal; nobody tells when an e-mail is read."""

    code, title = "message_not_in_portal", "Chỉ thông báo trên cổng mới đánh dấu được là đã đọc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message(Delivery):
    """`to`: an address, or in the portal the person's subject. `person`: the subject of whoever it is for, None for
    somebody without an account. `urgent`, `obligatory`, `group`: of the rule that it was made by. `quiet`: when it is
    not to be sent. `digest`: the id of the message that it is gathered in; then `next_at` is when that one is made.
    `template_version`: in which words it was told, None while it may still be in newer ones. `segments`: how many an
    SMS took. `delivered_at`: when it reached the person, where a provider says so."""

    event_type: str
    dossier: str
    code: str | None
    agency: str
    channel: Channel
    to: str
    person: str | None
    language: Language
    template: str
    params: Mapping[str, Param]
    read_at: datetime | None = None
    group: Group | None = None
    urgent: bool = False
    obligatory: bool = True
    quiet: Quiet | None = None
    digest: str | None = None
    template_version: int | None = None
    segments: int | None = None
    delivered_at: datetime | None = None


def compose(
    id: str,
    told: Told,
    happened: Happened,
    contact: Contact,
    language: Language,
    now: datetime,
    *,
    timing: Timing | None = None,
    digest: str | None = None,
    template_version: int | None = None,
) -> tuple[Message, Events]:
    """The message: one in the portal is delivered by being there, any other waits to be sent (at once without a
    `timing`), or for the `digest` with this id. `template_version`: the newest, which one in the portal keeps."""
    timing = timing or Timing(at=now)
    names = {
        "name": told.name,
        "procedure_name": contact.procedure_name,
        "agency_name": contact.agency_name,
    }
    message = Message(
        id=id,
        event_type=happened.event_type,
        dossier=happened.dossier,
        code=happened.code,
        agency=happened.agency or contact.agency,
        channel=told.rule.channel,
        to=told.to,
        person=told.person,
        language=language,
        template=told.rule.template,
        params={
            **{key: plain(value) if isinstance(value, str) else value for key, value in happened.params.items()},
            # A name is one line: nobody's name adds a paragraph of its own to an agency's letter.
            **{key: " ".join(plain(value).split()) for key, value in names.items()},
        },
        state="queued",
        attempts=(),
        next_at=timing.at,
        lease=None,
        created_at=now,
        trace=happened.trace,
        group=told.rule.group,
        urgent=told.rule.urgent,
        obligatory=told.rule.obligatory,
        quiet=timing.quiet,
    )
    if message.channel == "portal":
        message = replace(message, state="delivered", next_at=None, template_version=template_version)
        return message, (_sent(message, now, attempts=1),)
    if digest is not None:
        message = replace(message, state="gathered", digest=digest)
    return message, ()


def plain(text: str) -> str:
    """In NFC, with no control and formatting characters but line ends."""
    text = unicodedata.normalize("NFC", "\n".join(text.splitlines()))
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs")).strip()


def read(message: Message, at: datetime) -> Message:
    """Read for the first time at `at`, unless it was read before."""
    if message.state != "delivered" or message.channel != "portal":
        raise NotReadable(f"the message is {message.state}, by {message.channel}")
    return message if message.read_at else replace(message, read_at=at)


def masked(to: str) -> str:
    """Enough of an address to recognise it, not enough to use it: `a***@x.vn`, `+84***678`."""
    if to.startswith("+"):
        return f"{to[:3]}***{to[-3:]}"
    local, at, domain = to.rpartition("@")
    return f"{(local if at else to)[:1]}***{at}{domain if at else ''}"


def news(message: Message, at: datetime) -> Events:
    """What is told of a message when it is over; nothing while it is not, nor of a digest, which is about no one
    dossier."""
    if not message.dossier:
        return ()
    if message.state == "sent":
        return (_sent(message, at, attempts=attempted(message)),)
    if message.state == "failed":
        reason: Literal["refused", "given_up"] = "refused" if message.attempts[-1].outcome == "refused" else "given_up"
        return (_failed(message, at, reason),)
    return ()


def _sent(message: Message, at: datetime, attempts: int) -> MessageSent:
    return MessageSent(
        dossier=message.dossier, code=message.code, agency=message.agency, channel=message.channel,
        template=message.template, attempts=attempts, at=at,
    )  # fmt: skip


def _failed(message: Message, at: datetime, reason: Literal["refused", "given_up"]) -> MessageFailed:
    return MessageFailed(
        dossier=message.dossier, code=message.code, agency=message.agency, channel=message.channel,
        template=message.template, attempts=attempted(message), reason=reason, at=at,
    )  # fmt: skip
