"""Intake's composition root and commands."""

from chassis import service
from chassis.service import Context, Parts, Service
from intake import api, consumer, events, pages
from intake.api import dossiers as dossier_routes
from intake.queries.dossiers import DossierQueries
from intake.settings import IntakeSettings
from intake.store import IntakeStore
from intake.usecases.dossiers import DossierUseCases


def assemble(context: Context[IntakeSettings]) -> Parts:
    store = IntakeStore(context.database, context.carrier)
    use, queries = DossierUseCases(store), DossierQueries(store)
    return Parts(
        add_routes=lambda router: dossier_routes.add_routes(router, use, queries),
        table=consumer.table(store),
        outboxes=[store.dossiers.collection],
        ensure_indexes=store.ensure_indexes,
        add_pages=lambda app: pages.add_pages(app, queries),
    )


INTAKE = Service(
    name="intake", settings=IntakeSettings, scopes=api.SCOPES, publishes=events.PUBLISHED, assemble=assemble
)


def main() -> int:
    return service.main(INTAKE)
