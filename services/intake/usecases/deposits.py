"""Brings what dossiers hold into the electronic store of people's documents, after the write that accepted it.

A dossier that has something to bring is marked in the write that accepted it (`Dossier.deposit`), and the mark is taken
off when everything is there; so nothing is lost when a process dies in between. Identifiers are made from the
dossier's, and a document remembers the state of the dossier that it was made from: several workers at once, or one that
was stalled, do no harm.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from chassis.clock import Clock, id_from
from chassis.store import Change, Loaded, New
from intake.domain import documents
from intake.domain.documents import Document
from intake.domain.dossiers import Dossier
from intake.store import IntakeStore

BATCH = 200


class Depositor:
    def __init__(self, store: IntakeStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def once(self) -> None:
        """One round over all dossiers that are marked; a dossier that must wait does not hold up the others."""
        after: tuple[int, str] | None = None
        while page := self._store.dossiers.to_deposit(after, BATCH):
            self._deposit(page)
            after = page[-1].state.deposit, page[-1].id

    def _deposit(self, page: Sequence[Loaded[Dossier]]) -> None:
        dossiers = [loaded.state for loaded in page]
        files = self._store.files.get_many({c.file for dossier in dossiers for c in dossier.components if c.file})
        known: dict[str, list[Loaded[Document]]] = {}
        for document in self._store.documents.of_dossiers([dossier.id for dossier in dossiers]):
            known.setdefault(document.state.dossier, []).append(document)
        now = self._clock()
        done: list[Dossier] = []
        new: list[New[Document]] = []
        changes: list[Change[Document]] = []
        lookups: list[New[documents.Lookup]] = []
        for dossier in dossiers:
            dimensions = dossier.dimensions
            procedure = self._store.catalogue.version(dimensions.procedure, dimensions.procedure_version)
            if procedure is None:
                # The catalogue's copy is not complete yet.
                continue
            brought = documents.deposit(dossier, procedure, files, partial(id_of, dossier.id))
            wanted = {document.id: document for document in brought.documents}
            there = {loaded.id: loaded for loaded in known.get(dossier.id, ())}
            new += [New(id, document, (), now) for id, document in wanted.items() if id not in there]
            changes += [
                change
                for id, loaded in there.items()
                if (change := self._renewed(loaded, wanted.get(id), dossier, now, complete=brought.complete))
                is not None
            ]
            lookups += [
                New(lookup.id, lookup, [lookup.told], lookup.at)
                for lookup in documents.reuses(dossier, partial(id_from, "lookup", dossier.id))
            ]
            if brought.complete:
                done.append(dossier)
        # What another worker added at the same moment is the same, or newer.
        self._store.documents.add(new)
        lost = {
            change.before.state.dossier
            for change, written in zip(changes, self._store.documents.save(changes), strict=True)
            if not written
        }
        self._store.lookups.add(lookups)
        self._store.dossiers.deposited([(d.id, d.deposit) for d in done if d.id not in lost])

    def _renewed(
        self, loaded: Loaded[Document], wanted: Document | None, dossier: Dossier, now: datetime, *, complete: bool
    ) -> Change[Document] | None:
        if wanted is None and not complete:
            # Its new scan waits for the virus scanner.
            return None
        after = documents.renewed(loaded.state, wanted, abs(dossier.deposit), now)
        return None if after is loaded.state else Change(loaded, after, (), now)


def id_of(dossier: str, component: str) -> str:
    """The identifier of what the dossier brought for the component, or for "" of its result."""
    return id_from("document", dossier, component)
