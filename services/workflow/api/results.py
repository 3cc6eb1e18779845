"""Result documents: making, signing, giving out, recalling; and what a document is worth, for everybody."""

from chassis.errors import Invalid, NotFound, WrongState
from chassis.web import Answer, Call, Router, Upload, UploadRule
from workflow.domain.processes import Process
from workflow.domain.results import Result, Signing
from workflow.producing import verification_url
from workflow.queries.results import ResultQueries, Worth
from workflow.result_texts import VERDICTS
from workflow.schemas import results as schemas
from workflow.usecases.results import ResultRender, ResultUseCases

COPY_BYTES = 10_000_000
"""Of a copy that anybody may have verified."""
PRIVATE = {"Cache-Control": "private, no-cache"}


def add_routes(router: Router, use: ResultUseCases, queries: ResultQueries, public_url: str, most_bytes: int) -> None:
    def url(result: Result) -> str:
        return verification_url(public_url, result.token)

    def shown(status: int) -> ResultRender:
        def render(result: Result, process: Process, version: int) -> Answer:
            return Answer(schemas.ResultView.of(result, process, url(result), version), status, version)

        return render

    def signing_shown(signing: Signing, version: int) -> Answer:
        return Answer(schemas.SigningView.of(signing), 201, version)

    @router.post(
        "/dossiers/<id>/results",
        scope="tasks.work",
        needs="key",
        answers={201: schemas.ResultView},
        raises=[NotFound, WrongState, Invalid],
        upload=UploadRule("multipart", most_bytes),
    )
    def make_result(
        call: Call, id: str, body: schemas.ResultBody | None = None, upload: Upload | None = None
    ) -> Answer:
        """Makes a draft of the dossier's result: from the procedure's template (JSON), which a worker prints, or of an
        uploaded PDF."""
        if upload is not None:
            return use.upload(call, id, upload, shown(201))
        asked = body or schemas.ResultBody()
        return use.make(call, id, asked.number, asked.note, shown(201))

    @router.get("/dossiers/<id>/results", scope="tasks.read", answers={200: schemas.ResultPage}, raises=[NotFound])
    def list_results(call: Call, id: str, query: schemas.ResultsQuery) -> Answer:
        """A dossier's results, drafts and what is not in force any more included."""
        process, found, following = queries.of_dossier(call.principal, id, query.cursor, query.limit)
        items = [schemas.ResultView.of(each.state, process, url(each.state), each.version) for each in found]
        return Answer(schemas.ResultPage(items=items, next=following))

    @router.get("/results/<result>", scope="tasks.read", answers={200: schemas.ResultView}, raises=[NotFound])
    def show_result(call: Call, result: str) -> Answer:
        """One result, and where it stands."""
        process, loaded = queries.result(call.principal, result)
        return Answer(schemas.ResultView.of(loaded.state, process, url(loaded.state), loaded.version))

    @router.get(
        "/results/<result>/file.pdf",
        scope="tasks.read",
        answers={200: "application/pdf", 202: schemas.ResultWaiting},
        raises=[NotFound, WrongState],
    )
    def show_result_file(call: Call, result: str) -> Answer:
        """A result's file as it is now, a draft's too. 202 while it is being printed: ask again after Retry-After
        seconds."""
        state, pdf = queries.file(call.principal, result)
        if pdf is None:
            return Answer(schemas.ResultWaiting(result=state.id), 202, headers={"Retry-After": "1"})
        return _pdf(pdf)

    @router.post(
        "/results/<result>/signature",
        scope="results.sign",
        needs="key",
        answers={201: schemas.SigningView},
        raises=[NotFound, Invalid],
    )
    def sign_result(call: Call, result: str, body: schemas.SignatureBody) -> Answer:
        """Asks for a result's signature, which a worker makes: see the signing."""
        return use.sign_one(call, result, body.key, signing_shown)

    @router.post(
        "/results/signatures",
        scope="results.sign",
        needs="key",
        answers={201: schemas.SigningView},
        raises=[Invalid],
    )
    def sign_results(call: Call, body: schemas.SigningsBody) -> Answer:
        """Asks for the signatures of many results at once; the signing shows how far it is."""
        return use.sign(call, body.ids, body.key, signing_shown)

    @router.get("/signings/<signing>", scope="results.sign", answers={200: schemas.SigningView}, raises=[NotFound])
    def show_signing(call: Call, signing: str) -> Answer:
        """How far a request to sign is, result by result."""
        return Answer(schemas.SigningView.of(queries.signing(call.principal, signing)))

    @router.post(
        "/results/<result>/recall",
        scope="results.sign",
        needs="key_or_match",
        answers={200: schemas.ResultView},
        raises=[NotFound, WrongState, Invalid],
    )
    def recall_result(call: Call, result: str, body: schemas.RecallBody) -> Answer:
        """Takes a wrong result back. ETag and If-Match are the dossier's."""
        return use.recall(call, result, body.reason, body.basis, shown(200))

    @router.post(
        "/results/<result>/replacement",
        scope="results.sign",
        needs="key_or_match",
        answers={200: schemas.ResultView},
        raises=[NotFound, WrongState, Invalid],
    )
    def replace_result(call: Call, result: str, body: schemas.ReplacementBody) -> Answer:
        """Puts another signed result in the place of a wrong one. ETag and If-Match are the dossier's."""
        return use.replace(call, result, body.by, body.reason, body.basis, shown(200))

    @router.get(
        "/dossiers/<id>/result.pdf",
        scope="results.read",
        answers={200: "application/pdf"},
        raises=[NotFound, WrongState],
    )
    def show_result_in_force(call: Call, id: str) -> Answer:
        """The file of the dossier's result that is in force, for officers who see the dossier and for its applicant."""
        return _pdf(queries.in_force(call.principal, id))

    @router.get(
        "/dossiers/<id>/result/verification",
        scope="tasks.read",
        answers={200: schemas.Verification},
        raises=[NotFound, WrongState],
    )
    def verify_dossiers_result(call: Call, id: str) -> Answer:
        """What the dossier's result that is in force is worth."""
        return Answer(_verification(queries.verified(call.principal, id)))

    @router.get(
        "/results/verification/<token>",
        public="whoever holds a result finds out by its QR code whether it counts; nothing personal is told",
        answers={200: schemas.Verification},
        raises=[NotFound],
    )
    def verify_result(call: Call, token: str) -> Answer:
        """What a result is worth, by what its QR code says."""
        return Answer(_verification(queries.verified_by_token(token)))

    @router.post(
        "/results/verification",
        public="whoever holds a copy of a result finds out whether it is the one that was issued; nothing is kept",
        answers={200: schemas.Verification},
        raises=[Invalid],
        upload=UploadRule("multipart", COPY_BYTES),
    )
    def verify_copy(call: Call, upload: Upload) -> Answer:
        """Whether an uploaded PDF is the result that was issued, and what the signatures in it are worth."""
        return Answer(_verification(queries.verified_copy(upload)))


def _pdf(data: bytes) -> Answer:
    headers = {"Content-Disposition": 'inline; filename="result.pdf"', **PRIVATE}
    return Answer(data, 200, headers=headers, media_type="application/pdf")


def _verification(worth: Worth) -> schemas.Verification:
    vi, en = VERDICTS[worth.verdict]
    given, result = worth.given, worth.result
    return schemas.Verification(
        valid=worth.verdict in ("valid", "unsigned"),
        issued_here=given is not None,
        state=None if given is None else given.ended or "issued",
        name=None if result is None else result.name,
        code=None if result is None else result.code,
        agency=None if result is None else result.agency_name,
        sha256=worth.sha256,
        issued_at=None if given is None else given.issued_at,
        ended_at=None if given is None else given.ended_at,
        signatures=[schemas.SignatureView.of(each) for each in worth.signatures],
        vi=vi,
        en=en,
    )
