"""What stats does with the events that it consumes."""

from collections.abc import Sequence
from datetime import datetime

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from chassis.worktime import local_day
from stats.domain.facts import Statements
from stats.inbound.dossiers import Saying
from stats.store import StatsStore
from stats.store.beside import beside
from stats.store.log import Archived, Said
from stats.usecases.catalogue import learn


class Taking:
    def __init__(self, store: StatsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, items: Sequence[Received]) -> list[Outcome]:
        """Archives events and brings the numbers up to date with them; with the duplicates too, since a process may
        have died after it archived them. One of chassis.store.UNAVAILABLE when others are in the way for too long."""
        now = self._clock()
        archived = beside(self._store.archive.add, [item.event for item in items], local_day(now))
        try:
            self._count(items, now, archived)
        except Exception:
            # What can never be stored breaks whatever writes it; without it the rest is counted.
            if None not in archived():
                raise
            kept = [(item, new) for item, new in zip(items, archived(), strict=True) if new is not None]
            if kept:
                self._count([item for item, _ in kept], now, lambda: [new for _, new in kept])
        return [_OUTCOMES[new] for new in archived()]

    def _count(self, items: Sequence[Received], now: datetime, archived: Archived) -> None:
        learn(self._store, [(item.event.sequence, item.data) for item in items], local_day(now))
        self._store.log.apply(said(items), now, archived)


_OUTCOMES: dict[bool | None, Outcome] = {True: Done(), False: Duplicate(), None: Invalid("cannot be stored")}


def said(items: Sequence[Received]) -> Said:
    """What a batch of events says."""
    events: list[tuple[str, str, Statements | None]] = []
    dossiers: dict[str, list[Statements]] = {}
    for item in items:
        statements = item.data.says(item.event.sequence) if isinstance(item.data, Saying) else None
        events.append((item.event.id, item.event.subject, statements))
        if statements is not None:
            dossiers.setdefault(item.event.subject, []).append(statements)
    return Said(
        ids=list(dict.fromkeys(id for id, _, _ in events)),
        events=events,
        dossiers=dossiers,
    )
