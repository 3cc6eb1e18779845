"""Which events tell whom."""

from chassis.errors import Invalid, NotFound, Stale
from chassis.web import Answer, Call, Router
from notify.domain.rules import Book
from notify.queries.editing import EditorQueries
from notify.schemas import rules as schemas
from notify.usecases.access import EDIT
from notify.usecases.rules import Rules


def _shown(book: Book) -> Answer:
    return Answer(schemas.RulesView.of(book), 200, book.number)


def add_routes(router: Router, use: Rules, queries: EditorQueries) -> None:
    answers = {200: schemas.RulesView}

    @router.get("/rules", scope=EDIT, answers=answers, raises=[NotFound])
    def show_rules(call: Call, query: schemas.VersionQuery) -> Answer:
        """Which events tell whom, by which channels, in which words: what counts now, or a version before."""
        return _shown(use.book() if query.version is None else queries.rules(query.version))

    @router.put("/rules", scope=EDIT, needs="key_or_match", answers=answers, raises=[Invalid, Stale])
    def put_rules(call: Call, body: schemas.RulesBody) -> Answer:
        """Sets all rules anew: the next version, which counts within a few seconds.

        Every event, audience and channel must be one that there is, and every template must have words in every
        language that ask for nothing which the event does not say.
        """
        return use.put(call, tuple(rule.line() for rule in body.rules), body.note, _shown)

    @router.get("/rules/versions", scope=EDIT, answers={200: schemas.RulesVersions})
    def list_rules_versions(call: Call, query: schemas.VersionsQuery) -> Answer:
        """Who changed the rules, and when; the newest first."""
        found, following = queries.rules_versions(query.cursor, query.limit)
        items = [
            schemas.VersionRow(version=book.number, changed_at=book.at, changed_by=book.by, note=book.note)
            for book in found
        ]
        return Answer(schemas.RulesVersions(items=items, next=following))
