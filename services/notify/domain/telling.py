"""From an event to whom it is told, by which channel, in which words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from notify.domain.quiet import Quiet, next_at

Channel = Literal["email", "portal", "sms", "chat"]
Language = Literal["vi", "en"]
Audience = Literal["applicant", "agency"]
Group = Literal["reception", "supplement", "fee", "progress", "deadline", "result"]
"""What people choose their channels for: each rule belongs to one."""
Fact = str | datetime | None
Entry = Mapping[str, Fact]
Param = Fact | tuple[Entry, ...]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
GROUPS: tuple[Group, ...] = get_args(Group)
SUREST: tuple[Channel, ...] = ("portal", "email", "sms", "chat")
"""By which of these what must be told is told to somebody who wants to hear of it by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to tell about a dossier, and the names that messages about it mention. `agency`: the receiving one's id, ""
    in what was kept before it was read. `phone` is in E.164."""

    name: str
    email: str | None
    person: str | None
    procedure_name: str
    agency_name: str
    agency: str = ""
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a person wants to be told: not by these channels of these groups, at these addresses in the place of the
    dossier's, not in these hours, and what may wait gathered in one e-mail at this hour."""

    language: Language | None = None
    off: frozenset[tuple[Group, Channel]] = frozenset()
    email: str | None = None
    phone: str | None = None
    chat: str | None = None
    quiet: Quiet | None = None
    digest_hour: int | None = None


NO_WISHES = Wishes()


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
    """After this event, the audience is told by this channel in the words of this template.

    `urgent`: at any hour. `obligatory`: the law wants it told, so a person may choose the channel, but not silence.
    `when`: only if each of these params has this value.
    """

    event_type: str
    audience: Audience
    channel: Channel
    template: str
    group: Group = "progress"
    urgent: bool = False
    obligatory: bool = False
    when: tuple[tuple[str, str], ...] = ()

    def fits(self, happened: Happened) -> bool:
        return self.event_type == happened.event_type and all(
            happened.params.get(name) == value for name, value in self.when
        )


@dataclass(frozen=True, slots=True)
class Told:
    """One rule applied to one event: to whom exactly. Its `key` is the same whenever the same event comes again,
    whatever address the person has by then. `name`: whom the message addresses; `person`: their account's subject."""

    rule: Rule
    to: str
    key: tuple[str, str, str]
    name: str
    person: str | None


def recipients(
    happened: Happened,
    contact: Contact,
    rules: Sequence[Rule],
    offices: Mapping[str, Office] | None = None,
    *,
    wishes: Wishes = NO_WISHES,
    live: Collection[Channel] = CHANNELS,
) -> list[Told]:
    """Who is told by which of the `live` channels. Somebody without an address or an account is not told by that
    channel, nor somebody who does not want to be, unless nothing else would tell what must be told; agencies that share
    an address are told once. `offices`: by id, the agencies that are to know."""
    found: dict[tuple[str, str, str], Told] = {}
    for rule in rules:
        if rule.channel not in live or not rule.fits(happened):
            continue
        if rule.audience == "applicant":
            reached = [_applicant(rule, happened, contact, wishes)]
        else:
            reached = _agencies(rule, happened, offices or {})
        for told in reached:
            if told.to:
                found.setdefault(told.key, told)
    return _wanted(list(found.values()), wishes)


def _applicant(rule: Rule, happened: Happened, contact: Contact, wishes: Wishes) -> Told:
    address = {
        "email": wishes.email or contact.email,
        "portal": contact.person,
        "sms": wishes.phone or contact.phone,
        "chat": wishes.chat,
    }[rule.channel]
    # A dossier has one applicant. Where to they are told may change between two deliveries of the same event.
    who = address if rule.channel == "portal" else rule.audience
    return Told(rule, address or "", (happened.event_id, who or "", rule.channel), contact.name, contact.person)


def _agencies(rule: Rule, happened: Happened, offices: Mapping[str, Office]) -> list[Told]:
    if rule.channel != "email":
        return []
    asked = [offices[id] for id in happened.told if id in offices]
    return [
        Told(rule, office.email or "", (happened.event_id, office.email or "", rule.channel), office.name, None)
        for office in asked
    ]


def _wanted(reached: Sequence[Told], wishes: Wishes) -> list[Told]:
    refused = [
        told
        for told in reached
        if told.rule.audience == "applicant" and (told.rule.group, told.rule.channel) in wishes.off
    ]
    wanted = [told for told in reached if told not in refused]
    obliged = [told for told in refused if told.rule.obligatory]
    if obliged and not any(told.rule.audience == "applicant" for told in wanted):
        wanted.append(min(obliged, key=lambda told: SUREST.index(told.rule.channel)))
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a message is due. `quiet`: when it is not to be sent, also when it is tried again; `gathered`: it does not
    go by itself, but in the person's digest."""

    at: datetime
    quiet: Quiet | None = None
    gathered: bool = False


def timing(rule: Rule, wishes: Wishes, quiet: Quiet | None, now: datetime) -> Timing:
    """`quiet`: when people are left alone who do not say so themselves, None for at no time."""
    if rule.urgent or rule.channel == "portal":
        return Timing(at=now)
    quiet = wishes.quiet or quiet if rule.audience == "applicant" else None
    if rule.channel == "email" and rule.audience == "applicant" and wishes.digest_hour is not None:
        return Timing(at=next_at(now, wishes.digest_hour * 60), gathered=True)
    return Timing(at=quiet.ends(now) if quiet else now, quiet=quiet)
