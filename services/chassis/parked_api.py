"""The operators' routes for parked messages, the same in every service."""

from collections.abc import Callable
from dataclasses import asdict

from pydantic import BaseModel

from chassis.errors import Unavailable
from chassis.parked import Parked, ParkedMessages
from chassis.web import Answer, Call, Router

SCOPE = "parked.manage"


class ParkedMessage(BaseModel):
    """A parked message without its body, which may hold personal data."""

    id: str
    type: str | None
    event: str | None
    subject: str | None
    reason: str
    attempts: int
    parked_at: str | None
    size: int


class ParkedList(BaseModel):
    items: list[ParkedMessage]
    next: str | None


def parked_routes(router: Router, parked: Callable[[], ParkedMessages | None]) -> None:
    """Adds `/parked`, `/parked/{id}/replay` and `/parked/{id}/discard`."""

    def messages() -> ParkedMessages:
        found = parked()
        if found is None:
            raise Unavailable("no broker is configured")
        return found

    def shown(item: Parked) -> ParkedMessage:
        return ParkedMessage(**asdict(item))

    @router.get("/parked", scope=SCOPE, answers={200: ParkedList})
    def list_parked(call: Call) -> Answer:
        """Messages that could not be applied, with the reason, oldest first (at most 200)."""
        return Answer(ParkedList(items=[shown(item) for item in messages().list()], next=None))

    @router.post("/parked/<id>/replay", scope=SCOPE, answers={200: ParkedMessage})
    def replay_parked(call: Call, id: str) -> Answer:
        """Puts a parked message back into the service's queue, after what it failed on was mended."""
        return Answer(shown(messages().replay(id, call.principal.subject)))

    @router.post("/parked/<id>/discard", scope=SCOPE, answers={200: ParkedMessage})
    def discard_parked(call: Call, id: str) -> Answer:
        """Takes a parked message away for good. Who did it and when is kept."""
        return Answer(shown(messages().discard(id, call.principal.subject)))
