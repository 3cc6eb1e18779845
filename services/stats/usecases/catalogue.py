"""What stats does with catalog's events: it keeps copies, with their history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby, islice
from typing import Any

from chassis.envelope import read_data
from stats.domain.catalogue import Agency
from stats.inbound import READINGS
from stats.inbound.agencies import AgencyChanged
from stats.inbound.catalogue import CalendarChanged, EssentialChanged, ProcedurePublished, ProcedureWithdrawn, TargetSet
from stats.inbound.dossiers import DossierFiled, DossierReceived, DossierRefused
from stats.store import StatsStore

Said = tuple[int, Any]
"""An event's sequence, and stats' reading of what it says."""
Documents = Iterable[Mapping[str, Any]]
"""Archived events."""
PUBLISHER = "catalog"
BATCH = 1000


def learn(store: StatsStore, said: Sequence[Said], known: date) -> None:
    """Puts a batch's news of agencies, procedures, targets, essential services and calendars into the copies. To do it
    again, in whatever order, changes nothing. `known`: the day on which stats came to know them."""
    _learn_agencies(store, said)
    catalogue = store.catalogue
    entries = [each.entry() for _, each in said if isinstance(each, ProcedurePublished | ProcedureWithdrawn)]
    catalogue.add_procedures(entries, known)
    catalogue.add_targets((each.targets(n) for n, each in said if isinstance(each, TargetSet)), known)
    catalogue.add_essentials((each.essential(n) for n, each in said if isinstance(each, EssentialChanged)), known)
    catalogue.put_calendars(
        (each.year, n, [(day.date, day.kind) for day in each.days])
        for n, each in said
        if isinstance(each, CalendarChanged)
    )


def _learn_agencies(store: StatsStore, said: Sequence[Said]) -> None:
    changed = [(sequence, each.agency) for sequence, each in said if isinstance(each, AgencyChanged)]
    store.agencies.put(
        (
            sequence,
            Agency(
                id=each.id, name=each.name, parent=each.parent, level=each.level, one_stop=each.one_stop,
                inherited_levels=each.inherited_levels, valid_from=each.valid_from, valid_to=each.valid_to,
            ),
        )
        for sequence, each in changed
    )  # fmt: skip
    naming = [each for _, each in said if isinstance(each, DossierFiled | DossierReceived | DossierRefused)]
    store.agencies.meet({each.dimensions.agency: each.agency_name for each in naming})


def learn_again(store: StatsStore) -> None:
    """Everything that catalog's events in the archive say, for copies that are new or lost."""
    for _ in learning(store, store.archive.of_publisher(PUBLISHER)):
        pass


def learning(store: StatsStore, documents: Documents) -> Iterator[Mapping[str, Any]]:
    """The same archived events, of which those of catalog are learned on the way."""
    rest = iter(documents)
    while batch := list(islice(rest, BATCH)):
        told = [each for each in batch if each["type"].startswith(f"{PUBLISHER}.") and each["type"] in READINGS]
        for known, group in groupby(told, key=lambda each: str(each["known"])):
            said = [(each["sequence"], read_data(READINGS[each["type"]], each["data"])) for each in group]
            learn(store, said, date.fromisoformat(known))
        yield from batch
