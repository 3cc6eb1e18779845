"""What SMS and the chat platform need. Without providers or an address, nobody is told by the channel."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, Json, model_validator

from chassis.settings import Settings
from notify.channels.sms import Provider
from notify.courier import MAX_TIMEOUT_SECONDS

Text = Annotated[Annotated[str, Field(min_length=1)] | None, BeforeValidator(lambda text: text or None)]
"""An empty variable or file is how a deployment without any leaves its place."""
Url = Annotated[
    Annotated[str, Field(pattern=r"^https?://")] | None, BeforeValidator(lambda text: text or None)
]  # fmt: skip
_NONE = BeforeValidator(lambda text: text or "[]")
_NOTHING = BeforeValidator(lambda text: text or "{}")


class ChannelSettings(Settings):
    """`sms_providers`: see `notify.channels.sms.Provider`, the preferred one first. `sms_agency_day`: segments that
    one agency sends on a day; the other limits are of messages to one number. `chat_app_id`, `chat_secret`: of the
    province's app on the platform; `chat_event_secret`: what the platform signs its events with;
    `chat_refresh_token`: the first one, got by hand; `chat_templates`: by our template's name the platform's."""

    sms_providers: Annotated[Json[tuple[Provider, ...]], _NONE] = Field(default=())
    sms_batch: int = Field(default=50, ge=1, le=500)
    sms_lines: int = Field(default=4, ge=1, le=32)
    sms_timeout_seconds: float = Field(default=10, gt=0, le=MAX_TIMEOUT_SECONDS)
    sms_recipient_hour: int = Field(default=10, ge=0)
    sms_recipient_day: int = Field(default=30, ge=0)
    sms_agency_day: int = Field(default=10_000, ge=0)
    chat_url: Url = None
    chat_auth_url: Url = None
    chat_app_id: Text = None
    chat_secret: Text = None
    chat_event_secret: Text = None
    chat_refresh_token: Text = None
    chat_templates: Annotated[Json[Mapping[str, str]], _NOTHING] = Field(default={})
    chat_batch: int = Field(default=50, ge=1, le=500)
    chat_lines: int = Field(default=2, ge=1, le=32)
    chat_timeout_seconds: float = Field(default=10, gt=0, le=MAX_TIMEOUT_SECONDS)
    chat_recipient_hour: int = Field(default=20, ge=0)
    chat_recipient_day: int = Field(default=60, ge=0)
    chat_agency_day: int = Field(default=20_000, ge=0)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [provider.name for provider in self.sms_providers]
        if len(set(names)) < len(names):
            raise ValueError("SMS_PROVIDERS has two of one name")
        return self

    @model_validator(mode="after")
    def _all_of_the_platform(self) -> Self:
        if self.chat_url is not None:
            needed = ("chat_auth_url", "chat_app_id", "chat_secret", "chat_refresh_token", "sealing_key")
            missing = [name.upper() for name in needed if getattr(self, name, None) is None]
            if missing:
                raise ValueError(f"CHAT_URL needs {', '.join(missing)}")
        return self
