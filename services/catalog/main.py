"""Composition root of catalog."""

from catalog import api, commands, events
from catalog.imports import Imports
from catalog.queries import Queries
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore
from catalog.usecases import UseCases
from chassis import service
from chassis.service import Context, Parts, Service


def assemble(context: Context[CatalogSettings]) -> Parts:
    store = CatalogStore(context.database, context.carrier)
    return Parts(
        add_routes=lambda router: api.add_routes(router, UseCases(store), Imports(store), Queries(store)),
        # Catalog is where its facts begin: it consumes nothing.
        table=(),
        outboxes=store.outboxes,
        ensure_indexes=store.ensure_indexes,
    )


CATALOG = Service(
    name="catalog",
    settings=CatalogSettings,
    scopes=api.SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={
        "import": ("import JSON files of procedures, agencies and calendars", commands.import_files),
        "republish": (
            "publish the current state again, for a service that is new or lost its copy",
            commands.republish,
        ),
    },
)


def main() -> int:
    return service.main(CATALOG)
