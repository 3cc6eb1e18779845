"""All agencies, and what must hold between them: parents, identifiers and aliases, validity. Plain Python."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.domain import REFERENCE, Agency, Procedure
from chassis.errors import FieldError


@dataclass(frozen=True, slots=True)
class _Name:
    """An identifier that an agency goes by, for a time."""

    agency: str
    valid_from: date
    valid_to: date

    def overlaps(self, other: "_Name") -> bool:
        return self.agency != other.agency and self.valid_from < other.valid_to and other.valid_from < self.valid_to


class Directory:
    """All agencies, for what must hold between them and for who is meant by an identifier.

    `ended`: those that others took over from, and the day on which that was, which no edit changes.
    """

    def __init__(self, agencies: Mapping[str, Agency], ended: Mapping[str, date] | None = None) -> None:
        self._agencies = agencies
        self._ended = ended or {}
        self._names: dict[str, list[_Name]] = defaultdict(list)
        for agency in agencies.values():
            for id, name in _names(agency):
                self._names[id].append(name)

    def errors(self, agency: Agency) -> list[FieldError]:
        """How an agency of this directory does not fit: no such parent, a circle of parents, another one's name."""
        wrong: list[FieldError] = []
        end = self._ended.get(agency.id, agency.valid_to)
        if agency.valid_to != end:
            wrong.append(FieldError("/valid_to", "succeeded", f"{end}, when others took over from it"))
        if agency.parent is not None:
            if agency.parent not in self._agencies:
                wrong.append(FieldError("/parent", "unknown_agency", "an agency that is known, or in the same import"))
            elif self._is_circle(agency):
                wrong.append(FieldError("/parent", "circle", "an agency that is not below this one"))
        for n, (id, name) in enumerate(_names(agency)):
            if any(name.overlaps(other) for other in self._names[id]):
                pointer = "/id" if n == 0 else f"/aliases/{n - 1}/id"
                wrong.append(FieldError(pointer, "taken", "another agency has it"))
        return wrong

    def unknown(self, procedure: Procedure) -> list[FieldError]:
        """The agencies that the procedure names and nobody knows."""
        named = [(f"/agencies/{n}", id) for n, id in enumerate(procedure.agencies)]
        steps = [(f"/process/steps/{n}/agency", step.agency) for n, step in enumerate(procedure.process.steps)]
        return [
            FieldError(pointer, "unknown_agency", "an agency that is known")
            for pointer, id in [*named, *steps]
            if id is not None and not id.startswith(REFERENCE) and id not in self._agencies
        ]

    def _is_circle(self, agency: Agency) -> bool:
        passed = {agency.id}
        above = agency.parent
        while above is not None and above in self._agencies:
            if above in passed:
                return above == agency.id
            passed.add(above)
            above = self._agencies[above].parent
        return False


def _names(agency: Agency) -> list[tuple[str, _Name]]:
    """The agency's own identifier, which is its own for as long as it exists, and then its aliases."""
    own = _Name(agency.id, date.min, agency.valid_to or date.max)
    aliases = [
        (alias.id, _Name(agency.id, alias.valid_from or date.min, alias.valid_to or date.max))
        for alias in agency.aliases
    ]
    return [(agency.id, own), *aliases]


def bearer_of(alias: str, candidates: Sequence[Agency], day: date) -> Agency | None:
    """Which of the agencies that have this alias bears it on the day; if none does, the one that bore it last."""

    def rank(agency: Agency) -> tuple[bool, date]:
        spans = [name for id, name in _names(agency)[1:] if id == alias]
        return any(span.valid_from <= day < span.valid_to for span in spans), max(span.valid_to for span in spans)

    return max(candidates, key=rank, default=None)
