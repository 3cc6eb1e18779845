"""The messages."""

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from notify.domain.messages import Message
from notify.queries.messages import Queries
from notify.schemas import messages as schemas
from notify.store.messages import Wanted
from notify.templates import Rendered, Templates
from notify.usecases.access import MANAGE, READ
from notify.usecases.messages import Messages


def _to_operator(message: Message, version: int) -> Answer:
    return Answer(schemas.Listed.of(message, version), 200, version)


def _wanted(query: schemas.ListQuery) -> Wanted:
    return Wanted(**query.model_dump(exclude={"cursor", "limit"}))


def add_routes(router: Router, use: Messages, queries: Queries, templates: Templates) -> None:
    def own(call: Call, message: Message) -> Rendered | None:
        """What the message says, for nobody but whom it is for."""
        return templates.render(message) if message.person == call.principal.subject else None

    @router.get("/messages", scope=READ, answers={200: schemas.MessagePage})
    def list_messages(call: Call, query: schemas.ListQuery) -> Answer:
        """The messages that the caller may see, newest first: people's own, everybody's for operators.

        Operators see whom a message is for only masked, and not what it says.
        """
        found, following = queries.messages(
            call.principal,
            _wanted(query),
            cursor=query.cursor,
            limit=query.limit,
        )
        items = [schemas.Listed.of(item.state, item.version, own(call, item.state)) for item in found]
        return Answer(schemas.MessagePage(items=items, next=following))

    @router.get("/messages/<id>", scope=READ, answers={200: schemas.MessageView}, raises=[NotFound])
    def show_message(call: Call, id: str) -> Answer:
        """A message, whole: for operators with every attempt, for whom it is for with what it says."""
        loaded = queries.message(call.principal, id)
        history = call.principal.may(MANAGE)
        view = schemas.MessageView.whole(loaded.state, loaded.version, own(call, loaded.state), history=history)
        return Answer(view, 200, loaded.version)

    answers, raises = {200: schemas.Listed}, [NotFound, WrongState]

    @router.post("/messages/<id>/retry", scope=MANAGE, needs="key_or_match", answers=answers, raises=raises)
    def retry_message(call: Call, id: str) -> Answer:
        """Has a message that failed, or that waits, sent now; its attempts are counted anew."""
        return use.retry(call, id, _to_operator)

    @router.post("/messages/<id>/read", scope=READ, answers=answers, raises=raises)
    def read_message(call: Call, id: str) -> Answer:
        """Notes that the caller has read a message in the portal. Once read, it stays so, whoever repeats this."""

        def render(message: Message, version: int) -> Answer:
            return Answer(schemas.Listed.of(message, version, own(call, message)), 200, version)

        return use.read(call, id, render)
