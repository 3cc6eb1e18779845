"""Workflow's composition root and commands."""

from chassis import service, worker
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE
from workflow import api, consumer, events
from workflow.following import Following
from workflow.queries import Queries
from workflow.settings import WorkflowSettings
from workflow.store import WorkflowStore
from workflow.usecases import UseCases


def assemble(context: Context[WorkflowSettings]) -> Parts:
    store = WorkflowStore(context.database, context.carrier)
    use, queries, following = UseCases(store), Queries(store), Following(store, context.clock)
    return Parts(
        add_routes=lambda router: api.add_routes(router, use, queries),
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
