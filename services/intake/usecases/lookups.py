"""The log of who looked at people's documents."""

from chassis.store import New
from chassis.web import Call
from intake.domain.documents import Act, Lookup, looker, owner_of
from intake.store import IntakeStore


class LookupLog:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def note(
        self,
        call: Call,
        owner: str,
        *,
        act: Act,
        documents: int,
        purpose: str,
        agency: str | None = None,
        dossier: str | None = None,
        procedure: str | None = None,
    ) -> None:
        """Writes down that the caller looked, with the event that says so; nothing is shown before it is written.

        A request that is repeated with its key is the same look-up.
        """
        principal = call.principal
        own = principal.identity is not None and owner_of(principal.identity) == owner
        lookup = Lookup(
            id=call.id_for_new("lookup"),
            owner=owner,
            subject=principal.subject,
            name=principal.name,
            by=looker(principal.subject, own=own),
            agency=agency,
            dossier=dossier,
            procedure=procedure,
            act=act,
            purpose=purpose,
            documents=documents,
            at=call.now,
        )
        self._store.lookups.add([New(lookup.id, lookup, [lookup.told], call.now, call.trace)])
