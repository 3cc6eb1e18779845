"""The part of SMS and chat of notify's composition root."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis import logs, worker
from chassis.clock import Clock
from chassis.store import UNAVAILABLE
from chassis.web import Router
from notify.api import receipts as api
from notify.channels.chat import Access, ChatOutlet
from notify.channels.sms import Provider, SmsOutlet
from notify.channels.sms_limits import SmsGate
from notify.courier import Courier
from notify.domain.messages import Message
from notify.domain.telling import Channel
from notify.failover import Failover
from notify.limits import Limits, MessageGate
from notify.sealing import Sealing
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases.preferences import Choosing
from notify.usecases.receipts import Receipts

log = logs.get()
RECEIPTS_EVERY = 1.0


def live(settings: NotifySettings) -> set[Channel]:
    """The channels of these that lead anywhere."""
    found: dict[Channel, bool] = {"sms": bool(settings.sms_providers), "chat": settings.chat_url is not None}
    return {channel for channel, there in found.items() if there}


@dataclass(frozen=True, slots=True)
class ChannelParts:
    """What the rest of notify takes of it. Where nothing is configured: routes that know nobody, and no loops."""

    receipts: Receipts
    providers: Mapping[str, Provider]
    chat_app: tuple[str, str] | None
    limits: Mapping[Channel, Limits] = field(default_factory=dict)
    loops: Mapping[str, worker.Loop] = field(default_factory=dict)

    def add_routes(self, router: Router, choosing: Choosing) -> None:
        api.add_routes(router, self.receipts, self.providers, choosing, self.chat_app)

    def details(self) -> dict[str, str]:
        return {channel: "configured" if channel in self.limits else "not configured" for channel in ("sms", "chat")}


def assemble(
    settings: NotifySettings,
    store: NotifyStore,
    outgoing: NotifyStore,
    templates: Templates,
    clock: Clock,
    holder: str,
) -> ChannelParts:
    """`store`: the web process's; `outgoing`: the couriers'."""
    limits: dict[Channel, Limits] = {}
    loops: dict[str, worker.Loop] = {}
    providers = {provider.name: provider for provider in settings.sms_providers}
    if providers:
        limits["sms"] = Limits(
            recipient_hour=settings.sms_recipient_hour,
            recipient_day=settings.sms_recipient_day,
            agency_day=settings.sms_agency_day,
        )
        sms = Courier(
            outgoing.messages.rows("sms"),
            sms_outlet(settings, templates, clock),
            clock,
            holder=holder,
            batch=settings.sms_batch,
            lines=settings.sms_lines,
            gate=SmsGate(outgoing.counters, limits["sms"], templates, settings.sms_segments),
            watch=outgoing.outlets,
        )
        hearing = Receipts(outgoing, clock)
        loops |= {**sms.loops(), "receipts": worker.every(RECEIPTS_EVERY, hearing.once, UNAVAILABLE)}
    if settings.chat_url is not None:
        limits["chat"] = Limits(
            recipient_hour=settings.chat_recipient_hour,
            recipient_day=settings.chat_recipient_day,
            agency_day=settings.chat_agency_day,
        )
        chat = Courier(
            outgoing.messages.rows("chat"),
            chat_outlet(settings, outgoing, templates, clock),
            clock,
            holder=holder,
            batch=settings.chat_batch,
            lines=settings.chat_lines,
            gate=MessageGate(outgoing.counters, "chat", limits["chat"]),
            watch=outgoing.outlets,
        )
        loops |= chat.loops()
    for channel in sorted({"sms", "chat"} - limits.keys()):
        log.info("channel_not_configured", channel=channel)
    chat_app = (
        (settings.chat_app_id, settings.chat_event_secret)
        if settings.chat_app_id is not None and settings.chat_event_secret is not None
        else None
    )
    return ChannelParts(Receipts(store, clock), providers, chat_app, limits, loops)


def sms_outlet(settings: NotifySettings, templates: Templates, clock: Clock) -> Failover[Message]:
    """The providers as one outlet, even where there is but one: each attempt names whom it was made with."""
    return Failover(
        "sms",
        [
            SmsOutlet(
                provider, templates, clock, timeout=settings.sms_timeout_seconds, most_segments=settings.sms_segments
            )
            for provider in settings.sms_providers
        ],
        share=settings.failover_share,
        window=settings.failover_window,
        slow_seconds=settings.failover_slow_seconds,
        probe_after=settings.failover_probe_seconds,
        clock=clock,
    )


def chat_outlet(settings: NotifySettings, store: NotifyStore, templates: Templates, clock: Clock) -> ChatOutlet:
    access = Access(
        store.tokens,
        Sealing.read(settings.sealing_key or ""),
        clock,
        auth_url=settings.chat_auth_url or "",
        app_id=settings.chat_app_id or "",
        secret=settings.chat_secret or "",
        first=settings.chat_refresh_token or "",
    )
    return ChatOutlet(
        settings.chat_url or "",
        access,
        templates,
        timeout=settings.chat_timeout_seconds,
        template_ids=settings.chat_templates,
    )
