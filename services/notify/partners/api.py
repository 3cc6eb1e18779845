"""The routes about EMC and the public post: what waits for them, what they refused, and what the post tells."""

from collections.abc import Mapping
from datetime import datetime

from flask import request

from chassis.errors import NotFound, Unauthenticated, WrongState
from chassis.paging import PageQuery, cursor_of, keys_of, page
from chassis.signed import Signatures
from chassis.web import Answer, Call, Router, Upload, UploadRule, nfc, validated
from notify.partners import schemas
from notify.partners.domain.post import Place
from notify.partners.domain.rows import PARTNERS, Partner, PartnerRow
from notify.partners.pickups import Pickups
from notify.partners.store import PartnerStore, Wanted
from notify.partners.usecases import Repairs, Showing, Tracking
from notify.schemas.repairs import RepairBody, RowsQuery
from notify.usecases.access import PARTNERS_OPEN, PARTNERS_PICKUP, PARTNERS_READ, PARTNERS_REPAIR

CALLBACK_BYTES = 10_000
PATH = "/partners/<partner>"
PICKUPS = "/partners/post/pickups"


class PartnerNotFound(NotFound):
    code, title = "partner_not_found", "Không có hệ thống kết nối này"


def add_routes(
    router: Router, store: PartnerStore, showing: Showing, repairs: Repairs, configured: Mapping[Partner, bool]
) -> None:
    _looking(router, store, showing, configured)
    _repairing(router, repairs)


def _looking(router: Router, store: PartnerStore, showing: Showing, configured: Mapping[Partner, bool]) -> None:
    @router.get(PATH, scope=PARTNERS_READ, answers={200: schemas.PartnerView}, raises=[NotFound])
    def show_partner(call: Call, partner: str) -> Answer:
        """How many rows wait for EMC (`emc`) or the public post (`post`), were sent, or were refused, and since when
        the oldest waits."""
        name = _known(partner)
        backlog = store.queue(name).backlog()
        return Answer(
            schemas.PartnerView(
                name=name,
                configured=configured[name],
                queued=backlog.queued,
                sending=backlog.sending,
                sent=store.count(Wanted(partner=name, state="sent")),
                refused=store.count(Wanted(partner=name, state="refused")),
                oldest=backlog.due_since,
            )
        )

    @router.get(f"{PATH}/rows", scope=PARTNERS_READ, answers={200: schemas.PartnerRowPage}, raises=[NotFound])
    def list_partner_rows(call: Call, partner: str, query: RowsQuery) -> Answer:
        """The rows, newest first; what identifies the applicant is in none of them."""
        keys = keys_of(query.cursor, datetime, str)
        wanted = Wanted(partner=_known(partner), dossier=query.dossier, state=query.state)
        found = store.page(wanted, (keys[0], keys[1]) if keys else None, query.limit + 1)
        shown, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        items = [schemas.PartnerRowView.of(each.state, each.version) for each in shown]
        return Answer(schemas.PartnerRowPage(items=items, next=following))

    @router.get(f"{PATH}/rows/<id>", scope=PARTNERS_OPEN, answers={200: schemas.WholePartnerRow}, raises=[NotFound])
    def show_partner_row(call: Call, partner: str, id: str) -> Answer:
        """A row, whole, with the requests and answers as they were, the applicant included. It is noted who saw it."""
        loaded = showing.row(_known(partner), id)
        record, contents = showing.opened(call, loaded.state)
        return Answer(
            schemas.WholePartnerRow.whole(loaded.state, loaded.version, record, contents), 200, loaded.version
        )


def _repairing(router: Router, repairs: Repairs) -> None:
    def shown(row: PartnerRow, version: int) -> Answer:
        return Answer(schemas.PartnerRowView.of(row, version), 200, version)

    @router.post(
        f"{PATH}/rows/<id>/repair", scope=PARTNERS_REPAIR, needs="key_or_match",
        answers={200: schemas.PartnerRowView}, raises=[NotFound, WrongState],
    )  # fmt: skip
    def repair_partner_row(call: Call, partner: str, id: str, body: RepairBody) -> Answer:
        """Has a refused row sent again, as it is or corrected, or leaves it out. What was done, by whom and why, stays
        with the row. Fields are corrected by their paths: `nameTTHC`, `Receiver.Address`."""
        name = _known(partner)
        if body.act == "retry":
            return repairs.retry(call, name, id, shown)
        if body.act == "skip":
            return repairs.skip(call, name, id, body.reason or "", shown)
        return repairs.correct(call, name, id, body.fields, body.reason or "", shown)


def add_tracking(router: Router, tracking: Tracking, signatures: Signatures) -> None:
    """`signatures`: the post's; without a secret nothing is believed."""

    @router.post(
        "/partners/post/tracking",
        public="The post signs each message with a secret of its own; nothing is told to anybody else.",
        upload=UploadRule("raw", CALLBACK_BYTES, "application/json"),
        answers={200: schemas.TrackingAnswer},
        raises=[Unauthenticated],
    )
    def hear_of_consignment(call: Call, upload: Upload) -> Answer:
        """The public post tells where a consignment is: {OrderNumber, Status, Time, TrackingNumber?}.

        `Post-Timestamp`: seconds since 1970, within five minutes of now. `Post-Signature`: HMAC-SHA256 with the post's
        secret over the timestamp, a full stop and the body, in hexadecimal. A repeated message is harmless and gets the
        same answer.
        """
        data = upload.file.read()
        signatures.check(
            "post", request.headers.get("Post-Timestamp"), request.headers.get("Post-Signature"), data, call.now
        )
        body = validated(schemas.TrackingBody, nfc(data))
        noted = tracking.hear(body.OrderNumber, body.Status, body.Time, body.TrackingNumber)
        return Answer(schemas.TrackingAnswer(order=body.OrderNumber, result="noted" if noted else "ignored"))


def add_pickups(router: Router, pickups: Pickups) -> None:
    def shown(row: PartnerRow, version: int) -> Answer:
        return Answer(schemas.PartnerRowView.of(row, version), 201, version)

    @router.post(
        PICKUPS, scope=PARTNERS_PICKUP, needs="key", answers={201: schemas.PartnerRowView}, raises=[WrongState]
    )
    def order_pickup(call: Call, body: schemas.PickupBody) -> Answer:
        """Has the public post collect an applicant's papers and bring them to the caller's agency. `number` is what the
        dossier is filed with, as its `post.order`."""
        return pickups.order(call, Place(name=body.name, address=body.address, phone=body.phone), shown)

    @router.post(
        f"{PICKUPS}/<id>/cancellation", scope=PARTNERS_PICKUP, needs="key", answers={201: schemas.PartnerRowView},
        raises=[NotFound, WrongState],
    )  # fmt: skip
    def cancel_pickup(call: Call, id: str) -> Answer:
        """Has the post not come. The answer is the row that asks for it; the pick-up itself shows what became of it."""
        return pickups.cancel(call, id, shown)

    @router.get(f"{PICKUPS}/<id>", scope=PARTNERS_PICKUP, answers={200: schemas.PartnerRowView}, raises=[NotFound])
    def show_pickup(call: Call, id: str) -> Answer:
        """A pick-up of the caller's agency, and where it is; whom it is from is not shown."""
        loaded = pickups.find(call, id)
        return Answer(schemas.PartnerRowView.of(loaded.state, loaded.version), 200, loaded.version)

    @router.get(PICKUPS, scope=PARTNERS_PICKUP, answers={200: schemas.PartnerRowPage})
    def list_pickups(call: Call, query: PageQuery) -> Answer:
        """The pick-ups of the caller's agency, newest first."""
        keys = keys_of(query.cursor, datetime, str)
        found = pickups.page(call, (keys[0], keys[1]) if keys else None, query.limit + 1)
        items, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        views = [schemas.PartnerRowView.of(each.state, each.version) for each in items]
        return Answer(schemas.PartnerRowPage(items=views, next=following))


def _known(partner: str) -> Partner:
    if partner not in PARTNERS:
        raise PartnerNotFound("no such partner")
    return partner
