"""Who works on a task, helps with it, follows a dossier."""

from typing import Any

from chassis.errors import Forbidden, Invalid, NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.api.tasks import acted
from workflow.schemas import assignments as schemas
from workflow.schemas.tasks import Acted
from workflow.usecases.assignments import AssignmentUseCases


def add_routes(router: Router, use: AssignmentUseCases) -> None:
    acting: dict[str, Any] = {
        "scope": "tasks.work",
        "needs": "key_or_match",
        "answers": {200: Acted},
        "raises": [Forbidden, NotFound, WrongState, Invalid],
    }

    @router.post("/tasks/<id>/assignment", **acting)
    def assign_task(call: Call, id: str, body: schemas.AssignmentBody) -> Answer:
        """Gives an open task to an officer of its agency: by a leader, or handed on by whoever has it."""
        return use.assign(call, id, body.to, body.reason, lambda process, version: acted(process, version, id))

    @router.post("/tasks/<id>/release", **acting)
    def release_task(call: Call, id: str, body: schemas.ReleaseBody) -> Answer:
        """Gives a task back: any officer of the agency may take it."""
        return use.release(call, id, lambda process, version: acted(process, version, id))

    @router.post("/tasks/<id>/co-handlers", **acting)
    def change_co_handlers(call: Call, id: str, body: schemas.CoHandlersBody) -> Answer:
        """Officers of the task's agency who help with it: they may note, and only who has the task completes it."""
        return use.co_handle(call, id, body.add, body.remove, lambda process, version: acted(process, version, id))

    @router.post("/tasks/<id>/notes", **acting)
    def note(call: Call, id: str, body: schemas.NoteBody) -> Answer:
        """Writes something into the dossier's journal, by who has the open task, who helps with it, or a leader."""
        return use.note(call, id, body.text, lambda process, version: acted(process, version, id))

    @router.post(
        "/dossiers/<id>/followers",
        # Whoever sees a dossier may have it in their list; it is no work on it.
        scope="tasks.read",
        needs="key_or_match",
        answers={200: schemas.Followed},
        raises=[Forbidden, NotFound, Invalid],
    )
    def change_followers(call: Call, id: str, body: schemas.FollowersBody) -> Answer:
        """Officers in whose list the dossier is, of the agencies that work on it. Only a leader takes others off."""
        return use.follow(
            call,
            id,
            body.add,
            body.remove,
            lambda process, version: Answer(schemas.Followed.of(process, version), 200, version),
        )
