"""The projection made anew from the archive, beside the live one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice, pairwise
from typing import Any

from chassis.clock import Clock
from chassis.envelope import read_data
from stats.cold import Export
from stats.domain.facts import NOTHING, Fact, Statements, merge
from stats.inbound import READINGS
from stats.inbound.dossiers import Saying
from stats.store import StatsStore
from stats.store.building import Building, known_of
from stats.store.comparing import Difference, differences
from stats.store.projection import Projection
from stats.usecases.catalogue import learn_again, learning

REPLAYED_AT_ONCE = 20
"""Rows of the log that follow while the switch is made: as many as one transaction takes in well under a second."""
SHOWN = 1000
"""Differences that are told one by one; of the others, how many they are."""
SAYING = frozenset(name for name, kind in READINGS.items() if issubclass(kind, Saying))
"""The types of events that say something of what is counted; the others are archived for what may be asked later."""
PARTS = 48
"""Of about the same size, which are built independently of each other."""
BATCH = 1000
"""Events of an export that are counted together."""
Progress = Callable[[int], object]
Documents = Iterable[Mapping[str, Any]]
Range = tuple[str | None, str | None]
Build = Callable[[int, Iterable[Range], Progress], int]
"""Builds what these ranges of subjects hold into a generation; how many events."""
Session = Any
"""A transaction of the store, or None."""


class ArchiveIncomplete(Exception):  # noqa: N818 (what is the case, not an error of ours)
    """Part of the archive was pruned: only with the export that holds it can the projection be made anew."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`events`: how many were counted. `differences`: where the projection before counted something else than the
    rebuilt one, at the moment of the switch; at most SHOWN of them, `differing` in all."""

    events: int
    generation: int
    differing: int
    differences: tuple[Difference, ...]


class Rebuilding:
    def __init__(self, store: StatsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def rebuild(self, progress: Progress = lambda _: None, build: Build | None = None) -> Rebuilt:
        """Makes the projection anew from the archive beside the live one, and switches to it. Consumers may go on, and
        whoever asks is answered from the live one until then. The copies of what catalog told get what they lack.

        `build`: how the parts are built, one after the other by default. ArchiveIncomplete when the archive was pruned.
        Overtaken when another rebuild began meanwhile.
        """
        pruned = self._store.archive.pruned_before()
        if pruned is not None:
            raise ArchiveIncomplete(pruned)
        learn_again(self._store)
        before, fresh, reached = self._begin()
        if build is None:
            count = self.build(fresh, (None, None), progress)
        else:
            cuts = [None, *self._store.archive.cut(PARTS), None]
            count = build(fresh.generation, list(pairwise(cuts)), progress)
        return self._end(before, fresh, reached, count)

    def if_due(self) -> None:
        """Rebuilds when the store is of a version that counted otherwise. Takes as long as a rebuild, once."""
        if self._store.upgrading.begin(self._store.generation()):
            self.rebuild()
            self._store.upgrading.done()

    def rebuild_from(self, export: Export, progress: Progress = lambda _: None) -> Rebuilt:
        """The same from an export, and after its last day from the archive. ArchiveIncomplete when the archive was
        pruned beyond the export; ExportInvalid when the export is not what it was."""
        manifest, pruned = export.manifest(), self._store.archive.pruned_before()
        export.verify(manifest)
        reaches = "" if manifest.before is None else manifest.before.isoformat()
        if pruned is not None and reaches < pruned:
            raise ArchiveIncomplete(pruned)
        learn_again(self._store)
        before, fresh, reached = self._begin()
        count = self.build_in_order(fresh, learning(self._store, export.events(manifest)), progress)
        count = self.build_in_order(fresh, self._store.archive.by_day(reaches, "~"), progress, count)
        return self._end(before, fresh, reached, count)

    def _begin(self) -> tuple[Projection, Projection, int]:
        """The live projection, an empty one, and the row of the log up to which everything is in the archive."""
        return self._store.current(), self._store.new_generation(), self._store.log.last().number

    def _end(self, before: Projection, fresh: Projection, reached: int, count: int) -> Rebuilt:
        fresh.ensure_indexes()
        found = differences(self._store.log, before, fresh, self._switch(fresh, reached))
        shown = tuple(islice(found, SHOWN))
        return Rebuilt(count, fresh.generation, len(shown) + sum(1 for _ in found), shown)

    def build(self, fresh: Projection, within: Range, progress: Progress = lambda _: None) -> int:
        """Dossier by dossier, those from the first of `within` on and before the second: each is merged once, and
        written without being read. How many events were counted."""
        first, end = within
        building, count = Building(fresh, first or ""), 0
        for dossier, documents in self._store.archive.by_subject(SAYING, first, end):
            count += len(documents)
            building.add(dossier, _became(documents))
            if building.is_full():
                building.flush()
                progress(count)
        building.flush()
        progress(count)
        return count

    def build_in_order(self, fresh: Projection, documents: Documents, progress: Progress, count: int = 0) -> int:
        """In the order in which it became known, for what no index holds together by dossier."""
        for known, group in groupby(documents, known_of):
            while batch := list(islice(group, BATCH)):
                count += len(batch)
                self._merge(fresh, batch, known, f"export {count}")
                progress(count)
        return count

    @staticmethod
    def _merge(fresh: Projection, documents: Documents, known: str, name: str, session: Session = None) -> None:
        said: dict[str, list[Statements]] = {}
        for document in documents:
            if document["type"] in SAYING:
                said.setdefault(document["subject"], []).append(said_by(document))
        _, entries = fresh.take(said, session)
        fresh.later.put(name, known, ((known, entry) for entry in entries), session)

    def _switch(self, fresh: Projection, reached: int) -> int:
        """Counts what was consumed meanwhile, until so little is left that it can be counted while the switch is made;
        the log's row that says so."""
        while True:
            while rows := self._store.log.after(reached, REPLAYED_AT_ONCE):
                self._replay(fresh, rows)
                reached = rows[-1]["_id"]
                if len(rows) < REPLAYED_AT_ONCE:
                    break

            def replay(after: int, session: Session) -> None:
                rows = self._store.log.after(after, REPLAYED_AT_ONCE, session)
                self._replay(fresh, [row for row in rows if row["generation"] != fresh.generation], session)

            switched = self._store.log.switch(fresh, reached, self._clock(), replay, REPLAYED_AT_ONCE - 1)
            if switched is not None:
                return switched

    def _replay(self, fresh: Projection, rows: Iterable[Mapping[str, Any]], session: Session = None) -> None:
        for row in rows:
            self._merge(fresh, self._store.archive.of_row(row, session), row["known"], f"row {row['_id']}", session)


def _became(documents: Documents) -> Iterator[tuple[str, Fact]]:
    """What was known of a dossier on each of the days on which its events became known, if they say anything."""
    days: dict[str, list[Statements]] = {}
    for document in documents:
        days.setdefault(known_of(document), []).append(said_by(document))
    fact = NOTHING
    for known in sorted(days):
        before, fact = fact, merge(fact, days[known])
        if fact is not before:
            yield known, fact


def said_by(document: Mapping[str, Any]) -> Statements:
    """What an archived event of one of the types SAYING says of its subject."""
    read: Saying = read_data(READINGS[document["type"]], document["data"])
    return read.says(document["sequence"])
