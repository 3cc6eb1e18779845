"""The routes about drafts."""

from typing import Any

from chassis.errors import NotFound, Stale, TooLarge, WrongState
from chassis.web import Answer, Call, Router
from intake.domain.drafts import Draft, Findings
from intake.queries.drafts import DraftQueries
from intake.schemas import drafts as schemas
from intake.schemas.dossiers import Filed
from intake.usecases.drafts import DraftUseCases

FILE = "dossiers.file"


def add_routes(router: Router, use: DraftUseCases, queries: DraftQueries) -> None:
    _reading(router, queries)
    _writing(router, use, queries)
    _filing(router, use)


def _findings(queries: DraftQueries, call: Call, content: dict[str, Any]) -> Findings:
    body, wrong = schemas.read(content)
    return queries.findings(content, None if body is None else body.filing(), wrong, call.occurred_at)


def _reading(router: Router, queries: DraftQueries) -> None:
    @router.get("/drafts", scope=FILE, answers={200: schemas.DraftPage})
    def list_drafts(call: Call, query: schemas.DraftsQuery) -> Answer:
        """The caller's own drafts, the one saved last first."""
        found, following = queries.drafts(call, query.state, query.cursor, query.limit)
        items = [schemas.ListedDraft.of(item.state, item.version) for item in found]
        return Answer(schemas.DraftPage(items=items, next=following))

    @router.get("/drafts/<id>", scope=FILE, answers={200: schemas.DraftView})
    def show_draft(call: Call, id: str) -> Answer:
        """A draft, whole, with what is still missing by the procedure's version in force."""
        loaded = queries.draft(call, id)
        found = _findings(queries, call, loaded.state.content) if loaded.state.content else Findings()
        return Answer(schemas.DraftView.of(loaded.state, loaded.version, found), 200, loaded.version)


def _writing(router: Router, use: DraftUseCases, queries: DraftQueries) -> None:
    @router.post("/drafts", scope=FILE, needs="key", answers={201: schemas.Saved}, raises=[WrongState, TooLarge])
    def begin_draft(call: Call, body: schemas.DraftBody) -> Answer:
        """Begins a draft, which is kept for 30 days since it was saved last.

        What is of a wrong type is refused; what is missing or does not fit is told, and refused when it is filed.
        """
        content = body.content()
        found = _findings(queries, call, content)
        return use.begin(
            call, content, found, lambda draft, version: Answer(schemas.Saved.of(draft, version, found), 201, version)
        )

    @router.put(
        "/drafts/<id>",
        scope=FILE,
        needs="key_or_match",
        answers={200: schemas.Saved},
        raises=[NotFound, WrongState, TooLarge],
    )
    def save_draft(call: Call, id: str, body: schemas.DraftBody) -> Answer:
        """Saves a draft, whole. With If-Match, what another device saved meanwhile is not overwritten (412)."""
        content = body.content()
        found = _findings(queries, call, content)
        return use.save(
            call,
            id,
            content,
            found,
            lambda draft, version: Answer(schemas.Saved.of(draft, version, found), 200, version),
        )

    @router.post(
        "/drafts/<id>/discard",
        scope=FILE,
        needs="key_or_match",
        answers={200: schemas.Discarded},
        raises=[NotFound, WrongState],
    )
    def discard_draft(call: Call, id: str, body: schemas.DiscardBody) -> Answer:
        """Throws a draft away: nothing of what was filled in is kept."""

        def render(draft: Draft, version: int) -> Answer:
            return Answer(schemas.Discarded(id=draft.id, version=version, state=draft.state), 200, version)

        return use.discard(call, id, render)


def _filing(router: Router, use: DraftUseCases) -> None:
    @router.post(
        "/drafts/<id>/filing",
        scope=FILE,
        needs="key",
        answers={201: Filed},
        raises=[NotFound, WrongState, Stale],
    )
    def file_draft(call: Call, id: str, body: schemas.DraftFilingBody) -> Answer:
        """Files a draft as it was saved. However often it is sent, and with whatever keys, one dossier is filed, and
        the answer is the first one."""
        return use.file(
            call, id, schemas.filing_of, lambda dossier, version: Answer(Filed.of(dossier, version), 201, version)
        )
