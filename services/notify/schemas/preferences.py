"""How people want to be told, as they say and see it."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from chassis.web import Body
from notify import texts
from notify.channels.mail import AddressMalformed, wire_address
from notify.domain.phones import e164
from notify.domain.preferences import Preferences
from notify.domain.quiet import Quiet, minute_of, text_of
from notify.domain.telling import CHANNELS, GROUPS, Group, Language


def _minute(text: str) -> str:
    minute_of(text)
    return text


def _sendable(address: str) -> str:
    try:
        wire_address(address)
    except AddressMalformed:
        raise ValueError("no mail server could be asked to send there") from None
    return address


TimeOfDay = Annotated[str, StringConstraints(min_length=5, max_length=5), AfterValidator(_minute)]
Email = Annotated[EmailStr, Field(max_length=254), AfterValidator(_sendable)]
Phone = Annotated[str, StringConstraints(min_length=3, max_length=30), AfterValidator(e164)]


class ChannelsBody(Body):
    """Whether one is told by each channel."""

    email: bool = True
    portal: bool = True
    sms: bool = True
    chat: bool = True


class QuietBody(Body):
    """Times of day in Asia/Ho_Chi_Minh, `21:00`; the second may be the next morning."""

    model_config = ConfigDict(populate_by_name=True)

    since: TimeOfDay = Field(alias="from")
    until: TimeOfDay = Field(alias="to")


class PreferencesBody(Body):
    """All of one's choices; what is left out is as for somebody who never chose. `channels`: by group. `digest_hour`:
    what is not urgent comes gathered, by e-mail, at this hour. `email`, `phone`: in the place of what one's dossiers
    say. `keep_chat`: false lets the linked chat account go."""

    language: Language | None = None
    channels: dict[Group, ChannelsBody] = Field(default_factory=dict)
    quiet_hours: QuietBody | None = None
    digest_hour: int | None = Field(default=None, ge=0, le=23)
    email: Email | None = None
    phone: Phone | None = None
    keep_chat: bool = True

    def preferences(self, person: str) -> Preferences:
        """Raises ValueError for quiet hours that are none."""
        quiet = self.quiet_hours
        if quiet is not None and quiet.since == quiet.until:
            raise ValueError("quiet hours must not begin when they end")
        off = {
            group: tuple(channel for channel in CHANNELS if not getattr(wanted, channel))
            for group, wanted in self.channels.items()
        }
        return Preferences(
            id=person,
            language=self.language,
            off={group: channels for group, channels in off.items() if channels},
            quiet=Quiet(since=minute_of(quiet.since), until=minute_of(quiet.until)) if quiet else None,
            digest_hour=self.digest_hour,
            email=self.email,
            phone=self.phone,
        )


class ChannelsView(BaseModel):
    """`name`, `name_en`: what the group is called."""

    name: str
    name_en: str
    email: bool
    portal: bool
    sms: bool
    chat: bool


class QuietView(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    since: str = Field(alias="from")
    until: str = Field(alias="to")


class PreferencesView(BaseModel):
    """`chat_linked`: whether one has shown that an account on the chat platform is one's own."""

    language: Language | None
    channels: dict[Group, ChannelsView]
    quiet_hours: QuietView | None
    digest_hour: int | None
    email: str | None
    phone: str | None
    chat_linked: bool

    @classmethod
    def of(cls, preferences: Preferences) -> "PreferencesView":
        quiet = preferences.quiet
        return cls(
            language=preferences.language,
            channels={group: _channels(preferences, group) for group in GROUPS},
            quiet_hours=QuietView(since=text_of(quiet.since), until=text_of(quiet.until)) if quiet else None,
            digest_hour=preferences.digest_hour,
            email=preferences.email,
            phone=preferences.phone,
            chat_linked=preferences.chat is not None,
        )


def _channels(preferences: Preferences, group: Group) -> ChannelsView:
    name, name_en = texts.GROUPS[group]
    wanted = {channel: preferences.wants(group, channel) for channel in CHANNELS}
    return ChannelsView(name=name, name_en=name_en, **wanted)


class LinkView(BaseModel):
    """`code`: to be sent to the province's account on the chat platform, before `until`."""

    code: str
    until: datetime
