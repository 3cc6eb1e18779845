"""The routes about the national portal: what waits for it, what it refused, and what is done about that."""

from datetime import datetime

from chassis.errors import NotFound, WrongState
from chassis.paging import PageQuery, cursor_of, keys_of, page
from chassis.web import Answer, Call, Router
from notify.national_portal import schemas
from notify.national_portal.domain.rows import PortalRow
from notify.national_portal.store import NationalPortalStore, Wanted
from notify.national_portal.usecases import Repairs, Showing
from notify.schemas.repairs import RepairBody, RowsQuery
from notify.usecases.access import PARTNERS_OPEN, PARTNERS_READ, PARTNERS_REPAIR

PATH = "/partners/national_portal"


def add_routes(
    router: Router, store: NationalPortalStore, showing: Showing, repairs: Repairs, *, configured: bool
) -> None:
    _looking(router, store, showing, configured=configured)
    _repairing(router, repairs)


def _looking(router: Router, store: NationalPortalStore, showing: Showing, *, configured: bool) -> None:
    @router.get(PATH, scope=PARTNERS_READ, answers={200: schemas.PortalView})
    def show_national_portal(call: Call) -> Answer:
        """How many rows wait for the national portal, were sent, or were refused, and since when the oldest waits."""
        backlog = store.queue.backlog()
        return Answer(
            schemas.PortalView(
                configured=configured,
                queued=backlog.queued,
                sending=backlog.sending,
                sent=store.count(Wanted(state="sent")),
                refused=store.count(Wanted(state="refused")),
                oldest=backlog.due_since,
            )
        )

    @router.get(f"{PATH}/rows", scope=PARTNERS_READ, answers={200: schemas.RowPage})
    def list_national_portal_rows(call: Call, query: RowsQuery) -> Answer:
        """The rows, newest first; what identifies the applicant is in none of them."""
        keys = keys_of(query.cursor, datetime, str)
        wanted = Wanted(dossier=query.dossier, state=query.state)
        found = store.page(wanted, (keys[0], keys[1]) if keys else None, query.limit + 1)
        shown, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        return Answer(
            schemas.RowPage(items=[schemas.RowView.of(each.state, each.version) for each in shown], next=following)
        )

    @router.get(f"{PATH}/rows/<id>", scope=PARTNERS_OPEN, answers={200: schemas.WholeRow}, raises=[NotFound])
    def show_national_portal_row(call: Call, id: str) -> Answer:
        """A row, whole, with the requests and answers as they were, the applicant included. It is noted who saw it."""
        loaded = showing.row(id)
        record, contents = showing.opened(call, loaded.state)
        return Answer(schemas.WholeRow.whole(loaded.state, loaded.version, record, contents), 200, loaded.version)

    @router.get(f"{PATH}/arrivals", scope=PARTNERS_READ, answers={200: schemas.ArrivalPage})
    def list_national_portal_arrivals(call: Call, query: PageQuery) -> Answer:
        """Dossiers that were filed on the portal, newest first, and whether intake has them."""
        keys = keys_of(query.cursor, datetime, str)
        found = store.arrivals_page((keys[0], keys[1]) if keys else None, query.limit + 1)
        shown, following = page(found, query.limit, lambda last: cursor_of(last.state.created_at, last.id))
        items = [
            schemas.ArrivalView(
                number=each.state.number,
                procedure=each.state.procedure,
                agency=each.state.agency,
                state=each.state.state,
                dossier=each.state.receipt,
                attempts=len(each.state.attempts),
                detail=each.state.attempts[-1].detail if each.state.attempts else None,
                next_at=each.state.next_at,
                created_at=each.state.created_at,
            )
            for each in shown
        ]
        return Answer(schemas.ArrivalPage(items=items, next=following))


def _repairing(router: Router, repairs: Repairs) -> None:
    def shown(row: PortalRow, version: int) -> Answer:
        return Answer(schemas.RowView.of(row, version), 200, version)

    @router.post(
        f"{PATH}/rows/<id>/repair", scope=PARTNERS_REPAIR, needs="key_or_match", answers={200: schemas.RowView},
        raises=[NotFound, WrongState],
    )  # fmt: skip
    def repair_national_portal_row(call: Call, id: str, body: RepairBody) -> Answer:
        """Has a refused row sent again, as it is or corrected, or leaves it out. What was done, by whom and why, stays
        with the row; the state that it tells cannot be changed."""
        if body.act == "retry":
            return repairs.retry(call, id, shown)
        if body.act == "skip":
            return repairs.skip(call, id, body.reason or "", shown)
        return repairs.correct(call, id, body.fields, body.reason or "", shown)
