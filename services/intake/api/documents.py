"""The routes about people's documents, and about the digitisation that feeds the store of them."""

from collections.abc import Callable

from chassis.errors import NotFound, WrongState
from chassis.paging import PageQuery
from chassis.web import Answer, Call, Router
from intake.domain.documents import Document
from intake.domain.dossiers import Dossier
from intake.schemas import documents as schemas
from intake.usecases.documents import DocumentUseCases

READ = "documents.read"


def add_routes(router: Router, use: DocumentUseCases) -> None:
    _reading(router, use)
    _digitising(router, use)


def _shown(document: Document, version: int) -> Answer:
    return Answer(schemas.DocumentView.of(document, version), 200, version)


def _reading(router: Router, use: DocumentUseCases) -> None:
    @router.get("/documents", scope=READ, answers={200: schemas.DocumentPage}, raises=[NotFound])
    def list_documents(call: Call, query: schemas.DocumentsQuery) -> Answer:
        """What the electronic store holds of a person, newest first.

        People see their own. Officers see what is shared, of the applicant of a dossier that lies with their agency;
        they say why. Each look-up is counted and written down, and the owner sees it.
        """
        found, following = use.held(call, query.asked(), query.cursor, query.limit)
        items = [schemas.DocumentView.of(loaded.state, loaded.version) for loaded in found]
        return Answer(schemas.DocumentPage(items=items, next=following))

    @router.get("/documents/lookups", scope=READ, answers={200: schemas.LookupPage})
    def list_lookups(call: Call, query: PageQuery) -> Answer:
        """Who looked at the caller's own documents, for which dossier and why, newest first."""
        found, following = use.lookups(call, query.cursor, query.limit)
        return Answer(schemas.LookupPage(items=[schemas.LookupView.of(one) for one in found], next=following))

    @router.get("/documents/<id>", scope=READ, answers={200: schemas.DocumentView})
    def show_document(call: Call, id: str) -> Answer:
        """A document of the caller's own."""
        loaded = use.document(call, id)
        return _shown(loaded.state, loaded.version)

    @router.post(
        "/documents/<id>/sharing",
        scope=READ,
        needs="key_or_match",
        answers={200: schemas.DocumentView},
        raises=[NotFound],
    )
    def share_document(call: Call, id: str, body: schemas.SharingBody) -> Answer:
        """The owner lets officers see a document, or does not any more."""
        return use.share(call, id, body.shared, _shown)

    @router.get(
        "/procedures/<code>/offered-documents",
        scope=READ,
        answers={200: schemas.OfferedDocuments},
        raises=[NotFound],
    )
    def list_offered_documents(call: Call, code: str, query: schemas.OfferedQuery) -> Answer:
        """For each component of a procedure, which documents of the person may be reused for it.

        It is a look-up as the list of documents is.
        """
        return Answer(schemas.OfferedDocuments.of(*use.offered(call, code, query.asked())))


def _digitising(router: Router, use: DocumentUseCases) -> None:
    post: Callable[..., Callable[[Callable[..., Answer]], Callable[..., Answer]]] = router.post
    options = {
        "scope": "dossiers.receive",
        "needs": "key_or_match",
        "answers": {200: schemas.Digitised},
        "raises": [NotFound, WrongState],
    }

    def rendered(component: str) -> Callable[[Dossier, int], Answer]:
        return lambda dossier, version: Answer(schemas.Digitised.of(dossier, version, component), 200, version)

    @post("/dossiers/<id>/components/<component>/digitisation", **options)
    def digitise_component(call: Call, id: str, component: str, body: schemas.DigitisationBody) -> Answer:
        """Attaches the scan of a component that came on paper, certified by the officer.

        A scan that was there is replaced; the journal keeps both.
        """
        return use.digitise(
            call,
            id,
            component,
            file=body.file,
            pages=body.pages,
            issued_on=body.issued_on,
            valid_to=body.valid_to,
            render=rendered(component),
        )

    @post("/dossiers/<id>/components/<component>/digitisation/reversal", **options)
    def reverse_digitisation(call: Call, id: str, component: str, body: schemas.ReversalBody) -> Answer:
        """Takes a certified scan back, with the reason: a wrong or an unreadable one."""
        return use.take_back_scan(call, id, component, body.reason, rendered(component))
