"""Intake's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from chassis.papers import Papers
from intake.store.batches import Batches
from intake.store.catalogue import Catalogue
from intake.store.documents import Documents, Lookups
from intake.store.dossiers import Dossiers
from intake.store.drafts import Drafts
from intake.store.files import Files, Reference, Uploads
from intake.store.guesses import Guesses
from intake.store.payments import Payments
from intake.store.population import PopulationLookups

NAMING_FILES = (
    Reference("dossiers", "components.file"),
    Reference("dossiers", "handover.signature"),
    Reference("documents", "file"),
    Reference("drafts", "files", final=False),
)
"""Every place that names files; what none of them names is swept."""


class IntakeStore:
    """Everything that intake keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.dossiers = Dossiers(database, carrier)
        self.batches = Batches(database)
        self.catalogue = Catalogue(database)
        self.documents = Documents(database, carrier)
        self.lookups = Lookups(database, carrier)
        self.drafts = Drafts(database, carrier)
        self.guesses = Guesses(database)
        self.population_lookups = PopulationLookups(database)
        self.files = Files(database, carrier, NAMING_FILES)
        self.uploads = Uploads(database, carrier)
        self.papers = Papers(database)
        self.payments = Payments(database, carrier, self.dossiers)

    def ensure_indexes(self) -> None:
        self.dossiers.ensure_indexes()
        self.batches.ensure_indexes()
        self.catalogue.ensure_indexes()
        self.documents.ensure_indexes()
        self.lookups.ensure_indexes()
        self.drafts.ensure_indexes()
        self.guesses.ensure_indexes()
        self.population_lookups.ensure_indexes()
        self.files.ensure_indexes()
        self.uploads.ensure_indexes()
        self.papers.ensure_indexes()
        self.payments.ensure_indexes()
