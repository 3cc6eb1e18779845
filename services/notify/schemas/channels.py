"""What waits for each channel, as operators see it."""

from datetime import datetime

from pydantic import BaseModel

from notify.domain.telling import Channel
from notify.queries.channels import ChannelState


class LimitsView(BaseModel):
    """So many messages to one address in an hour and on a day, and for one agency on a day, where
    it is segments of SMS that count; 0: no limit."""

    recipient_hour: int
    recipient_day: int
    agency_day: int


class ChannelView(BaseModel):
    """`queued`, `sending`, `failed_last_day`: 10,000 stands for that many or more. `due_since`: of the message that is
    due first; in the future when nothing is due. `away_since`: since when what takes the messages cannot be used, null
    while it can, and `away_reason` why."""

    channel: Channel
    queued: int
    sending: int
    due_since: datetime | None
    failed_last_day: int
    away_since: datetime | None
    away_reason: str | None
    limits: LimitsView

    @classmethod
    def of(cls, state: ChannelState) -> "ChannelView":
        away = state.outlet if state.outlet and state.outlet.away else None
        return cls(
            channel=state.channel,
            queued=state.backlog.queued,
            sending=state.backlog.sending,
            due_since=state.backlog.due_since,
            failed_last_day=state.failed_last_day,
            away_since=away.at if away else None,
            away_reason=away.away if away else None,
            limits=LimitsView(
                recipient_hour=state.limits.recipient_hour,
                recipient_day=state.limits.recipient_day,
                agency_day=state.limits.agency_day,
            ),
        )


class ChannelList(BaseModel):
    """The channels by which messages leave; those in the portal are where they belong from the start."""

    items: list[ChannelView]
