"""stats' composition root."""

import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

from flask import Flask
from pydantic_core import to_json

from chassis import service, topology, worker
from chassis.publish import Publisher
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE, Lease
from chassis.web import Router
from stats import commands, consumer, events, loops
from stats.api import SCOPES, counts, dossiers, emc, feed, indicators, recounts, reports
from stats.intake import IntakeStates, IntakeUnavailable
from stats.pages import add_pages
from stats.producing import ReportMaker
from stats.queries.counts import Queries
from stats.queries.dossiers import Dossiers
from stats.queries.emc import Emc
from stats.queries.feed import Following
from stats.queries.indicators import Indicators
from stats.queries.warnings import Warnings
from stats.report_pages import add_report_pages
from stats.schemas.recounts import comparison
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.store.reports import Reports
from stats.usecases.events import Taking
from stats.usecases.feed import CountsOfMonths, Feeding, Source
from stats.usecases.gauging import Gauging
from stats.usecases.rebuilds import Rebuilding
from stats.usecases.recounts import Recounting
from stats.usecases.reports import PublishedReports, Reporting
from stats.usecases.signals import IndicatorsOfTheYear, TargetsAtRisk
from stats.usecases.streaming import Streaming
from stats.usecases.watching import AgenciesBehind

CANNOT_COMPARE = 2


def assemble(context: Context[StatsSettings]) -> Parts:
    store = StatsStore(context.database)
    recounting, queries = _recounting(context, store), Queries(store)

    dossiers_behind = Dossiers(store)
    emc_counts = Emc(store)
    following = Following(store.feed, context.settings.feed_followers, context.stopping)

    measured, warnings = Indicators(store), Warnings(store)

    kept = Reports(context.database, context.carrier)
    reporting, maker = Reporting(store, kept), ReportMaker(store, kept, context.clock)

    def add_routes(router: Router) -> None:
        counts.add_routes(router, queries)
        dossiers.add_routes(router, dossiers_behind)
        recounts.add_routes(router, recounting)
        feed.add_routes(router, following)
        emc.add_routes(router, emc_counts)
        indicators.add_routes(router, measured, warnings)
        reports.add_routes(router, reporting, kept)

    def pages(app: Flask) -> None:
        add_pages(app, queries, measured, context.clock)
        add_report_pages(app, kept)

    def ensure_indexes() -> None:
        store.ensure_indexes()
        kept.ensure_indexes()

    return Parts(
        add_routes=add_routes,
        table=consumer.table(Taking(store, context.clock)),
        outboxes=[],
        ensure_indexes=ensure_indexes,
        upgrade=Rebuilding(store, context.clock).if_due,
        loops={
            "later": worker.every(60, store.gather, UNAVAILABLE),
            "reports": worker.every(1, maker.once, UNAVAILABLE),
            "old_reports": worker.every(600, maker.sweep, UNAVAILABLE),
            "gauges": worker.every(60, Gauging(measured, queries, context.clock).refresh, UNAVAILABLE),
            **_feed_loops(
                context,
                store,
                [CountsOfMonths(store, queries), IndicatorsOfTheYear(measured)],
                [
                    TargetsAtRisk(warnings),
                    AgenciesBehind(store, queries),
                    PublishedReports(store, kept, context.settings.public_url),
                ],
            ),
        },
        add_pages=pages,
    )


def _feed_loops(
    context: Context[StatsSettings], store: StatsStore, sources: Sequence[Source], now_and_then: Sequence[Source]
) -> dict[str, worker.Loop]:
    settings, holder = context.settings, f"{socket.gethostname()}:{os.getpid()}"
    feeding = Feeding(store, sources, context.clock, now_and_then)
    streaming = Streaming(store, Publisher(settings.amqp_url, prepare=topology.declare_feed), context.clock)
    return {
        "feed": loops.feeding(feeding, Lease(context.database, "feed", holder), settings.feed_seconds),
        "stream": loops.streaming(streaming, Lease(context.database, "stream", holder), 0.5),
    }


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


def restream(context: Context[StatsSettings], _parts: Parts, arguments: list[str]) -> int:
    """`restream [CURSOR]`: the worker publishes the entries behind the cursor to the stream once more."""
    after = arguments[0] if arguments else "0"
    if len(arguments) > 1 or not (after.isascii() and after.isdigit()):
        sys.stderr.write("restream takes the cursor behind which to begin, or nothing for all\n")
        return 2
    feed_ = StatsStore(context.database).feed
    feed_.publish_again(int(after))
    sys.stderr.write(f"{max(0, feed_.end() - int(after))} entries\n")
    return 0


def verify_reports(context: Context[StatsSettings], _parts: Parts, _arguments: list[str]) -> int:
    """Prints what is not as it was published; 0 when all is, else 1."""
    reports_ = Reports(context.database, context.carrier)
    found = list(Reporting(StatsStore(context.database), reports_).verify())
    _print({"intact": not found, "problems": found})
    return 0 if not found else 1


def _print(answer: dict[str, Any]) -> None:
    sys.stdout.write(to_json(answer, indent=1).decode() + "\n")


STATS: Service[StatsSettings] = Service(
    name="stats",
    settings=StatsSettings,
    scopes=SCOPES,
    publishes=events.PUBLISHED,
    feeds=events.FEED,
    assemble=assemble,
    commands={
        "recount": ("compare the counts with intake's dossiers; 1 when they differ", recount),
        "restream": ("publish the feed to its stream again, for one that was lost", restream),
        "verify-reports": ("check every published report's files and hashes; 1 when one was changed", verify_reports),
        "rebuild": ("make all counts anew from the archive of events, and switch to them", commands.rebuild),
        "export": ("write the archive's events into files, with a manifest", commands.export),
        "prune": ("remove events from the archive that a verified export holds", commands.prune),
    },
    # Several could consume at once and be right; one alone need not write anything twice.
    single_active=True,
)


def main() -> int:
    return service.main(STATS)
