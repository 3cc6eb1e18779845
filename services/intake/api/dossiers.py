"""The routes about dossiers."""

from collections.abc import Callable, Mapping

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from intake import texts
from intake.domain import dossiers
from intake.domain.dossiers import Dossier, Status
from intake.domain.life import OPEN
from intake.domain.parts import PostItem
from intake.queries.dossiers import DossierQueries
from intake.schemas import dossiers as schemas
from intake.usecases.dossiers import DossierUseCases


def acted(dossier: Dossier, version: int) -> Answer:
    return Answer(schemas.Acted.of(dossier, version), 200, version)


def tracking_view(dossier: Dossier, names: Mapping[str, str]) -> schemas.Tracking:
    """`names`: what the components are called, by their codes."""
    lacking, halted = dossier.lacking, dossier.halted
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
        stopped_at=dossier.stop.at if dossier.status is Status.STOPPED and dossier.stop else None,
        paused_since=None if halted is None else halted.at,
        lacking=None
        if lacking is None or dossier.status is not Status.SUPPLEMENT_ASKED
        else schemas.LackingView(
            asked_at=lacking.asked_at,
            components=[names.get(code, code) for code in lacking.components],
            until=lacking.until,
        ),
        fee_asked=sum(bill.amount for bill in dossiers.awaited_bills(dossier)) if dossier.status in OPEN else 0,
        due_changes=[schemas.DueMoved.of(change) for change in dossier.due_changes],
        steps_done=[schemas.StepView(name=step.name, agency=step.agency, at=step.at) for step in dossier.steps_done],
        steps_total=dossier.steps_in_all,
    )


def add_routes(router: Router, use: DossierUseCases, queries: DossierQueries) -> None:
    _filing(router, use)
    _acts(router, use)
    _applicants_acts(router, use, queries)
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
        return use.receive(call, id, body.exemptions, acted)

    @post("/dossiers/<id>/refusal", **options)
    def refuse_dossier(call: Call, id: str, body: schemas.RefusalBody) -> Answer:
        """Refuses a dossier that was filed online (form 03)."""
        return use.refuse(call, id, body.text(), acted)

    @post("/dossiers/<id>/handover", **options)
    def hand_over_dossier(call: Call, id: str, body: schemas.HandoverBody) -> Answer:
        """Hands the result over to the applicant or to whom they sent."""
        post = None if body.post is None else PostItem(**dict(body.post))
        return use.hand_over(
            call, id, body.to, body.method, acted,
            signature=body.signature, signed_on_paper=body.signed_on_paper, post=post,
        )  # fmt: skip

    @post("/dossiers/<id>/supplement-request", **options)
    def ask_for_supplement(call: Call, id: str, body: schemas.SupplementRequestBody) -> Answer:
        """Asks for what is missing before the dossier is received (form 02)."""
        return use.ask_supplement(call, id, body.components, body.reason, body.until, acted)


def _applicants_acts(router: Router, use: DossierUseCases, queries: DossierQueries) -> None:
    post: Callable[..., Callable[[Callable[..., Answer]], Callable[..., Answer]]] = router.post
    options = {
        "scope": "dossiers.file",
        "needs": "key_or_match",
        "answers": {200: schemas.Acted},
        "raises": [NotFound, WrongState],
    }

    @post("/dossiers/<id>/supplement", **options)
    def supplement_dossier(call: Call, id: str, body: schemas.SupplementBody) -> Answer:
        """Hands in what was asked for: the applicant, or the agency's officer for them."""
        given = [component.submitted() for component in body.components]
        return use.supplement(call, id, given, body.form, acted)

    @post("/dossiers/<id>/withdrawal", **options)
    def withdraw_dossier(call: Call, id: str, body: schemas.WithdrawalBody) -> Answer:
        """Takes the dossier back before it is processed: the applicant, or the agency's officer for them.

        When the dossier was decided at an earlier instant, or the same, and intake has not heard of it yet, that
        decision counts and the dossier is `processed` in the end.
        """
        return use.withdraw(call, id, body.reason, acted)

    @post("/dossiers/<id>/rating", **options)
    def rate_dossier(call: Call, id: str, body: schemas.RatingBody) -> Answer:
        """Says, once and after the result was returned, how satisfied the applicant was."""
        return use.rate(call, id, body.score, body.comment, acted)

    @post(
        "/tracking/<code>/rating",
        public="The receipt's QR leads here; it needs the receipt's secret, and whoever has it may rate once.",
        needs="key_or_match",
        answers={200: schemas.Tracking},
        raises=[NotFound, WrongState],
    )
    def rate_tracked_dossier(call: Call, code: str, body: schemas.PublicRatingBody) -> Answer:
        """The same for an applicant without an account. A wrong secret answers like an unknown code."""
        found = queries.tracked(code, body.secret, None, call.now)
        return use.rate_with_secret(
            call,
            found.id,
            body.score,
            body.comment,
            lambda dossier, _: Answer(tracking_view(dossier, queries.component_names(dossier))),
        )


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

    @router.get("/refusal-reasons", scope="dossiers.read", answers={200: schemas.RefusalReasons})
    def list_refusal_reasons(call: Call) -> Answer:
        """The reasons for which a dossier is refused (form 03)."""
        items = [schemas.RefusalReasonView(code=code, vi=vi, en=en) for code, (vi, en) in texts.REFUSAL_REASONS.items()]
        return Answer(schemas.RefusalReasons(items=items))

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
        found = queries.tracked(code, query.secret, query.phone, call.now)
        return Answer(tracking_view(found, queries.component_names(found)))
