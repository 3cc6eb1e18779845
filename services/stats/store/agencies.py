"""Catalog's agencies, as far as stats needs them."""

from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter
from pymongo.database import Database

from chassis.store import Copies, Document
from stats.domain.catalogue import Agency
from stats.store.decoding import TIMELESS

_AGENCIES: TypeAdapter[list[Agency]] = TypeAdapter(list[Agency])
_AGENCY: TypeAdapter[Agency] = TypeAdapter(Agency)


class Agencies:
    """Catalog's agencies as far as stats needs them. One that catalog has not told of yet stands in with what
    dossiers say."""

    def __init__(self, database: Database[Document]) -> None:
        self._copies = Copies(database, "agencies")
        # Nearly every question reads them all, and there is nothing in them but text.
        self._plainly = self._copies.collection.with_options(codec_options=TIMELESS)
        self._met: set[str] = set()

    def put(self, agencies: Iterable[tuple[int, Agency]]) -> None:
        """With catalog's sequence each."""
        self._copies.put(
            [(agency.id, sequence, _AGENCY.dump_python(agency, mode="json")) for sequence, agency in agencies]
        )

    def meet(self, names: Mapping[str, str]) -> None:
        """Agencies by id that dossiers name. Until catalog tells, an id's parent is the id without its last part."""
        new = [id for id in names if id not in self._met]
        self.put((0, Agency(id=id, name=names[id], parent=id.rpartition(".")[0] or None)) for id in new)
        self._met.update(new)

    def all(self) -> dict[str, Agency]:
        """By identifier."""
        rows = self._plainly.find({}, {"sequence": 0}, batch_size=5000)
        found = _AGENCIES.validate_python([{"id": row.pop("_id"), **row} for row in rows])
        return {each.id: each for each in found}
