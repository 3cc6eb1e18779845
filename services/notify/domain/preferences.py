"""How people want to be told: those with an account say so for themselves, those without for the e-mail address at
which they get our e-mails. Plain Python.

What the law wants told (`Rule.obligatory`) cannot be silenced: at least one channel stays.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chassis import errors
from chassis.errors import FieldError
from notify.domain.quiet import Quiet
from notify.domain.telling import CHANNELS, GROUPS, Channel, Group, Language, Rule, Wishes

LINK_LIFETIME = timedelta(minutes=30)
"""How long a code for linking a chat account is good."""
ALWAYS: Mapping[Channel, bool] = dict.fromkeys(CHANNELS, True)


class Silent(errors.Invalid):
    """A choice would keep from somebody what the law wants them told."""

    code, title = "obligatory", "Thông báo bắt buộc phải được gửi ít nhất qua một kênh"


class LinkUnknown(errors.NotFound):
    """Nobody was given this code, or it is too old."""

    code, title = "link_unknown", "Mã liên kết không đúng hoặc đã hết hạn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A code that its owner tells the province's account on a chat platform, to show that both accounts are theirs."""

    code: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """A person's; `id` is their account's subject. `off`: group → the channels they do not want it by. `email`,
    `phone`: in the place of what their dossiers say. `chat`: their account on the chat platform, once it is linked."""

    id: str
    language: Language | None = None
    off: Mapping[Group, tuple[Channel, ...]] = field(default_factory=dict)
    quiet: Quiet | None = None
    digest_hour: int | None = None
    email: str | None = None
    phone: str | None = None
    chat: str | None = None
    link: Link | None = None

    def wants(self, group: Group, channel: Channel) -> bool:
        return channel not in self.off.get(group, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """What does not go to an e-mail address any more; `id` is made of it by a secret key, so nothing here names it."""

    id: str
    groups: tuple[Group, ...]
    at: datetime


def wishes_of(preferences: Preferences | None, opt_out: OptOut | None) -> Wishes:
    """Both together: who opted out by either does not get it."""
    off: set[tuple[Group, Channel]] = {(group, "email") for group in opt_out.groups} if opt_out else set()
    if preferences is None:
        return Wishes(off=frozenset(off))
    off |= {(group, channel) for group, channels in preferences.off.items() for channel in channels}
    return Wishes(
        language=preferences.language,
        off=frozenset(off),
        email=preferences.email,
        phone=preferences.phone,
        chat=preferences.chat,
        quiet=preferences.quiet,
        digest_hour=preferences.digest_hour,
    )


def check(preferences: Preferences, rules: Sequence[Rule], live: Collection[Channel]) -> None:
    """Raises Silent where a choice leaves no channel for something obligatory. `live`: the channels there are."""
    told: dict[tuple[Group, str], set[Channel]] = {}
    for rule in rules:
        if rule.obligatory and rule.audience == "applicant" and rule.channel in live:
            told.setdefault((rule.group, rule.event_type), set()).add(rule.channel)
    silent = [
        group
        for (group, _), channels in told.items()
        if not any(preferences.wants(group, channel) and _reaches(preferences, channel) for channel in channels)
    ]
    if silent:
        text = "the law wants some of it told: leave one channel on that reaches you"
        wrong = [FieldError(f"/channels/{group}", "obligatory", text) for group in dict.fromkeys(silent)]
        raise Silent("something obligatory would be told by no channel", errors=wrong)


def _reaches(preferences: Preferences, channel: Channel) -> bool:
    """Whether it may be counted on: not every dossier says a phone number, and a chat account has to be linked."""
    known = {"sms": preferences.phone, "chat": preferences.chat}
    return channel not in known or known[channel] is not None


def voluntary(rules: Sequence[Rule]) -> tuple[Group, ...]:
    """The groups in which there is something by e-mail that one may do without."""
    found = {r.group for r in rules if r.audience == "applicant" and r.channel == "email" and not r.obligatory}
    return tuple(group for group in GROUPS if group in found)


def with_link(preferences: Preferences, code: str, now: datetime) -> Preferences:
    """A new code; one that was given before is good no more."""
    return replace(preferences, link=Link(code=code, until=now + LINK_LIFETIME))


def linked(preferences: Preferences, code: str, account: str, now: datetime) -> Preferences:
    """With the chat account that showed the code; raises LinkUnknown."""
    if preferences.link is None or preferences.link.code != code or preferences.link.until < now:
        raise LinkUnknown("no such code, or it is too old")
    return replace(preferences, chat=account, link=None)
