"""Workflow's routes: parse, call one use case or query, answer."""

from typing import Any

from chassis.errors import NotFound, WrongState
from chassis.web import Answer, Call, Router
from workflow import domain, schemas, texts
from workflow.domain import Process, TaskState
from workflow.queries import Queries
from workflow.usecases import UseCases

SCOPES = {
    "tasks.read": "Reads the tasks of the own agency, and the course of the dossiers that it works on",
    "tasks.work": "Claims and completes the tasks of the own agency",
    "dossiers.read_all": "Reads every dossier of the province",
    "any_agency": "Acts for every agency: migration from an older system, the province's integration bus",
}


def add_routes(router: Router, use: UseCases, queries: Queries) -> None:
    _tasks(router, use, queries)
    _dossiers(router, queries)


def _tasks(router: Router, use: UseCases, queries: Queries) -> None:
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


def _dossiers(router: Router, queries: Queries) -> None:
    @router.get("/dossiers/<id>/timeline", scope="tasks.read", answers={200: schemas.Timeline})
    def show_timeline(call: Call, id: str) -> Answer:
        """A dossier's tasks in the process's order, and every act on them."""
        loaded = queries.process(call.principal, id)
        process = loaded.state
        return Answer(
            schemas.Timeline(
                dossier=process.id,
                code=process.code,
                state=process.state,
                outcome=process.outcome,
                received_at=process.received_at,
                due_at=process.due_at,
                finished_at=process.finished_at,
                withdrawn_at=process.withdrawn_at,
                timing=process.timing,
                version=loaded.version,
                tasks=[schemas.TaskView.of(process, task) for task in process.tasks],
                journal=[schemas.EntryView.of(entry) for entry in process.journal],
                intact=domain.first_broken_entry(process) is None,
            ),
            version=loaded.version,
        )

    @router.get("/reschedulings", scope="tasks.read", answers={200: schemas.ReschedulingPage})
    def list_reschedulings(call: Call, query: schemas.ReschedulingsQuery) -> Answer:
        """Which dossiers got another due date by a change of a year's calendar, and by which decision."""
        found, following = queries.reschedulings(call.principal, query.year, query.cursor, query.limit)
        items = [schemas.ReschedulingView.of(process, moved) for process, moved in found]
        return Answer(schemas.ReschedulingPage(items=items, next=following))

    @router.get("/dossiers/<id>/clock", scope="tasks.read", answers={200: schemas.Clock})
    def show_clock(call: Call, id: str) -> Answer:
        """The deadline's account: what was promised, what is used, and how the due date comes about."""
        process = queries.process(call.principal, id).state
        used = queries.used_minutes(process, call.now)
        state = "none" if process.budget is None else "running" if domain.ended_at(process) is None else "finished"
        return Answer(
            schemas.Clock(
                received_at=process.received_at,
                budget=process.budget.amount if process.budget else None,
                unit=process.budget.unit if process.budget else None,
                used=used,
                pauses=[],
                extensions=[],
                due_at=process.due_at,
                state=state,
                explanation=[schemas.ExplanationLine(vi=vi, en=en) for vi, en in texts.explanation(process, used)],
            )
        )
