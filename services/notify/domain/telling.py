"""From an event to whom it is told, by which channel, in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Channel = Literal["email", "portal"]
Language = Literal["vi", "en"]
Param = str | datetime | None


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
