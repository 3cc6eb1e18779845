"""Intake's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from intake.store.catalogue import Catalogue
from intake.store.dossiers import Dossiers


class IntakeStore:
    """Everything that intake keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.dossiers = Dossiers(database, carrier)
        self.catalogue = Catalogue(database)

    def ensure_indexes(self) -> None:
        self.dossiers.ensure_indexes()
        self.catalogue.ensure_indexes()
