"""Workflow's composition root and commands."""

from datetime import timedelta
from pathlib import Path

from chassis import service, worker
from chassis.papers import PaperMaker
from chassis.printing import Printer
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE
from chassis.web import Router
from workflow import api, commands, consumer, events, pages, texts
from workflow.api import assignments as assignment_routes
from workflow.api import bulks as bulk_routes
from workflow.api import delegations as delegation_routes
from workflow.api import lists as list_routes
from workflow.api import opinions as opinion_routes
from workflow.api import papers as paper_routes
from workflow.api import processes as process_routes
from workflow.api import results as result_routes
from workflow.api import simulations as simulation_routes
from workflow.api import tasks as task_routes
from workflow.api import transitions as transition_routes
from workflow.following import Following
from workflow.producing import ContentSweeper, ResultPrinter, ResultSigner
from workflow.queries.delegations import DelegationQueries
from workflow.queries.dossiers import DossierQueries
from workflow.queries.processes import ProcessQueries
from workflow.queries.results import ResultQueries
from workflow.queries.simulations import SimulationQueries
from workflow.queries.tasks import TaskQueries
from workflow.queries.workload import WorkloadQueries
from workflow.settings import WorkflowSettings
from workflow.signing.inspection import Inspector
from workflow.signing.keys import KeyFolder
from workflow.store import WorkflowStore
from workflow.usecases.acting import Acting
from workflow.usecases.assignments import AssignmentUseCases
from workflow.usecases.delegations import DelegationUseCases
from workflow.usecases.opinions import OpinionUseCases
from workflow.usecases.papers import PaperUseCases
from workflow.usecases.results import ResultUseCases
from workflow.usecases.tasks import TaskUseCases
from workflow.usecases.transitions import TransitionUseCases

TEMPLATES = Path(__file__).with_name("templates") / "papers"


def assemble(context: Context[WorkflowSettings]) -> Parts:
    store = WorkflowStore(context.database, context.carrier)
    settings = context.settings
    following = Following(store, context.clock, settings.alert_escalate_days)
    maker = PaperMaker(store.papers, context.clock, Printer(TEMPLATES, texts.ON_PAPER))
    keys = KeyFolder(settings.signing_keys)
    signer = ResultSigner(store, context.clock, keys, settings.public_url, settings.signing_tsa_url)

    inspector = Inspector(settings.result_max_pages, settings.trusted_certificates_file)
    result_queries = ResultQueries(store, inspector, settings.trusted_certificates_file)

    def add_routes(router: Router) -> None:
        acting = Acting(store)
        results = ResultUseCases(store, inspector, settings.public_url, settings.result_signatures)
        result_routes.add_routes(router, results, result_queries, settings.public_url, settings.result_max_bytes)
        tasks = TaskUseCases(store, acting, results, timedelta(minutes=context.settings.undo_minutes))
        assignments = AssignmentUseCases(store, acting)
        task_routes.add_routes(router, tasks)
        transition_routes.add_routes(router, TransitionUseCases(store, acting))
        assignment_routes.add_routes(router, assignments)
        bulk_routes.add_routes(router, tasks, assignments)
        delegation_routes.add_routes(router, DelegationUseCases(store, acting), DelegationQueries(store))
        list_routes.add_routes(router, TaskQueries(store), DossierQueries(store), WorkloadQueries(store), acting.met)
        opinion_routes.add_routes(router, OpinionUseCases(store, acting))
        process_routes.add_routes(router, ProcessQueries(store))
        paper_routes.add_routes(router, PaperUseCases(store, ProcessQueries(store)))
        simulation_routes.add_routes(router, SimulationQueries(store))

    return Parts(
        add_routes=add_routes,
        add_pages=lambda app: pages.add_pages(app, result_queries),
        table=consumer.table(store, context.clock, settings.alert_share),
        outboxes=[store.processes.collection],
        ensure_indexes=store.ensure_indexes,
        loops={
            "successions": worker.every(5, following.agencies, UNAVAILABLE),
            "results": worker.every(1, ResultPrinter(store, context.clock).once, UNAVAILABLE),
            "signings": worker.every(1, signer.once, UNAVAILABLE),
            "contents": worker.every(600, ContentSweeper(store, context.clock).once, UNAVAILABLE),
            "calendars": worker.every(5, following.calendars, UNAVAILABLE),
            "papers": worker.every(1, maker.once, UNAVAILABLE),
            "opinions": worker.every(5, following.opinions, UNAVAILABLE),
            "alerts": worker.every(5, following.alerts, UNAVAILABLE),
        },
    )


WORKFLOW = Service(
    name="workflow",
    settings=WorkflowSettings,
    scopes=api.SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={"certificates": ("make certificates to develop and test with", commands.certificates)},
)


def main() -> int:
    return service.main(WORKFLOW)
