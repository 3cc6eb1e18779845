"""Workflow's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from chassis.papers import Papers
from workflow.store.bulks import Bulks
from workflow.store.catalogue import Catalogue
from workflow.store.contents import Contents
from workflow.store.delegations import Delegations
from workflow.store.lists import Lists
from workflow.store.officers import Officers
from workflow.store.processes import Processes
from workflow.store.results import Results, Signings


class WorkflowStore:
    """Everything that workflow keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.processes = Processes(database, carrier)
        self.lists = Lists(database)
        self.catalogue = Catalogue(database)
        self.officers = Officers(database)
        self.delegations = Delegations(database, carrier)
        self.bulks = Bulks(database, carrier)
        self.results = Results(database, carrier)
        self.signings = Signings(database, carrier)
        self.contents = Contents(database)
        self.papers = Papers(database)

    def ensure_indexes(self) -> None:
        self.processes.ensure_indexes()
        self.lists.ensure_indexes()
        self.officers.ensure_indexes()
        self.delegations.ensure_indexes()
        self.bulks.ensure_indexes()
        self.results.ensure_indexes()
        self.signings.ensure_indexes()
        self.contents.ensure_indexes()
        self.papers.ensure_indexes()
