"""Many acts with one request: an item for each, in order; a bad one spoils only itself."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import to_json

from chassis.errors import Problem
from chassis.web import Answer, Call, Router, problem_body
from workflow.api.tasks import acted
from workflow.schemas import bulks as schemas
from workflow.usecases.acting import Decide
from workflow.usecases.assignments import AssignmentUseCases
from workflow.usecases.tasks import Item, TaskUseCases


def add_routes(router: Router, use: TaskUseCases, assignments: AssignmentUseCases) -> None:
    many: dict[str, Any] = {"scope": "tasks.work", "needs": "key", "answers": {200: schemas.BulkAnswer}}

    @router.post("/tasks/completions", **many)
    def complete_tasks(call: Call, body: schemas.CompletionsBody) -> Answer:
        """Finishes up to 200 tasks, each as if it came by itself. The answer to a repetition is the first answer;
        tasks with status 503 are tried again instead."""

        def completing(n: int) -> Decide:
            return use.completing(call, body.tasks[n].outcome, body.tasks[n].note, body.tasks[n].result)

        return act(call, body.tasks, completing)

    @router.post("/tasks/claims", **many)
    def claim_tasks(call: Call, body: schemas.ClaimsBody) -> Answer:
        """Takes up to 200 open tasks, in the manner of `tasks/completions`."""
        claiming = use.claiming(call)
        return act(call, body.tasks, lambda _: claiming)

    @router.post("/tasks/assignments", **many)
    def assign_tasks(call: Call, body: schemas.AssignmentsBody) -> Answer:
        """Gives up to 200 open tasks to one officer, in the manner of `tasks/completions`."""
        assigning = assignments.assigning(call, body.to, body.reason)
        return act(call, body.tasks, lambda _: assigning)

    def act(
        call: Call, tasks: Sequence[schemas.ClaimItem | schemas.CompletionItem], decide: Callable[[int], Decide]
    ) -> Answer:
        items = [Item(each.id, each.version) for each in tasks]
        return use.many(call, items, decide, acted, lambda outcomes: _answer(items, outcomes))


def _answer(items: Sequence[Item], outcomes: Sequence[Answer | Problem]) -> Answer:
    """The items' answers as they are kept, so that they are not made a second time."""
    shown = ",".join(_shown(item.task, outcome) for item, outcome in zip(items, outcomes, strict=True))
    return Answer(f'{{"items":[{shown}]}}')


def _shown(task: str, outcome: Answer | Problem) -> str:
    if isinstance(outcome, Problem):
        return to_json({"id": task, "status": outcome.status, "acted": None, "problem": problem_body(outcome)}).decode()
    text = outcome.text()
    body = text if isinstance(text, str) else text.decode()
    return f'{{"id":{to_json(task).decode()},"status":{outcome.status},"acted":{body},"problem":null}}'
