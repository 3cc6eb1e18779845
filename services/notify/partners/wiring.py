"""EMC's and the post's part of notify's composition root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from chassis import metrics, worker
from chassis.clock import Clock
from chassis.consume import Handler
from chassis.service import Context
from chassis.signed import Signatures
from chassis.store import UNAVAILABLE, Carrier
from chassis.web import Router
from notify.courier import Courier, Watch
from notify.domain.deliveries import WAITS
from notify.partners import api
from notify.partners.client import Partner as Client
from notify.partners.domain.post import Place
from notify.partners.domain.rows import Partner, PartnerRow
from notify.partners.outlets import AFTERWARDS, EmcOutlet, PartnerOutlet, PostOutlet
from notify.partners.pickups import Pickups
from notify.partners.settings import PartnerSettings
from notify.partners.store import PartnerRows, PartnerStore, Wanted
from notify.partners.usecases import Customer, Following, Repairs, Showing, Tracking
from notify.sealing import Secrets

S = TypeVar("S", bound=PartnerSettings)
ASKED_EVERY, MEASURED_EVERY = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class PartnerParts:
    """What the rest of notify takes of them. Of a partner that is not configured: routes that say so, and nothing to
    hear or to send."""

    store: PartnerStore
    secrets: Secrets
    tracking: Tracking
    signatures: Signatures
    customer: Customer | None
    configured: Mapping[Partner, bool]
    taps: Sequence[Handler] = ()
    loops: Mapping[str, worker.Loop] = field(default_factory=dict)
    queues: Mapping[str, PartnerRows] = field(default_factory=dict)

    def add_routes(self, router: Router) -> None:
        showing, repairs = Showing(self.store, self.secrets), Repairs(self.store, self.secrets)
        api.add_routes(router, self.store, showing, repairs, self.configured)
        api.add_pickups(router, Pickups(self.store, self.secrets, self.customer))
        api.add_tracking(router, self.tracking, self.signatures)

    def details(self) -> dict[str, str]:
        return {name: "configured" if there else "not configured" for name, there in self.configured.items()}


def assemble(context: Context[S], holder: str, watch: Watch | None = None) -> PartnerParts:
    """Couriers' and the tracking timer's events are left to the relay, since a carrier is one thread's."""
    settings, clock = context.settings, context.clock
    store, secrets = PartnerStore(context.database, Carrier(clock)), Secrets.read(settings.sealing_key)
    every = timedelta(seconds=settings.post_tracking_seconds)
    outlets: dict[Partner, PartnerOutlet] = {}
    post: Client | None = None
    if settings.emc_url is not None:
        emc = Client(settings.emc_url, settings.emc_token, settings.emc_timeout_seconds)
        outlets["emc"] = EmcOutlet(emc, secrets, store.exchanges, clock)
    if settings.post_url is not None:
        post = Client(settings.post_url, settings.post_token, settings.post_timeout_seconds)
        outlets["post"] = PostOutlet(post, secrets, store, clock, every)
    tracking = Tracking(store, post, settings.post_customer or "", clock, every)
    loops: dict[str, worker.Loop] = {}
    for name, outlet in outlets.items():
        loops |= _courier(store.queue(name), outlet, clock, holder, watch).loops()
    if outlets:
        loops["partners_measure"] = worker.every(MEASURED_EVERY, lambda: measure(store, list(outlets)), UNAVAILABLE)
    if post is not None:
        loops["post_tracking"] = worker.every(ASKED_EVERY, tracking.ask, UNAVAILABLE)
    customer = None if post is None else _customer(settings)
    following = Following(
        store, secrets, clock,
        site=settings.emc_site if "emc" in outlets else None,
        customer=customer,
    )  # fmt: skip
    return PartnerParts(
        store, secrets, tracking, Signatures({"post": settings.post_secrets}),
        customer=customer,
        configured={"emc": "emc" in outlets, "post": "post" in outlets},
        taps=[following.hear] if outlets else [],
        loops=loops,
        queues={name: store.queue(name) for name in outlets},
    )  # fmt: skip


def measure(store: PartnerStore, names: Sequence[Partner]) -> None:
    """The rows that were refused, for /metrics."""
    for name in names:
        metrics.PARTNER_REFUSED.labels(name).set(store.count(Wanted(partner=name, state="refused")))


def _courier(
    queue: PartnerRows, outlet: PartnerOutlet, clock: Clock, holder: str, watch: Watch | None
) -> Courier[PartnerRow]:
    return Courier(queue, outlet, clock, holder=holder, batch=100, watch=watch, waits=WAITS, afterwards=AFTERWARDS)


def _customer(settings: PartnerSettings) -> Customer:
    places = {
        agency: Place(name=each.name, address=each.address, phone=each.phone)
        for agency, each in settings.post_senders.items()
    }
    return Customer(code=settings.post_customer or "", places=places)
