"""The routes about dossiers."""

from collections.abc import Callable

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from intake import texts
from intake.domain import dossiers
from intake.domain.dossiers import Dossier
from intake.queries.dossiers import DossierQueries
from intake.schemas import dossiers as schemas
from intake.usecases.dossiers import DossierUseCases


def _acted(dossier: Dossier, version: int) -> Answer:
    return Answer(schemas.Acted.of(dossier, version), 200, version)


def tracking_view(dossier: Dossier) -> schemas.Tracking:
    return schemas.Tracking(
        code=dossier.code,
        status=dossier.status,
        status_text=texts.STATUS[dossier.status][0],
        procedure_name=dossier.procedure_name,
        agency_name=dossier.agency_name,
        filed_at=dossier.filed_at,
        received_at=dossier.received_at,
        due_at=dossier.due_at,
        finished_at=dossier.finished_at,
        steps_done=[schemas.StepView(name=step.name, agency=step.agency, at=step.at) for step in dossier.steps_done],
        steps_total=dossier.steps_total,
    )


def add_routes(router: Router, use: DossierUseCases, queries: DossierQueries) -> None:
    _filing(router, use)
    _acts(router, use)
    _reading(router, queries)


def _filing(router: Router, use: DossierUseCases) -> None:
    @router.post("/dossiers", scope="dossiers.file", needs="key", answers={201: schemas.Filed})
    def file_dossier(call: Call, body: schemas.FileBody) -> Answer:
        """Files a dossier.

        One from the counter or the post is received at once: the answer has the code and the due date, so the receipt
        can be printed. An online one is `filed` until an officer receives it.
        """
        return use.file(
            call, body.filing(), lambda dossier, version: Answer(schemas.Filed.of(dossier, version), 201, version)
        )


def _acts(router: Router, use: DossierUseCases) -> None:
    post: Callable[..., Callable[[Callable[..., Answer]], Callable[..., Answer]]] = router.post
    options = {
        "scope": "dossiers.receive",
        "needs": "key_or_match",
        "answers": {200: schemas.Acted},
        "raises": [NotFound, WrongState],
    }

    @post("/dossiers/<id>/reception", **options)
    def receive_dossier(call: Call, id: str, body: schemas.ReceptionBody) -> Answer:
        """Receives a dossier that was filed online: it gets its code and its due date."""
        return use.receive(call, id, _acted)

    @post("/dossiers/<id>/refusal", **options)
    def refuse_dossier(call: Call, id: str, body: schemas.RefusalBody) -> Answer:
        """Refuses a dossier that was filed online (form 03)."""
        return use.refuse(call, id, body.reason, _acted)

    @post("/dossiers/<id>/handover", **options)
    def hand_over_dossier(call: Call, id: str, body: schemas.HandoverBody) -> Answer:
        """Hands the result over to the applicant or to whom they sent."""
        return use.hand_over(call, id, body.to, body.method, _acted)


def _reading(router: Router, queries: DossierQueries) -> None:
    @router.get("/dossiers", scope="dossiers.read", answers={200: schemas.DossierPage})
    def list_dossiers(call: Call, query: schemas.ListQuery) -> Answer:
        """The dossiers that the caller may see, newest first."""
        found, following = queries.dossiers(
            call.principal,
            agency=query.agency,
            status=query.status,
            procedure=query.procedure,
            due_before=query.due_before,
            code=query.q,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Answer(
            schemas.DossierPage(items=[schemas.Listed.of(item.state, item.version) for item in found], next=following)
        )

    @router.get("/dossiers/states", scope="dossiers.recount", answers={200: schemas.StatesPage})
    def list_states(call: Call, query: schemas.StatesQuery) -> Answer:
        """Every dossier's dimensions and instants, nothing personal: what statistics are recounted from."""
        found, following = queries.states(query.cursor, query.limit)
        return Answer(schemas.StatesPage(items=[schemas.State.of(document) for document in found], next=following))

    @router.get("/dossiers/<id>", scope="dossiers.read", answers={200: schemas.DossierView})
    def show_dossier(call: Call, id: str) -> Answer:
        """A dossier, whole."""
        loaded = queries.dossier(call.principal, id)
        return Answer(schemas.DossierView.of(loaded.state, loaded.version), 200, loaded.version)

    @router.get("/dossiers/<id>/journal", scope="dossiers.read", answers={200: schemas.Journal})
    def show_journal(call: Call, id: str) -> Answer:
        """Every act on the dossier at intake, oldest first; each entry holds the hash of the one before."""
        dossier = queries.dossier(call.principal, id).state
        return Answer(schemas.Journal(items=[schemas.JournalEntry.of(entry) for entry in dossier.journal], next=None))

    @router.get("/dossiers/<id>/journal/verification", scope="dossiers.read", answers={200: schemas.Verification})
    def verify_journal(call: Call, id: str) -> Answer:
        """Whether the journal is as it was written."""
        dossier = queries.dossier(call.principal, id).state
        broken = dossiers.first_broken_entry(dossier)
        return Answer(schemas.Verification(intact=broken is None, entries=len(dossier.journal), first_broken=broken))

    @router.get(
        "/tracking/<code>",
        public="The receipt's QR leads here; it needs the receipt's secret or the phone number, and "
        "shows nothing personal.",
        answers={200: schemas.Tracking},
    )
    def track_dossier(call: Call, code: str, query: schemas.TrackingQuery) -> Answer:
        """Where a dossier stands. A wrong secret answers like an unknown code."""
        return Answer(tracking_view(queries.tracked(code, query.secret, query.phone)))
