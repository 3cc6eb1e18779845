"""notify's MongoDB, a module for each noun."""

from pymongo.database import Database

from chassis import store
from notify.domain.rules import Book
from notify.domain.wordings import Wording
from notify.store.contacts import Contacts
from notify.store.counters import Counters
from notify.store.messages import Messages
from notify.store.outlets import Outlets
from notify.store.people import People
from notify.store.receipts import Receipts
from notify.store.retries import RetryActs
from notify.store.series import Series
from notify.store.tellings import Tellings
from notify.store.tokens import TokenStore


class NotifyStore:
    """Everything that notify keeps."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.messages = Messages(database, carrier)
        self.contacts = Contacts(database)
        self.counters = Counters(database)
        self.outlets = Outlets(database)
        self.receipts = Receipts(database, carrier)
        self.retries = RetryActs(database, carrier)
        self.tellings = Tellings(database)
        self.tokens = TokenStore(database)
        self.people = People(database, carrier)
        self.rules = Series(database, "rules", Book, carrier)
        self.wordings = Series(database, "wordings", Wording, carrier)

    def ensure_indexes(self) -> None:
        self.messages.ensure_indexes()
        self.counters.ensure_indexes()
        self.receipts.ensure_indexes()
        self.retries.ensure_indexes()
        self.tellings.ensure_indexes()
        self.people.ensure_indexes()
        self.rules.ensure_indexes()
        self.wordings.ensure_indexes()
