"""What stats does with events, and how it checks and renews what it made of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from chassis.envelope import Envelope, read_data
from chassis.worktime import local_day
from stats import recount
from stats.domain import Fact, merge
from stats.inbound import READINGS, AgencyChanged, DossierFiled, DossierReceived, DossierRefused, Saying, State
from stats.store import AgencyCopy, Projection, StatsStore


class Intake(Protocol):
    def states(self) -> Iterable[State]: ...


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`comparison`: the projection before (counted) with the rebuilt one (recounted), which may have gone on since."""

    events: int
    generation: int
    comparison: recount.Comparison


class UseCases:
    def __init__(self, store: StatsStore, intake: Intake, clock: Clock) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock

    def take(self, items: Sequence[Received]) -> list[Outcome]:
        """Archives events and brings the numbers up to date with them; with the duplicates too, since a process may
        have died after it archived them.

        The order matters to a rebuild that switches the projection meanwhile: it replays the log until after the
        switch, and who still saw the old projection had listed its events before it looked.
        """
        added = self._store.archive.add([item.event for item in items])
        kept = [item for item, new in zip(items, added, strict=True) if new is not None]
        if kept:
            self._store.archive.note([item.event.id for item in kept], self._clock())
            self._meet_agencies(kept)
            again = {item.event.subject for item, new in zip(items, added, strict=True) if new is False}
            project(self._store.current(), kept, again)
        return [_OUTCOMES[new] for new in added]

    def _meet_agencies(self, items: Sequence[Received]) -> None:
        changed = [(item.event.sequence, item.data.agency) for item in items if isinstance(item.data, AgencyChanged)]
        self._store.agencies.put(
            (sequence, AgencyCopy(agency.id, agency.name, agency.parent)) for sequence, agency in changed
        )
        naming = [item.data for item in items if isinstance(item.data, DossierFiled | DossierReceived | DossierRefused)]
        self._store.agencies.meet({data.dimensions.agency: data.agency_name for data in naming})

    def recount(self) -> recount.Comparison:
        """Compares the numbers with what intake's own dossiers add up to; Unavailable when intake does not answer."""
        today = local_day(self._clock())
        recounted = recount.count(self._intake.states(), today)
        current = self._store.current()
        return recount.compare({**dict(current.months()), **dict(current.now(today))}, recounted)

    def rebuild(self, progress: Callable[[int], object]) -> Rebuilt:
        """Makes the projection anew from the archive beside the live one, and switches to it. Consumers may go on."""
        before = self._store.current()
        fresh = self._store.new_generation()
        cursor = count = 0
        for reached, items in self._logged(cursor):
            project(fresh, items)
            cursor, count = reached, count + len(items)
            progress(count)
        self._store.make_current(fresh, cursor)
        count += self.finish_rebuild()
        return Rebuilt(count, fresh.generation, recount.compare(dict(before.months()), dict(fresh.months())))

    def finish_rebuild(self) -> int:
        """Replays what consumers projected into the old projection until they saw the switch; how many events it were.

        A timer calls it too, for a rebuild that died between its switch and this.
        """
        unfinished, count = self._store.unfinished(), 0
        if unfinished is not None:
            projection, cursor = unfinished
            for _, items in self._logged(cursor):
                project(projection, items, {item.event.subject for item in items})
                count += len(items)
            self._store.finish(projection)
        return count

    def _logged(self, cursor: int) -> Iterator[tuple[int, list[Received]]]:
        """The archived events after the log's row `cursor` until there are no more, each time with the row reached."""
        while True:
            reached, events = self._store.archive.after(cursor)
            if reached == cursor:
                return
            yield reached, [Received(event, _read(event)) for event in events]
            cursor = reached


_OUTCOMES: dict[bool | None, Outcome] = {True: Done(), False: Duplicate(), None: Invalid("cannot be stored")}


def _read(event: Envelope) -> Any:
    kind = READINGS.get(event.type)
    return event.data if kind is None else read_data(kind, event.data)


def project(projection: Projection, items: Sequence[Received], again: AbstractSet[str] = frozenset()) -> None:
    """Folds the events of each dossier, merges them into the facts, recounts the cells that they could have changed.

    `again`: the dossiers some of whose events had come before. One that is new nobody can have merged, except for a
    rebuild's last replay, which recounts whatever it finds merged.
    """
    said: dict[str, Fact] = {}
    for item in items:
        if isinstance(item.data, Saying):
            fact = item.data.fact(item.event.sequence)
            said[item.event.subject] = merge(said.get(item.event.subject, Fact()), fact)
    projection.recount(projection.merge(said, again))
