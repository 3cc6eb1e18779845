"""The projection made anew from the archive, beside the live one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chassis.consume import Received
from chassis.envelope import Envelope, read_data
from stats import recount
from stats.inbound import READINGS
from stats.store import StatsStore
from stats.usecases.events import project


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`comparison`: the projection before (counted) with the rebuilt one (recounted), which may have gone on since."""

    events: int
    generation: int
    comparison: recount.Comparison


class Rebuilding:
    def __init__(self, store: StatsStore) -> None:
        self._store = store

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
        count += self.finish()
        return Rebuilt(count, fresh.generation, recount.compare(dict(before.months()), dict(fresh.months())))

    def finish(self) -> int:
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


def _read(event: Envelope) -> Any:
    kind = READINGS.get(event.type)
    return event.data if kind is None else read_data(kind, event.data)
