"""Workflow's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from workflow.store.catalogue import Catalogue
from workflow.store.processes import Processes


class WorkflowStore:
    """Everything that workflow keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.processes = Processes(database, carrier)
        self.catalogue = Catalogue(database)

    def ensure_indexes(self) -> None:
        self.processes.ensure_indexes()
