"""What intake says of looks into the document store. It names nobody."""

from dataclasses import dataclass
from typing import Literal

from stats.domain.facts import LookUp, Statements
from stats.inbound.codes import Code, Instant
from stats.inbound.dossiers import Saying


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLookedUp(Saying):
    """The event's subject is the look-up, no dossier. Whoever was told that something is held has looked, so each act
    counts."""

    agency: Code | None
    procedure: Code | None
    by: Literal["self", "officer", "system"]
    act: str
    documents: int
    at: Instant

    def says(self, sequence: int) -> Statements:
        return Statements(
            looked_up=LookUp(
                sequence=sequence,
                at=self.at,
                agency=self.agency,
                procedure=self.procedure,
                by=self.by,
                act=self.act,
                documents=self.documents,
            )
        )
