"""Tasks."""

from typing import Any

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.domain.processes import Process
from workflow.schemas import tasks as schemas
from workflow.usecases.tasks import TaskUseCases


def add_routes(router: Router, use: TaskUseCases) -> None:
    acting: dict[str, Any] = {
        "scope": "tasks.work",
        "needs": "key_or_match",
        "answers": {200: schemas.Acted},
        "raises": [NotFound, WrongState],
    }

    @router.post("/tasks/<id>/claim", **acting)
    def claim_task(call: Call, id: str, body: schemas.ClaimBody) -> Answer:
        """Takes an open task of the own agency."""
        return use.claim(call, id, lambda process, version: acted(process, version, id))

    @router.post("/tasks/<id>/completion", **acting)
    def complete_task(call: Call, id: str, body: schemas.CompletionBody) -> Answer:
        """Finishes a task. The steps that waited for it open; after the last one the dossier is decided."""
        return use.complete(
            call, id, body.outcome, body.note, body.result, lambda process, version: acted(process, version, id)
        )

    @router.post("/tasks/<id>/return", **acting)
    def return_task(call: Call, id: str, body: schemas.ReturnBody) -> Answer:
        """Sends the dossier back to an earlier step, which opens again with its whole time; what comes after that step
        waits again. The dossier's due date stays. Not after the decision."""
        return use.send_back(call, id, body.to, body.reason, lambda process, version: acted(process, version, id))

    @router.post("/tasks/<id>/undo", **acting)
    def undo_act(call: Call, id: str, body: schemas.UndoBody) -> Answer:
        """Takes one's own newest act on the task back (claim, assignment, completion, return), within minutes and while
        nothing that followed has been touched. The end of a dossier is not undone."""
        return use.undo(call, id, lambda process, version: acted(process, version, id))


def acted(process: Process, version: int, task_id: str) -> Answer:
    """What every act on a task answers."""
    return Answer(schemas.Acted.of(process, task_id, version), 200, version)
