"""What stats does with the events that it consumes."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Invalid, Outcome, Received
from stats.domain.facts import Fact, merge
from stats.inbound.agencies import AgencyChanged
from stats.inbound.dossiers import DossierFiled, DossierReceived, DossierRefused, Saying
from stats.store import StatsStore
from stats.store.agencies import AgencyCopy
from stats.store.projection import Projection


class Taking:
    def __init__(self, store: StatsStore, clock: Clock) -> None:
        self._store = store
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


_OUTCOMES: dict[bool | None, Outcome] = {True: Done(), False: Duplicate(), None: Invalid("cannot be stored")}


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
