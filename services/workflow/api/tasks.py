"""Tasks."""

from typing import Any

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow.domain.parts import TaskState
from workflow.domain.processes import Process
from workflow.queries.tasks import TaskQueries
from workflow.schemas import tasks as schemas
from workflow.usecases.tasks import TaskUseCases


def add_routes(router: Router, use: TaskUseCases, queries: TaskQueries) -> None:
    acting: dict[str, Any] = {
        "scope": "tasks.work",
        "needs": "key_or_match",
        "answers": {200: schemas.Acted},
        "raises": [NotFound, WrongState],
    }

    @router.get("/tasks", scope="tasks.read", answers={200: schemas.TaskPage})
    def list_tasks(call: Call, query: schemas.TasksQuery) -> Answer:
        """Open tasks, the earliest due first. A page holds the tasks of at most `limit` dossiers."""
        found, following = queries.tasks(
            call.principal,
            agency=query.agency,
            assignee=call.principal.subject if query.assignee == "me" else query.assignee,
            state=TaskState(query.state) if query.state else None,
            overdue_at=call.now if query.overdue else None,
            cursor=query.cursor,
            limit=query.limit,
        )
        return Answer(
            schemas.TaskPage(items=[schemas.TaskView.of(process, task) for process, task in found], next=following)
        )

    @router.post("/tasks/<id>/claim", **acting)
    def claim_task(call: Call, id: str, body: schemas.ClaimBody) -> Answer:
        """Takes an open task of the own agency."""
        return use.claim(call, id, lambda process, version: _acted(process, id, version))

    @router.post("/tasks/<id>/completion", **acting)
    def complete_task(call: Call, id: str, body: schemas.CompletionBody) -> Answer:
        """Finishes a task. The steps that waited for it open; after the last one the dossier is decided."""
        return use.complete(call, id, body.outcome, body.note, lambda process, version: _acted(process, id, version))


def _acted(process: Process, task_id: str, version: int) -> Answer:
    return Answer(schemas.Acted.of(process, task_id, version), 200, version)
