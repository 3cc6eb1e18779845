"""The webhooks' part of notify's composition root."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from chassis import worker
from chassis.consume import Handler
from chassis.service import Context
from chassis.store import UNAVAILABLE, Carrier
from chassis.web import Router
from notify.sealing import Sealing
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.webhooks import api
from notify.webhooks.addresses import Guard, read_networks, read_ports
from notify.webhooks.dispatch import Dispatch
from notify.webhooks.outlet import NAME, Sender
from notify.webhooks.settings import WebhookSettings
from notify.webhooks.store import WebhookStore
from notify.webhooks.usecases import Hearing, Hooks, Notices, Replaying

REPLAYS_EVERY, NOTICES_EVERY = 2.0, 15.0


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """What the rest of notify takes of it. Without a key that seals: routes that say so, and nothing to hear or to
    send."""

    store: WebhookStore
    hooks: Hooks
    sealing: Sealing | None
    taps: Sequence[Handler] = ()
    loops: Mapping[str, worker.Loop] = field(default_factory=dict)
    queues: Mapping[str, Dispatch] = field(default_factory=dict)

    def add_routes(self, router: Router) -> None:
        api.add_routes(router, self.hooks, self.sealing)

    def details(self) -> dict[str, str]:
        return {"webhooks": "not configured" if self.sealing is None else "configured"}


def guard(settings: WebhookSettings) -> Guard:
    return Guard(
        ports=read_ports(settings.webhook_ports),
        networks=read_networks(settings.webhook_networks),
        http=settings.webhook_http,
    )


def assemble(context: Context[NotifySettings], messages: NotifyStore, holder: str) -> WebhookParts:
    """`messages`: where the owners of webhooks are told what became of them."""
    settings, clock = context.settings, context.clock
    store = WebhookStore(context.database, Carrier(clock))
    keep = timedelta(days=settings.webhook_keep_days)
    sealing = None if settings.sealing_key is None else Sealing.read(settings.sealing_key)
    guarded = guard(settings)
    hooks = Hooks(store, guarded, sealing, keep=keep)
    if sealing is None:
        return WebhookParts(store, hooks, None)
    dispatch = Dispatch(
        store,
        Sender(guarded, timeout=settings.webhook_timeout_seconds, ca_file=settings.webhook_ca_file),
        sealing,
        clock,
        holder=holder,
        batch=settings.webhook_batch,
        lines=settings.webhook_lines,
        failing=timedelta(days=settings.webhook_failing_days),
    )

    def agency_of(dossiers: Sequence[str]) -> Mapping[str, str]:
        return {id: contact.agency for id, contact in messages.contacts.contacts(dossiers).items()}

    replaying = Replaying(store, clock, keep=keep)
    notices = Notices(store, messages, clock, settings.message_language)
    return WebhookParts(
        store,
        hooks,
        sealing,
        taps=[Hearing(store, agency_of, clock, keep=keep).hear],
        loops={
            **dispatch.loops(),
            "webhook_replays": worker.every(REPLAYS_EVERY, replaying.go_on, UNAVAILABLE),
            "webhook_notices": worker.every(NOTICES_EVERY, notices.once, UNAVAILABLE),
        },
        queues={NAME: dispatch},
    )
