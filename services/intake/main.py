"""Intake's composition root and commands."""

from pathlib import Path

from chassis import service, worker
from chassis.papers import PaperMaker
from chassis.printing import Printer
from chassis.service import Context, Parts, Service
from chassis.signed import Signatures
from chassis.store import UNAVAILABLE
from chassis.web import Router
from intake import api, commands, consumer, events, pages, texts
from intake.api import batches as batch_routes
from intake.api import documents as document_routes
from intake.api import dossiers as dossier_routes
from intake.api import drafts as draft_routes
from intake.api import files as file_routes
from intake.api import forms as form_routes
from intake.api import papers as paper_routes
from intake.api import payments as payment_routes
from intake.api import prefill as prefill_routes
from intake.clamd import Clamd
from intake.domain.vietqr import Account
from intake.inspection.findings import Limits
from intake.inspection.run import Inspector
from intake.population import Population
from intake.queries.dossiers import DossierQueries
from intake.queries.drafts import DraftQueries
from intake.queries.files import FileQueries
from intake.queries.forms import FormQueries
from intake.queries.payments import PaymentQueries
from intake.queries.population import PopulationQueries
from intake.scanner import Scanner
from intake.settings import IntakeSettings
from intake.store import IntakeStore
from intake.sweeper import EVERY_SECONDS, Sweeper
from intake.usecases.batches import BatchUseCases
from intake.usecases.deposits import Depositor
from intake.usecases.documents import DocumentUseCases
from intake.usecases.dossiers import DossierUseCases
from intake.usecases.drafts import DraftUseCases
from intake.usecases.files import FileRules, FileUseCases
from intake.usecases.lookups import LookupLog
from intake.usecases.papers import PaperUseCases
from intake.usecases.payments import PaymentUseCases
from intake.usecases.prefill import PrefillUseCases
from intake.usecases.successions import DossierSuccessions

TEMPLATES = Path(__file__).with_name("templates") / "papers"
POLL_SECONDS = 0.5
"""How long somebody at the counter waits, at most, before their paper begins to be printed."""
DEPOSIT_SECONDS = 1.0
"""How long what was accepted waits, at most, until the store of people's documents has it."""


def assemble(context: Context[IntakeSettings]) -> Parts:
    store, settings = IntakeStore(context.database, context.carrier), context.settings
    queries = DossierQueries(store)
    address = settings.clamd_address
    clamd = Clamd(address, timeout=settings.clamd_timeout_seconds) if address else None
    scanner = Scanner(store.files, clamd, context.clock)
    sweeper = Sweeper(store.files, store.uploads, context.clock)

    maker = PaperMaker(store.papers, context.clock, Printer(TEMPLATES, texts.ON_PAPER))
    accounts = {agency: Account(**dict(account)) for agency, account in settings.vietqr_accounts.items()}
    signatures = Signatures({name: each.secrets for name, each in settings.payment_providers.items()})

    def add_routes(router: Router) -> None:
        use = DossierUseCases(store, accounts)
        dossier_routes.add_routes(router, use, queries)
        batch_routes.add_routes(router, BatchUseCases(store, use))
        draft_routes.add_routes(router, DraftUseCases(store, use), DraftQueries(store))
        rules = FileRules(settings.file_max_bytes, settings.file_quota_bytes, scanner=clamd is not None)
        inspector = Inspector(Limits(pages=settings.file_max_pages))
        file_routes.add_routes(
            router, FileUseCases(store, inspector, rules), FileQueries(store, scanner=clamd is not None)
        )
        form_routes.add_routes(router, FormQueries(store))
        population = Population(
            settings.population_url, settings.population_api_key, settings.population_timeout_seconds
        )
        prefill = PrefillUseCases(store, population, settings.population_log_key)
        prefill_routes.add_routes(router, prefill, PopulationQueries(store, prefill.hashed))
        document_routes.add_routes(router, DocumentUseCases(store, LookupLog(store)))
        paper_routes.add_routes(router, PaperUseCases(store, queries, context.settings.public_url))
        payment_routes.add_routes(router, PaymentUseCases(store, accounts), PaymentQueries(store), queries, signatures)

    return Parts(
        add_routes=add_routes,
        table=consumer.table(store, context.clock, accounts),
        outboxes=[store.dossiers.collection, store.lookups.collection],
        ensure_indexes=store.ensure_indexes,
        loops={
            "deposits": worker.every(DEPOSIT_SECONDS, Depositor(store, context.clock).once, UNAVAILABLE),
            "papers": worker.every(POLL_SECONDS, maker.once, UNAVAILABLE),
            "scanner": scanner.run,
            "successions": worker.every(5, DossierSuccessions(store, context.clock).once, UNAVAILABLE),
            "sweeper": worker.every(EVERY_SECONDS, sweeper.once, UNAVAILABLE),
        },
        details=scanner.details,
        add_pages=lambda app: pages.add_pages(app, queries, context.clock),
    )


INTAKE = Service(
    name="intake",
    settings=IntakeSettings,
    scopes=api.SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={
        "reconcile": ("hold a bank's list of transfers against what is recorded", commands.reconcile),
        "verify": ("check the journal of every dossier", commands.verify),
    },
)


def main() -> int:
    return service.main(INTAKE)
