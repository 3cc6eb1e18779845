"""What waits for each channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notify.domain.telling import Channel
from notify.limits import Limits
from notify.store import NotifyStore
from notify.store.outlets import OutletState
from notify.store.rows import Backlog


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """`outlet`: None when no worker has said anything yet."""

    channel: Channel
    backlog: Backlog
    failed_last_day: int
    outlet: OutletState | None
    limits: Limits


class ChannelQueries:
    """`channels`: those that are configured, with their limits."""

    def __init__(self, store: NotifyStore, channels: Mapping[Channel, Limits]) -> None:
        self._store = store
        self._channels = channels

    def channels(self, now: datetime) -> list[ChannelState]:
        outlets = self._store.outlets.states()
        return [
            ChannelState(
                channel=channel,
                backlog=self._store.messages.rows(channel).backlog(),
                failed_last_day=self._store.messages.count_failed(channel, now - timedelta(days=1)),
                outlet=outlets.get(channel),
                limits=limits,
            )
            for channel, limits in self._channels.items()
        ]
