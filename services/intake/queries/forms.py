"""What can be asked about forms."""

from datetime import date

from chassis.errors import NotFound
from intake.inbound import Procedure
from intake.store import IntakeStore


class FormQueries:
    def __init__(self, store: IntakeStore) -> None:
        self._store = store

    def version(self, code: str, day: date) -> Procedure:
        """The version whose form a dossier of that day is filled in by, or NotFound."""
        procedure = self._store.catalogue.in_force(code, day)
        if procedure is None:
            raise NotFound("no such procedure is in force on that day")
        return procedure
