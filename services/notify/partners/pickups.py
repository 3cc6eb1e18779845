"""The post collects an applicant's papers and brings them to the one-stop unit. The dossier is filed with the order's
and the post's numbers once they are there, so a pick-up belongs to none yet."""

from dataclasses import replace
from datetime import datetime

from chassis import acts
from chassis.errors import Forbidden, KeyReused, NotFound, WrongState
from chassis.store import Loaded
from chassis.web import Answer, Call
from notify.partners.domain import post, rows
from notify.partners.domain.post import Place
from notify.partners.domain.rows import PartnerRow, Said
from notify.partners.store import PartnerStore
from notify.partners.usecases import CANCEL_RANK, ORDER_RANK, Customer
from notify.sealing import Secrets


class PickupNotFound(NotFound):
    code, title = "pickup_not_found", "Không tìm thấy yêu cầu thu gom"


class PostNotConfigured(WrongState):
    code, title = "post_not_configured", "Chưa kết nối với bưu chính công ích"


class PickupCancelled(WrongState):
    code, title = "pickup_cancelled", "Yêu cầu thu gom đã được hủy"


class Pickups:
    """`customer`: None where the post is not connected. An agency's officers see and change their own agency's."""

    def __init__(self, store: PartnerStore, secrets: Secrets, customer: Customer | None) -> None:
        self._store = store
        self._secrets = secrets
        self._customer = customer

    def order(self, call: Call, sender: Place, render: acts.Render[PartnerRow]) -> Answer:
        """Asks the post to collect at the sender's and to bring it to the caller's agency. Nothing is paid on it."""
        agency = _agency(call)
        if self._customer is None:
            raise PostNotConfigured("there is no public post")
        id = f"pickup-{call.id_for_new('pickup')}"
        number = f"TN{id.removeprefix('pickup-').replace('-', '').upper()}-1"
        record = {
            "CustomerCode": self._customer.code,
            "OrderNumber": number,
            "CODAmount": 0,
            "Sender": sender.record(),
            "Receiver": self._customer.place(agency).record(),
        }
        said = Said(
            partner="post", key=f"{id}.order", act="order", at=call.now, rank=ORDER_RANK, record=record,
            number=number, trace=call.trace,
        )  # fmt: skip
        return self._create(call, self._row(said, id, agency, call.now), render)

    def cancel(self, call: Call, id: str, render: acts.Render[PartnerRow]) -> Answer:
        """Asks the post not to come. What it has collected already it brings; it says so by refusing."""
        order = self.find(call, id).state
        if self._customer is None:
            raise PostNotConfigured("there is no public post")
        record = post.cancel_record(self._customer.code, order.number or "")
        said = Said(
            partner="post", key=f"{order.dossier}.cancel", act="cancel", at=call.now, rank=CANCEL_RANK, record=record,
            number=order.number, trace=call.trace,
        )  # fmt: skip
        try:
            return self._create(call, self._row(said, order.dossier, order.agency, call.now), render)
        except KeyReused:
            # The row is there, and was not made by this request.
            raise PickupCancelled("somebody cancelled it before") from None

    def find(self, call: Call, id: str) -> Loaded[PartnerRow]:
        """By the id that a list shows. Of another agency's nothing is said, not even that it is there."""
        loaded = self._store.rows.load(id)
        if loaded is None or not _is_mine(loaded.state, _agency(call)):
            raise PickupNotFound("your agency has no such pick-up")
        return loaded

    def page(self, call: Call, after: tuple[datetime, str] | None, limit: int) -> list[Loaded[PartnerRow]]:
        return self._store.pickups(_agency(call), after, limit)

    def _row(self, said: Said, id: str, agency: str, now: datetime) -> PartnerRow:
        sealed = self._secrets.record(said.id, said.record)
        return replace(rows.row(said, id, "", agency, sealed, now), direction="pickup", next_at=now)

    def _create(self, call: Call, row: PartnerRow, render: acts.Render[PartnerRow]) -> Answer:
        return acts.create(self._store.rows, row.id, row, (), call, render)


def _agency(call: Call) -> str:
    if call.principal.agency is None:
        raise Forbidden("papers are brought to an agency, and the caller has none")
    return call.principal.agency


def _is_mine(row: PartnerRow, agency: str) -> bool:
    return (row.direction, row.act, row.agency) == ("pickup", "order", agency)
