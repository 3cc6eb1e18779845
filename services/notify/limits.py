"""How many messages go out to one address in an hour and on a day, and for one agency on a day; and in which hours none
does.

What is over a limit waits in the store for the next hour or the next morning; nothing is dropped. No source prescribes
the numbers (`?`): they are settings, so that nobody's inbox and no provider's patience is worn out by a mistake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal, Protocol

from chassis import metrics
from chassis.clock import id_from
from chassis.worktime import ZONE
from notify.domain.deliveries import spread
from notify.domain.messages import Message
from notify.store.counters import Asked

Limit = Literal["recipient_hour", "recipient_day", "agency_day"]
HOUR = timedelta(hours=1)
MORNING = time(8)
"""What was held back for a day goes out again when nobody is woken up by it."""
HOUR_SPREAD, DAY_SPREAD = timedelta(minutes=10), timedelta(hours=1)
"""What was held back does not come back all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """So many messages of a channel at most; 0: as many as there are."""

    recipient_hour: int
    recipient_day: int
    agency_day: int


class Counts(Protocol):
    """See `notify.store.counters`."""

    def count(self, asked: Sequence[Asked]) -> Sequence[frozenset[str]]: ...
    def uncount(self, items: Sequence[tuple[str, Sequence[str]]]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Window:
    limit: Limit
    key: str
    ends: datetime
    """When what is held back by it is due again."""


class MessageGate:
    """Lets messages of one channel through, or says until when they have to wait."""

    def __init__(self, counts: Counts, channel: str, limits: Limits) -> None:
        self._counts = counts
        self._channel = channel
        self._limits = limits

    def held_back(self, rows: Sequence[Message], now: datetime) -> list[datetime | None]:
        """For each until when it has to wait; None for one that may go.

        A row is counted once in each hour and on each day that it is tried in. Urgent ones go over an hour's limit.
        """
        quiet = {row.id: until for row in rows if (until := _quiet_until(row, now)) is not None}
        windows = {row.id: self._windows(row, now) for row in rows if row.id not in quiet}
        refused = self._refused([row for row in rows if row.id in windows], windows, now)
        return [quiet.get(row.id) or refused.get(row.id) for row in rows]

    def _refused(
        self, rows: Sequence[Message], windows: dict[str, list[_Window]], now: datetime
    ) -> dict[str, datetime]:
        asked: dict[str, tuple[_Window, list[Message]]] = {}
        for row in rows:
            for window in windows[row.id]:
                asked.setdefault(window.key, (window, []))[1].append(row)
        counted = self._counts.count([self._asked(window, of, now) for window, of in asked.values()])
        admitted = dict(zip(asked, counted, strict=True))
        refused: dict[str, datetime] = {}
        for row in rows:
            closed = [window for window in windows[row.id] if row.id not in admitted[window.key]]
            if closed:
                last = max(closed, key=lambda window: window.ends)
                width = HOUR_SPREAD if last.limit == "recipient_hour" else DAY_SPREAD
                refused[row.id] = last.ends + spread(row.id, width)
                metrics.HELD_BACK.labels(self._channel, last.limit).inc()
        # What one window lets through and another one does not has not gone out.
        back = [(key, [id for id in ids if id in refused]) for key, ids in admitted.items()]
        self._counts.uncount([(key, ids) for key, ids in back if ids])
        return refused

    def _windows(self, row: Message, now: datetime) -> list[_Window]:
        local = now.astimezone(ZONE)
        day = f"{local:%Y%m%d}"
        morning = datetime.combine(local.date() + timedelta(days=1), MORNING, ZONE).astimezone(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0) + HOUR
        # No address lies in the store a second time for this.
        who = id_from("recipient", row.to.casefold())
        found = [
            _Window("recipient_hour", f"{self._channel}:{who}:{day}T{local:%H}", hour),
            _Window("recipient_day", f"{self._channel}:{who}:{day}", morning),
            *([_Window("agency_day", f"{self._channel}:{row.agency}:{day}", morning)] if row.agency else []),
        ]
        return [window for window in found if getattr(self._limits, window.limit)]

    def _asked(self, window: _Window, rows: Sequence[Message], now: datetime) -> Asked:
        urgent = frozenset(row.id for row in rows if row.urgent) if window.limit == "recipient_hour" else frozenset()
        return Asked(
            window=window.key,
            limit=getattr(self._limits, window.limit),
            ids=[row.id for row in rows],
            free=urgent,
            expires_at=now + timedelta(days=2),
        )


def _quiet_until(row: Message, now: datetime) -> datetime | None:
    """When somebody may be disturbed with it again; None when that is now."""
    if row.urgent or row.quiet is None:
        return None
    until = row.quiet.ends(now)
    return until if until > now else None
