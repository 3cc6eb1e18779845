"""How many segments of SMS, each of which is paid for, one agency sends on a day; and the limits of every channel."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chassis import metrics
from chassis.clock import id_from
from chassis.worktime import ZONE
from notify.channels.sms import worded
from notify.domain.deliveries import spread
from notify.domain.messages import Message
from notify.domain.receipts import key_of
from notify.domain.segments import length
from notify.limits import DAY_SPREAD, MORNING, Limits, MessageGate
from notify.store.counters import Asked, Counters
from notify.templates import TemplateBroken, Templates


class SmsGate:
    """`limits.agency_day` counts segments here."""

    def __init__(self, counts: Counters, limits: Limits, templates: Templates, most_segments: int) -> None:
        self._counts = counts
        self._most = limits.agency_day
        self._templates = templates
        self._most_segments = most_segments
        self._gate = MessageGate(counts, "sms", replace(limits, agency_day=0))

    def held_back(self, rows: Sequence[Message], now: datetime) -> list[datetime | None]:
        """For each until when it has to wait; None for one that may go."""
        held = self._gate.held_back(rows, now)
        free = [row for row, until in zip(rows, held, strict=True) if until is None]
        dear = self._over(free, now) if self._most else {}
        return [until or dear.get(row.id) for row, until in zip(rows, held, strict=True)]

    def _over(self, rows: Sequence[Message], now: datetime) -> dict[str, datetime]:
        """Those whose agency has sent enough today. Each of a message's segments is counted as if it were a row."""
        day = now.astimezone(ZONE).date()
        names = {row.id: self._segments(row) for row in rows}
        windows: dict[str, list[str]] = {}
        for row in rows:
            if row.agency:
                windows.setdefault(f"segments:{row.agency}:{day:%Y%m%d}", []).extend(names[row.id])
        counted = self._counts.count(
            [
                Asked(window=window, limit=self._most, ids=ids, free=frozenset(), expires_at=now + timedelta(days=2))
                for window, ids in windows.items()
            ]
        )
        admitted = frozenset[str]().union(*counted)
        morning = datetime.combine(day + timedelta(days=1), MORNING, ZONE).astimezone(UTC)
        over = {
            row.id: morning + spread(row.id, DAY_SPREAD)
            for row in rows
            if row.agency and not admitted.issuperset(names[row.id])
        }
        metrics.HELD_BACK.labels("sms", "agency_segments").inc(len(over))
        # Of a message that does not go, no segment does.
        back = [
            (window, [id for row in rows if row.id in over for id in names[row.id] if id in admitted and id in ids])
            for window, ids in windows.items()
        ]
        self._counts.uncount([(window, ids) for window, ids in back if ids])
        return over

    def _segments(self, row: Message) -> list[str]:
        """A name for each. What cannot be written costs nothing, and the outlet says why."""
        try:
            text, _ = worded(self._templates, row, self._most_segments)
        except TemplateBroken:
            return []
        return [id_from("segment", key_of(row), str(n)) for n in range(length(text).segments)]
