"""Acts by which many messages are sent again."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from chassis.web import Body
from notify.domain.retries import Retries
from notify.domain.telling import Channel
from notify.schemas.fields import Instant, Reason


class RetriesBody(Body):
    """The messages of a channel that failed in [`from`, `to`), a month at most and not in the future."""

    channel: Channel
    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")
    reason: Reason


class RetriesView(BaseModel):
    """`sent_again`: how many were queued again so far; `left_over`: there may be more than one act sends again."""

    id: str
    version: int
    channel: Channel
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    reason: str
    by: str
    requested_at: datetime
    state: Literal["waiting", "done"]
    sent_again: int
    left_over: bool

    @classmethod
    def of(cls, act: Retries, version: int) -> "RetriesView":
        fields = {name: getattr(act, name) for name in cls.model_fields if name != "version"}
        return cls(**fields, version=version)
