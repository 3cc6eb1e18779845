"""Fees in MongoDB: payments are in the dossiers that they were made for; beside them, what matched none, and what came
of the reconciliations."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from intake.domain.dossiers import Dossier
from intake.domain.fees import Payment
from intake.domain.payments import Stray
from intake.domain.reconciliation import Reconciliation
from intake.store.counters import Counters

NEWEST = [("arrived_at", DESCENDING), ("_id", DESCENDING)]


class Payments:
    """Dossiers seen by their fees, strays, reconciliations."""

    def __init__(
        self, database: Database[store.Document], carrier: store.Carrier, dossiers: store.Aggregates[Dossier]
    ) -> None:
        self._dossiers = dossiers
        self._counters = Counters(database)
        self.strays: store.Aggregates[Stray] = store.Aggregates(database, "payments", Stray, carrier)
        self.reconciliations: store.Aggregates[Reconciliation] = store.Aggregates(
            database, "reconciliations", Reconciliation, carrier
        )

    def ensure_indexes(self) -> None:
        dossiers = self._dossiers.collection
        # A transaction counts for one dossier only, and a receipt's number is given once, whoever writes meanwhile.
        for field in ("bills.reference", "payments.id", "payments.receipt"):
            dossiers.create_index(
                [(field, ASCENDING)], name=field, unique=True, partialFilterExpression={field: {"$gt": ""}}
            )
        dossiers.create_index(
            [("payments.provider", ASCENDING), ("payments.paid_at", ASCENDING)],
            name="by_provider",
            partialFilterExpression={"payments.provider": {"$gt": ""}},
        )
        strays = self.strays.collection
        strays.create_index([("state", ASCENDING), *NEWEST], name="by_state")
        strays.create_index([("agency", ASCENDING), ("state", ASCENDING), *NEWEST], name="by_agency")
        strays.create_index([("provider", ASCENDING), ("paid_at", ASCENDING)], name="by_provider")

    def draw_receipt(self, agency: str, year: int, count: int) -> str:
        """Uses up the agency's year's next `count` numbers, and returns the first: `H56.30-BL26-000001`. Atomic."""
        series = f"{agency}-BL{year % 100:02d}"
        return f"{series}-{self._counters.draw(series, count):06d}"

    def by_order(self, orders: Iterable[str]) -> dict[str, store.Loaded[Dossier]]:
        """The dossier that each bill's reference or dossier's code names; what names none is left out."""
        wanted = list(orders)
        found: dict[str, store.Loaded[Dossier]] = {}
        if not wanted:
            return found
        for field in ("bills.reference", "code"):
            for document in self._dossiers.collection.find({field: {"$in": wanted, "$gt": ""}}, {"outbox": 0}):
                loaded = self._dossiers.loaded(document)
                for order in {loaded.state.code, *(bill.reference for bill in loaded.state.bills)}:
                    if order is not None:
                        found[order] = loaded
        return found

    def having(self, payment_ids: Iterable[str]) -> dict[str, tuple[Dossier, Payment]]:
        """The dossier that each payment is in."""
        wanted = set(payment_ids)
        found = self._dossiers.collection.find(
            {"payments.id": {"$in": list(wanted), "$gt": ""}}, {"outbox": 0, "doc_answers": 0, "journal": 0}
        )
        dossiers = [self._dossiers.loaded(document).state for document in found]
        return {payment.id: (each, payment) for each in dossiers for payment in each.payments if payment.id in wanted}

    def of_provider(self, provider: str, begin: datetime, end: datetime) -> Iterator[tuple[Dossier, Payment]]:
        """What is recorded as paid through the provider in [begin, end), reversed payments included."""
        span = {"provider": provider, "paid_at": {"$gte": begin, "$lt": end}}
        # The planner uses the partial index only for a query that names its field as the index does.
        found = self._dossiers.collection.find(
            {"payments.provider": {"$eq": provider, "$gt": ""}, "payments": {"$elemMatch": span}},
            {"outbox": 0, "doc_answers": 0, "journal": 0},
        )
        for document in found:
            dossier = self._dossiers.loaded(document).state
            for payment in dossier.payments:
                if payment.provider == provider and begin <= payment.paid_at < end:
                    yield dossier, payment

    def strays_of_provider(self, provider: str, begin: datetime, end: datetime) -> list[Stray]:
        """What came through the provider in [begin, end) and was placed with no dossier by itself."""
        found = self.strays.collection.find(
            {"provider": provider, "paid_at": {"$gte": begin, "$lt": end}}, {"outbox": 0, "doc_answers": 0}
        )
        return [self.strays.loaded(document).state for document in found]

    def page(
        self, agency: str | None, state: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[store.Loaded[Stray]]:
        """Strays, newest first, behind the one that arrived at `after[0]` with the id `after[1]`. `agency` None: of
        all."""
        wanted: store.Document = {"state": state}
        if agency is not None:
            wanted["agency"] = agency
        if after is not None:
            wanted["$or"] = [{"arrived_at": {"$lt": after[0]}}, {"arrived_at": after[0], "_id": {"$lt": after[1]}}]
        found = self.strays.collection.find(wanted, {"outbox": 0, "doc_answers": 0}).sort(NEWEST).limit(limit)
        return [self.strays.loaded(document) for document in found]
