"""The portal's part of notify's composition root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from chassis import logs, metrics, worker
from chassis.consume import Handler, Subscription
from chassis.service import Context
from chassis.store import UNAVAILABLE, Carrier
from chassis.web import Router
from notify.courier import Courier, Watch
from notify.domain.deliveries import WAITS
from notify.national_portal import api, consumer
from notify.national_portal.arrivals import Fetching, IntakeOutlet
from notify.national_portal.client import Portal
from notify.national_portal.domain.merging import Waits
from notify.national_portal.domain.rows import SERVICES
from notify.national_portal.outlet import AFTERWARDS, PortalOutlet
from notify.national_portal.settings import NationalPortalSettings
from notify.national_portal.store import NationalPortalStore, PortalRows
from notify.national_portal.sync import Syncing
from notify.national_portal.usecases import Catalogue, Following, Repairs, Showing
from notify.sealing import Secrets

S = TypeVar("S", bound=NationalPortalSettings)
log = logs.get()
LOOKED_EVERY, STUCK_EVERY, MEASURED_EVERY = 5.0, 300.0, 30.0


@dataclass(frozen=True, slots=True)
class NationalPortalParts:
    """What the rest of notify takes of it. Without a portal: routes that say so, and nothing to hear or to send."""

    store: NationalPortalStore
    showing: Showing
    repairs: Repairs
    configured: bool
    taps: Sequence[Handler] = ()
    subscriptions: Sequence[Subscription] = ()
    loops: Mapping[str, worker.Loop] = field(default_factory=dict)
    queues: Mapping[str, PortalRows] = field(default_factory=dict)

    def add_routes(self, router: Router) -> None:
        api.add_routes(router, self.store, self.showing, self.repairs, configured=self.configured)

    def details(self) -> dict[str, str]:
        return {"national_portal": "configured" if self.configured else "not configured"}


def assemble(context: Context[S], holder: str, watch: Watch | None = None) -> NationalPortalParts:
    settings = context.settings
    store = NationalPortalStore(context.database, Carrier(context.clock))
    secrets = Secrets.read(settings.sealing_key)
    showing, repairs = Showing(store, secrets), Repairs(store, secrets)
    portal = _portal(settings)
    if portal is None:
        log.info("national_portal_not_configured")
        return NationalPortalParts(store, showing, repairs, configured=False)
    following = _following(store, secrets, context)
    courier = Courier(
        store.queue,
        PortalOutlet(portal, secrets, store.exchanges, context.clock),
        context.clock,
        holder=holder,
        batch=settings.national_portal_batch,
        lines=settings.national_portal_lines,
        watch=watch,
        waits=WAITS,
        afterwards=AFTERWARDS,
    )
    loops: dict[str, worker.Loop] = {
        **courier.loops(),
        "portal_look": worker.every(LOOKED_EVERY, following.look, UNAVAILABLE),
        "portal_stuck": worker.every(STUCK_EVERY, following.wake_stuck, UNAVAILABLE),
        "portal_measure": worker.every(MEASURED_EVERY, lambda: measure(store), UNAVAILABLE),
    }
    if settings.intake_api_key is not None:
        timeout = settings.national_portal_timeout_seconds
        outlet = IntakeOutlet(
            settings.intake_url, settings.intake_api_key, portal, settings.national_portal_url or "", secrets,
            timeout=timeout,
        )  # fmt: skip
        fetching = Fetching(store, portal, secrets, context.clock)
        arriving = Courier(
            store.incoming, outlet, context.clock, holder=holder, batch=20, waits=WAITS, afterwards=AFTERWARDS
        )
        pull = worker.every(settings.national_portal_pull_seconds, fetching.once, UNAVAILABLE)
        loops |= {**arriving.loops(), "portal_fetch": pull}
    return NationalPortalParts(
        store, showing, repairs, configured=True,
        taps=[following.hear],
        subscriptions=consumer.subscriptions(Catalogue(store)),
        loops=loops,
        queues={"national_portal": store.queue},
    )  # fmt: skip


def syncing(context: Context[S]) -> Syncing | None:
    """For the commands; None without a portal."""
    portal = _portal(context.settings)
    if portal is None:
        return None
    store = NationalPortalStore(context.database, Carrier(context.clock))
    secrets = Secrets.read(context.settings.sealing_key)
    store.ensure_indexes()
    following = _following(store, secrets, context)
    return Syncing(store, following, portal, secrets, context.clock)


def measure(store: NationalPortalStore) -> None:
    """The rows that wait and those that were refused, by kind, for /metrics."""
    for (kind, state), count in store.counts(tuple(SERVICES)).items():
        metrics.PORTAL_ROWS.labels(kind, state).set(count)


def _following(store: NationalPortalStore, secrets: Secrets, context: Context[S]) -> Following:
    waits = Waits(
        hold=timedelta(hours=context.settings.national_portal_hold_hours),
        settle=timedelta(seconds=context.settings.national_portal_settle_seconds),
    )
    return Following(store, secrets, context.clock, waits)


def _portal(settings: NationalPortalSettings) -> Portal | None:
    if settings.national_portal_url is None:
        return None
    return Portal(
        settings.national_portal_url,
        settings.national_portal_user or "",
        settings.national_portal_password or "",
        agency=settings.national_portal_agency or "",
        dstcode=settings.national_portal_dstcode or "",
        timeout_seconds=settings.national_portal_timeout_seconds,
    )
