"""Whom to tell about which dossier, and the agencies' addresses."""

from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter
from pymongo.database import Database

from chassis import store
from notify.domain.telling import Contact, Office

_CONTACT: TypeAdapter[Contact] = TypeAdapter(Contact)
_OFFICE: TypeAdapter[Office] = TypeAdapter(Office)


class Contacts:
    def __init__(self, database: Database[store.Document]) -> None:
        self._contacts = store.Copies(database, "contacts")
        self._offices = store.Copies(database, "agencies")

    def put_contacts(self, items: Sequence[tuple[str, int, Contact]]) -> None:
        """(dossier, intake's sequence, contact) each; the newest one stays."""
        self._contacts.put([(dossier, sequence, _CONTACT.dump_python(contact)) for dossier, sequence, contact in items])

    def contacts(self, dossiers: Iterable[str]) -> dict[str, Contact]:
        found = self._contacts.collection.find({"_id": {"$in": list(dossiers)}})
        return {document["_id"]: _CONTACT.validate_python(document) for document in found}

    def put_offices(self, items: Sequence[tuple[int, Office]]) -> list[bool]:
        """With catalog's sequence each; False where the copy was as new already."""
        return self._offices.put([(office.id, sequence, _OFFICE.dump_python(office)) for sequence, office in items])

    def offices(self, ids: Iterable[str]) -> dict[str, Office]:
        found = self._offices.collection.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: _OFFICE.validate_python(document) for document in found}
