"""Composition root of catalog."""

import os
import socket

from catalog import api, commands, consumer, events
from catalog.essentials import api as essentials_api
from catalog.essentials.usecases import EssentialUseCases
from catalog.imports import api as imports_api
from catalog.imports.jobs import Jobs
from catalog.imports.usecases import Imports
from catalog.queries import Queries
from catalog.reorganisations import Reorganisations
from catalog.replacements import api as replacements_api
from catalog.replacements.usecases import Replacing
from catalog.reviews import api as reviews_api
from catalog.reviews.usecases import ReviewUseCases, apply_next
from catalog.settings import CatalogSettings
from catalog.store import CatalogStore
from catalog.targets import api as targets_api
from catalog.targets.usecases import TargetUseCases
from catalog.usecases import UseCases
from catalog.versions import api as versions_api
from catalog.versions.queries import VersionQueries
from chassis import service, worker
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE, Carrier, Lease
from chassis.web import Router


def assemble(context: Context[CatalogSettings]) -> Parts:
    store = CatalogStore(context.database, context.carrier)
    reorganisations = Reorganisations(store)
    queries = Queries(store)

    def add_routes(router: Router) -> None:
        api.add_routes(router, UseCases(store), reorganisations, queries)
        imports_api.add_routes(router, Imports(store), queries, api.EDIT, api.LAW)
        versions_api.add_routes(router, VersionQueries(store, queries), api.LAW)
        reviews_api.add_routes(router, ReviewUseCases(store, store.reviews, queries))
        essentials_api.add_routes(router, EssentialUseCases(store, store.essentials), api.EDIT, api.LAW)
        targets_api.add_routes(router, TargetUseCases(store.targets, queries), api.EDIT)
        replacements_api.add_routes(router, Replacing(store, store.replacements), api.EDIT)

    # The relay publishes what a timer writes: nothing else follows soon that would carry it.
    relayed = CatalogStore(context.database, Carrier(context.clock))
    holder = f"{socket.gethostname()}:{os.getpid()}"
    jobs = Jobs(relayed, context.clock, Lease(context.database, "imports", holder).hold)
    return Parts(
        add_routes=add_routes,
        table=consumer.table(store.uses),
        outboxes=store.outboxes,
        ensure_indexes=store.ensure_indexes,
        # What a process that died left of a succession is done by the worker.
        loops={
            "imports": worker.every(1, jobs.work, UNAVAILABLE),
            "uses": worker.every(60, store.uses.count, UNAVAILABLE),
            "successions": worker.every(5, reorganisations.follow, UNAVAILABLE),
            "reviews": worker.every(5, lambda: apply_next(relayed, relayed.reviews, context.clock), UNAVAILABLE),
        },
    )


CATALOG = Service(
    name="catalog",
    settings=CatalogSettings,
    scopes=api.SCOPES | reviews_api.SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={
        "import": ("import JSON files of procedures, agencies and calendars", commands.import_files),
        "reorganise": ("apply a file of agencies and of who takes over from whom", commands.reorganise),
        "republish": (
            "publish the current state again, for a service that is new or lost its copy",
            commands.republish,
        ),
    },
)


def main() -> int:
    return service.main(CATALOG)
