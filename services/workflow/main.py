"""Workflow's composition root and commands."""

from chassis import service, worker
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE
from chassis.web import Router
from workflow import api, consumer, events
from workflow.api import processes as process_routes
from workflow.api import tasks as task_routes
from workflow.following import Following
from workflow.queries.processes import ProcessQueries
from workflow.queries.tasks import TaskQueries
from workflow.settings import WorkflowSettings
from workflow.store import WorkflowStore
from workflow.usecases.tasks import TaskUseCases


def assemble(context: Context[WorkflowSettings]) -> Parts:
    store = WorkflowStore(context.database, context.carrier)
    following = Following(store, context.clock)

    def add_routes(router: Router) -> None:
        task_routes.add_routes(router, TaskUseCases(store), TaskQueries(store))
        process_routes.add_routes(router, ProcessQueries(store))

    return Parts(
        add_routes=add_routes,
        table=consumer.table(store, context.clock),
        outboxes=[store.processes.collection],
        ensure_indexes=store.ensure_indexes,
        loops={
            "successions": worker.every(5, following.agencies, UNAVAILABLE),
            "calendars": worker.every(5, following.calendars, UNAVAILABLE),
        },
    )


WORKFLOW = Service(
    name="workflow", settings=WorkflowSettings, scopes=api.SCOPES, publishes=events.PUBLISHED, assemble=assemble
)


def main() -> int:
    return service.main(WORKFLOW)
