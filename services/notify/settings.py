"""notify's own settings. It does not start without a mail server's address: messages would wait for ever, unseen."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from chassis.settings import trusts_nobody
from notify.channels.mail import read_sender, read_smtp_url
from notify.channels.settings import ChannelSettings
from notify.courier import MAX_TIMEOUT_SECONDS
from notify.domain.quiet import Quiet, read_quiet
from notify.domain.telling import Channel, Language
from notify.partners.settings import PartnerSettings
from notify.webhooks.settings import WebhookSettings


def _smtp_url(url: str) -> str:
    read_smtp_url(url)
    return url


def _other_smtp_url(url: str | None) -> str | None:
    # An empty variable is how a deployment without a second server leaves its place.
    return _smtp_url(url) if url else None


def _pem(path: Path | None) -> Path | None:
    """Certificates that can be read, or none: a mistake shows when it starts, and not when a message is sent."""
    return None if trusts_nobody(path) else path


def _quiet(text: str) -> str:
    # Empty: nobody is left alone.
    if text:
        read_quiet(text)
    return text


def _keys(text: str | None) -> str | None:
    if text and any(len(key) < SHORTEST_KEY for key in text.split()):
        raise ValueError(f"a key has {SHORTEST_KEY} characters at least")
    return text


SHORTEST_KEY = 32
QuietHours = Annotated[str, AfterValidator(_quiet)]


def _sender(text: str) -> str:
    read_sender(text)
    return text


class NotifySettings(PartnerSettings, WebhookSettings, ChannelSettings):
    """`smtp_url_2`: another mail server, for when the first one fails. `mail_lines`: a worker's connections to it at
    once. The limits are of messages to one address in an hour and on a day, and for one agency on a day; 0: none.
    `failover_…`: see `notify.failover`. `quiet_…`: when nobody is told by a channel who does not say so, `21:00-07:00`;
    no source prescribes these hours (`?`). `sms_plain`: SMS go without accents; `sms_segments`: their longest.
    `opt_out_key`: what links for choosing e-mails are signed with; the first of several makes them, without any there
    are none."""

    smtp_url: Annotated[str, AfterValidator(_smtp_url)]
    smtp_password: str | None = None
    smtp_url_2: Annotated[str | None, AfterValidator(_other_smtp_url)] = None
    smtp_password_2: str | None = None
    smtp_ca_file: Annotated[Path | None, AfterValidator(_pem)] = None
    mail_from: Annotated[str, AfterValidator(_sender)]
    smtp_timeout_seconds: float = Field(default=15, gt=0, le=MAX_TIMEOUT_SECONDS)
    mail_batch: int = Field(default=100, ge=1, le=500)
    mail_lines: int = Field(default=4, ge=1, le=32)
    mail_recipient_hour: int = Field(default=60, ge=0)
    mail_recipient_day: int = Field(default=300, ge=0)
    mail_agency_day: int = Field(default=20_000, ge=0)
    failover_share: float = Field(default=0.5, gt=0, le=1)
    failover_window: int = Field(default=20, ge=3, le=1000)
    failover_slow_seconds: float = Field(default=10, gt=0)
    failover_probe_seconds: float = Field(default=60, gt=0)
    message_language: Language = "vi"
    message_max_age_days: int = Field(default=7, ge=1)
    quiet_email: QuietHours = ""
    quiet_sms: QuietHours = "21:00-07:00"
    quiet_chat: QuietHours = "21:00-07:00"
    sms_plain: bool = True
    sms_segments: int = Field(default=2, ge=1, le=10)
    opt_out_key: Annotated[str | None, AfterValidator(_keys)] = None

    @model_validator(mode="after")
    def _password_for_user(self) -> "NotifySettings":
        # An empty file is how a deployment without a password fills its place.
        if read_smtp_url(self.smtp_url).user is not None and not self.smtp_password:
            raise ValueError("SMTP_PASSWORD is missing: SMTP_URL names a user")
        if self.smtp_url_2 and read_smtp_url(self.smtp_url_2).user is not None and not self.smtp_password_2:
            raise ValueError("SMTP_PASSWORD_2 is missing: SMTP_URL_2 names a user")
        return self

    @property
    def quiet(self) -> dict[Channel, Quiet]:
        given: dict[Channel, str] = {"email": self.quiet_email, "sms": self.quiet_sms, "chat": self.quiet_chat}
        return {channel: read_quiet(text) for channel, text in given.items() if text}
