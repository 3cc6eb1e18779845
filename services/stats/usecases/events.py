"""What stats does with the events that it consumes."""

from collections.abc import Iterable, Sequence

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from chassis.worktime import local_day
from stats.domain.facts import Fact, together
from stats.inbound.dossiers import Saying
from stats.store import StatsStore
from stats.store.log import Said
from stats.usecases.catalogue import learn


class Taking:
    def __init__(self, store: StatsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, items: Sequence[Received]) -> list[Outcome]:
        """Archives events and brings the numbers up to date with them; with the duplicates too, since a process may
        have died after it archived them. One of chassis.store.UNAVAILABLE when others are in the way for too long."""
        now = self._clock()
        added = self._store.archive.add([item.event for item in items], local_day(now))
        kept = [(item, new) for item, new in zip(items, added, strict=True) if new is not None]
        if kept:
            learn(self._store, [(item.event.sequence, item.data) for item, _ in kept], local_day(now))
            self._store.log.apply(said(kept), now)
        return [_OUTCOMES[new] for new in added]


_OUTCOMES: dict[bool | None, Outcome] = {True: Done(), False: Duplicate(), None: Invalid("cannot be stored")}


def said(items: Sequence[tuple[Received, bool]]) -> Said:
    """What archived events say. True: it had not come before."""
    facts: dict[str, list[Fact]] = {}
    again: dict[str, list[tuple[str, Fact]]] = {}
    for dossier, id, fact, new in _statements(items):
        facts.setdefault(dossier, []).append(fact)
        if not new:
            again.setdefault(dossier, []).append((id, fact))
    ids = dict.fromkeys(item.event.id for item, _ in items)
    return Said(
        ids=list(ids),
        new=[item.event.id for item, new in items if new],
        facts={dossier: together(each) for dossier, each in facts.items()},
        again=again,
    )


def _statements(items: Sequence[tuple[Received, bool]]) -> Iterable[tuple[str, str, Fact, bool]]:
    for item, new in items:
        if isinstance(item.data, Saying):
            yield item.event.subject, item.event.id, item.data.fact(item.event.sequence), new
