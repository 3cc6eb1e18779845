"""Catalog's agencies, as far as stats needs them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pymongo.database import Database

from chassis.store import Copies, Document


@dataclass(frozen=True, slots=True)
class AgencyCopy:
    id: str
    name: str
    parent: str | None


class Agencies:
    """Catalog's agencies as far as stats needs them. One that catalog has not told of yet stands in with what
    dossiers say."""

    def __init__(self, database: Database[Document]) -> None:
        self._copies = Copies(database, "agencies")
        self._met: set[str] = set()

    def put(self, agencies: Iterable[tuple[int, AgencyCopy]]) -> None:
        """With catalog's sequence each."""
        self._copies.put(
            [(agency.id, sequence, {"name": agency.name, "parent": agency.parent}) for sequence, agency in agencies]
        )

    def meet(self, names: Mapping[str, str]) -> None:
        """Agencies by id that dossiers name. Until catalog tells, an id's parent is the id without its last part."""
        new = [id for id in names if id not in self._met]
        self.put((0, AgencyCopy(id, names[id], id.rpartition(".")[0] or None)) for id in new)
        self._met.update(new)

    def all(self) -> dict[str, AgencyCopy]:
        return {
            row["_id"]: AgencyCopy(row["_id"], row["name"], row["parent"]) for row in self._copies.collection.find()
        }
