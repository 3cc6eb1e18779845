"""A message and what may become of it. Plain Python: time comes in, new states and events go out.

queued ──take──▶ sending ──accepted──▶ sent
  ▲                │  │
  │ deferred,      │  └─refused, given up──▶ failed ──retry──▶ queued
  └─returned ──────┘
delivered: in the person's own list in the portal from the start
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chassis import errors
from notify.events import MessageFailed, MessageSent

Channel = Literal["email", "portal"]
State = Literal["queued", "sending", "sent", "delivered", "failed"]
Language = Literal["vi", "en"]
Param = str | datetime | None
AttemptOutcome = Literal["accepted", "deferred", "interrupted", "refused", "requested"]
Events = tuple[MessageSent | MessageFailed, ...]

_MINUTES = (1, 5, 15, 60, 120, 240, 480, *[720] * 5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
"""Between the attempts that count, 76 hours in all: what is full on Friday evening may be emptied on Monday morning."""


class MessageNotFound(errors.NotFound):
    """There is none with this id, or none that the caller may see."""

    code, title = "message_not_found", "Không tìm thấy thông báo"


class NotRetriable(errors.WrongState):
    """Only a queued or failed message is sent again: one that was sent may be in the person's hands."""

    code, title = "message_not_retriable", "Chỉ gửi lại được thông báo đang chờ hoặc gửi không thành công"


class NotReadable(errors.WrongState):
    """Reading is noted for messages in the portal; nobody tells when an e-mail is read."""

    code, title = "message_not_in_portal", "Chỉ thông báo trên cổng mới đánh dấu được là đã đọc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`deferred`: not now, said the other side. `interrupted`: nobody knows whether it was taken. `requested`: an
    operator wants it sent again, and the count begins anew. `detail`: the other side's answer, or who asked."""

    at: datetime
    outcome: AttemptOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Until then nobody but `holder` sends the message."""

    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing told to one person by one channel. `to`: an address, or in the portal the person's subject.

    `person`: the subject of whoever it is for, None for somebody without an account. `next_at`: when it is due, None
    when it is over. `trace`: of the event that caused it.
    """

    id: str
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
    state: State
    attempts: tuple[Attempt, ...]
    next_at: datetime | None
    lease: Lease | None
    created_at: datetime
    trace: str | None
    read_at: datetime | None = None


# -- from an event to messages -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to tell about a dossier, and the names that messages about it mention. `agency`: the receiving one's id, ""
    in what was kept before it was read."""

    name: str
    email: str | None
    person: str | None
    procedure_name: str
    agency_name: str
    agency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An agency that is told of dossiers, at its own address."""

    id: str
    name: str
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that people are told about, at the time when it happened. `params`: what the templates need of it.
    `agency`: None where the event names none, for then it is the receiving one. `told`: agencies that are to know."""

    event_type: str
    event_id: str
    dossier: str
    code: str | None
    agency: str | None
    at: datetime
    params: Mapping[str, Param]
    trace: str | None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """After this event, the audience is told by this channel in the words of this template."""

    event_type: str
    audience: Literal["applicant", "agency"]
    channel: Channel
    template: str


@dataclass(frozen=True, slots=True)
class Told:
    """One rule applied to one event: to whom exactly. Its `key` is the same whenever the same event comes again.
    `name`: whom the message addresses; `person`: their account's subject."""

    rule: Rule
    to: str
    key: tuple[str, str, str]
    name: str
    person: str | None


def recipients(
    happened: Happened, contact: Contact, rules: Sequence[Rule], offices: Mapping[str, Office] | None = None
) -> list[Told]:
    """Who is told by which channel; somebody without an address or an account is not told by that channel, and agencies
    that share an address are told once. `offices`: by id, the agencies that are to know."""
    found: dict[tuple[str, str, str], Told] = {}
    for rule in rules:
        if rule.event_type != happened.event_type:
            continue
        who: list[tuple[str, str | None, str | None]] = []
        if rule.audience == "applicant":
            who.append((contact.name, contact.person, contact.email if rule.channel == "email" else contact.person))
        elif rule.channel == "email":
            asked = [(offices or {}).get(id) for id in happened.told]
            who += [(office.name, None, office.email) for office in asked if office is not None]
        for name, person, to in who:
            if to:
                key = (happened.event_id, to, rule.channel)
                found.setdefault(key, Told(rule, to, key, name, person))
    return list(found.values())


def compose(
    id: str, told: Told, happened: Happened, contact: Contact, language: Language, now: datetime
) -> tuple[Message, Events]:
    """The message: one in the portal is delivered by being there, any other waits to be sent."""
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
        next_at=now,
        lease=None,
        created_at=now,
        trace=happened.trace,
    )
    if message.channel == "portal":
        message = replace(message, state="delivered", next_at=None)
        return message, (_sent(message, now, attempts=1),)
    return message, ()


def plain(text: str) -> str:
    """In NFC, with no control and formatting characters but line ends."""
    text = unicodedata.normalize("NFC", "\n".join(text.splitlines()))
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs")).strip()


# -- sending -----------------------------------------------------------------------------------------------------------


def take(message: Message, holder: str, until: datetime) -> Message:
    _must_be(message, "queued")
    return replace(message, state="sending", lease=Lease(holder=holder, until=until))


def accepted(message: Message, at: datetime, detail: str) -> tuple[Message, Events]:
    _must_be(message, "sending")
    done = replace(_tried(message, at, "accepted", detail), state="sent", next_at=None)
    return done, (_sent(done, at, attempts=_count(done)),)


def refused(message: Message, at: datetime, detail: str) -> tuple[Message, Events]:
    """The other side will never take it."""
    _must_be(message, "sending")
    done = replace(_tried(message, at, "refused", detail), state="failed", next_at=None)
    return done, (_failed(done, at, "refused"),)


def deferred(
    message: Message, at: datetime, detail: str, outcome: Literal["deferred", "interrupted"] = "deferred"
) -> tuple[Message, Events]:
    """Not taken now, or nobody knows: it waits longer each time, and in the end it is given up."""
    _must_be(message, "sending")
    tried = _tried(message, at, outcome, detail)
    if (failures := _failures(tried)) > len(WAITS):
        done = replace(tried, state="failed", next_at=None)
        return done, (_failed(done, at, "given_up"),)
    return replace(tried, state="queued", next_at=at + WAITS[failures - 1]), ()


def returned(message: Message, next_at: datetime | None = None) -> Message:
    """Not sent, through no fault of its own: nothing is counted, and it is due as it was, or at `next_at`."""
    _must_be(message, "sending")
    return replace(message, state="queued", lease=None, next_at=next_at or message.next_at)


def retry(message: Message, at: datetime, by: str) -> Message:
    """An operator wants it sent now; `by` is the operator's subject. Its attempts are counted anew."""
    if message.state not in ("queued", "failed"):
        raise NotRetriable(f"the message is {message.state}")
    return replace(_tried(message, at, "requested", by), state="queued", next_at=at)


def read(message: Message, at: datetime) -> Message:
    """Read for the first time at `at`, unless it was read before."""
    if message.state != "delivered":
        raise NotReadable(f"the message is {message.state}")
    return message if message.read_at else replace(message, read_at=at)


def masked(to: str) -> str:
    """Enough of an address to recognise it, not enough to use it: `a***@x.vn`."""
    local, at, domain = to.rpartition("@")
    return f"{(local if at else to)[:1]}***{at}{domain if at else ''}"


def _must_be(message: Message, state: State) -> None:
    if message.state != state:
        raise errors.WrongState(f"the message is {message.state}, not {state}")


def _tried(message: Message, at: datetime, outcome: AttemptOutcome, detail: str) -> Message:
    return replace(message, attempts=(*message.attempts, Attempt(at=at, outcome=outcome, detail=detail)), lease=None)


def _failures(message: Message) -> int:
    """Attempts without success since the last one that an operator asked for."""
    outcomes = [attempt.outcome for attempt in message.attempts]
    last = max((n for n, outcome in enumerate(outcomes, 1) if outcome == "requested"), default=0)
    return len(outcomes) - last


def _count(message: Message) -> int:
    return sum(attempt.outcome != "requested" for attempt in message.attempts)


def _sent(message: Message, at: datetime, attempts: int) -> MessageSent:
    return MessageSent(
        dossier=message.dossier, code=message.code, agency=message.agency, channel=message.channel,
        template=message.template, attempts=attempts, at=at,
    )  # fmt: skip


def _failed(message: Message, at: datetime, reason: Literal["refused", "given_up"]) -> MessageFailed:
    return MessageFailed(
        dossier=message.dossier, code=message.code, agency=message.agency, channel=message.channel,
        template=message.template, attempts=_count(message), reason=reason, at=at,
    )  # fmt: skip
