"""What catalog consumes: that dossiers are received, so that search can rank procedures by use."""

from collections.abc import Sequence

from catalog import inbound
from catalog.search.store import Use, Uses
from chassis.consume import Done, Duplicate, Outcome, Received, Subscription


def table(uses: Uses) -> list[Subscription]:
    return [Subscription(lambda batch: _remember(uses, batch), {"intake.dossier.received.v1": inbound.DossierReceived})]


def _remember(uses: Uses, batch: Sequence[Received]) -> list[Outcome]:
    new = uses.add([Use(item.event.subject, item.data.dimensions.procedure, item.data.received_at) for item in batch])
    return [Done() if each else Duplicate() for each in new]
