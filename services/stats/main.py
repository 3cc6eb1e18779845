"""stats' composition root."""

import sys
from typing import Any

from pydantic_core import to_json

from chassis import service, worker
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE
from chassis.web import Router
from stats import consumer, events
from stats.api import SCOPES, counts, recounts
from stats.intake import IntakeStates, IntakeUnavailable
from stats.pages import add_pages
from stats.queries.counts import Queries
from stats.schemas.recounts import comparison
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.store.overtaking import Overtaken
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from stats.usecases.recounts import Recounting

CANNOT_COMPARE = 2


def assemble(context: Context[StatsSettings]) -> Parts:
    store = StatsStore(context.database)
    recounting, rebuilding, queries = _recounting(context, store), Rebuilding(store), Queries(store)

    def add_routes(router: Router) -> None:
        counts.add_routes(router, queries)
        recounts.add_routes(router, recounting)

    return Parts(
        add_routes=add_routes,
        table=consumer.table(Taking(store, context.clock)),
        outboxes=[],
        ensure_indexes=store.ensure_indexes,
        loops={"rebuild": worker.every(60, rebuilding.finish, (*UNAVAILABLE, Overtaken))},
        add_pages=lambda app: add_pages(app, queries, context.clock),
    )


def _recounting(context: Context[StatsSettings], store: StatsStore) -> Recounting:
    settings = context.settings
    intake = IntakeStates(settings.intake_url, settings.intake_api_key, settings.intake_timeout_seconds)
    return Recounting(store, intake, context.clock)


def recount(context: Context[StatsSettings], _parts: Parts, _arguments: list[str]) -> int:
    """Prints the comparison; 0 when all is equal, 1 when something differs, 2 when intake did not answer."""
    try:
        found = _recounting(context, StatsStore(context.database)).recount()
    except IntakeUnavailable as error:
        sys.stderr.write(f"{error.detail}\n")
        return CANNOT_COMPARE
    _print(comparison(found))
    return 0 if found.equal else 1


def rebuild(context: Context[StatsSettings], _parts: Parts, _arguments: list[str]) -> int:
    """Prints what the projection before counted differently, which from now on it does not."""
    done = Rebuilding(StatsStore(context.database)).rebuild(lambda count: sys.stderr.write(f"{count} events\n"))
    _print({"events": done.events, "generation": done.generation, **comparison(done.comparison)})
    return 0


def _print(answer: dict[str, Any]) -> None:
    sys.stdout.write(to_json(answer, indent=1).decode() + "\n")


STATS: Service[StatsSettings] = Service(
    name="stats",
    settings=StatsSettings,
    scopes=SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={
        "recount": ("compare the counts with intake's dossiers; 1 when they differ", recount),
        "rebuild": ("make all counts anew from the archive of events, and switch to them", rebuild),
    },
    # Several could consume at once and be right; one alone need not write anything twice.
    single_active=True,
)


def main() -> int:
    return service.main(STATS)
