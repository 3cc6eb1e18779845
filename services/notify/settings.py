"""notify's own settings. It does not start without a mail server's address: messages would wait for ever, unseen."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from chassis.settings import Settings
from notify.channels.mail import read_sender, read_smtp_url
from notify.courier import MAX_TIMEOUT_SECONDS
from notify.domain.telling import Language


def _smtp_url(url: str) -> str:
    read_smtp_url(url)
    return url


def _sender(text: str) -> str:
    read_sender(text)
    return text


class NotifySettings(Settings):
    smtp_url: Annotated[str, AfterValidator(_smtp_url)]
    smtp_password: str | None = None
    mail_from: Annotated[str, AfterValidator(_sender)]
    smtp_timeout_seconds: float = Field(default=15, gt=0, le=MAX_TIMEOUT_SECONDS)
    mail_batch: int = Field(default=100, ge=1, le=500)
    message_language: Language = "vi"
    message_max_age_days: int = Field(default=7, ge=1)

    @model_validator(mode="after")
    def _password_for_user(self) -> "NotifySettings":
        # An empty file is how a deployment without a password fills its place.
        if read_smtp_url(self.smtp_url).user is not None and not self.smtp_password:
            raise ValueError("SMTP_PASSWORD is missing: SMTP_URL names a user")
        return self
