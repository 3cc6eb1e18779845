"""notify's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from notify.store.contacts import Contacts
from notify.store.messages import Messages


class NotifyStore:
    """Everything that notify keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.messages = Messages(database, carrier)
        self.contacts = Contacts(database)

    def ensure_indexes(self) -> None:
        self.messages.ensure_indexes()
