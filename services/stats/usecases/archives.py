"""What becomes of the archive when it grows old: it is exported, and then made smaller."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from chassis.clock import Clock
from chassis.worktime import local_day
from stats.cold import Export, ExportedFile, ExportInvalid
from stats.store import StatsStore

AT_ONCE = 1000
"""Events that are removed together: few enough that nobody waits for it."""


class NotOver(Exception):  # noqa: N818 (what is the case, not an error of ours)
    """The day is not over yet, so more may become known on it."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """`left`: events of these days that no export holds, and that therefore stay."""

    removed: int
    left: int


class Archiving:
    def __init__(self, store: StatsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def export(self, until: date, to: Export, told: Callable[[ExportedFile], object]) -> int:
        """Exports what became known until that day, that day included, after what the export holds already, a file a
        month; how many events. NotOver; ExportInvalid when the export that is there is not sound."""
        archive, before = self._store.archive, until + timedelta(days=1)
        if before > local_day(self._clock()):
            raise NotOver(str(until))
        since, first, count = to.manifest().before, archive.first_day(), 0
        if since is None:
            if archive.pruned_before() is not None:
                raise ExportInvalid("what was pruned is in an earlier export: go on with that one")
            since = before if first is None else date.fromisoformat(first)
        while since < before:
            end = min(before, (since.replace(day=1) + timedelta(days=32)).replace(day=1))
            made = to.add(archive.by_day(since.isoformat(), end.isoformat()), since, end)
            told(made)
            since, count = end, count + made.events
        return count

    def prune(self, before: date, exported: Export, progress: Callable[[int], object]) -> Pruned:
        """Removes from the archive what became known before that day, as far as the export holds it. Facts and sums
        stay. ExportInvalid, and nothing is removed, when the export does not hold these days, or is not what it was."""
        archive, manifest = self._store.archive, exported.manifest()
        first = archive.first_day()
        if manifest.since is None or manifest.before is None or manifest.before < before:
            raise ExportInvalid(f"the export does not reach {before}")
        if first is not None and date.fromisoformat(first) < manifest.since:
            raise ExportInvalid(f"the archive holds events of {first}, before the export's first day {manifest.since}")
        exported.verify(manifest)
        # From here on a rebuild needs the export, also when this is not carried through.
        archive.note_pruned(before.isoformat())
        removed, ids = 0, (event["id"] for event in exported.events(manifest))
        while some := list(islice(ids, AT_ONCE)):
            removed += archive.remove(some, before.isoformat())
            progress(removed)
        return Pruned(removed, archive.count_before(before.isoformat()))
