"""notify's composition root and commands."""

import secrets
import socket
from datetime import timedelta

from chassis import service, worker
from chassis.clock import Clock
from chassis.service import Context, Parts, Service
from chassis.store import UNAVAILABLE, Carrier
from chassis.web import Router
from notify import api, consumer, events
from notify.api import messages, preferences, retries, wordings
from notify.api import rules as rules_api
from notify.backlog import SECONDS as MEASURED_EVERY
from notify.backlog import Backlogs, Counted
from notify.channels import wiring as other_channels
from notify.channels.mail import MailOutlet, MailServer
from notify.checks import Checker
from notify.courier import Courier
from notify.domain.messages import Message
from notify.domain.telling import CHANNELS, Channel
from notify.failover import Failover
from notify.limits import Limits, MessageGate
from notify.national_portal import wiring as national_portal
from notify.national_portal.commands import COMMANDS as PORTAL_COMMANDS
from notify.opting import Opting
from notify.outlets import Outlet
from notify.pages import add_pages
from notify.partners import wiring as partner_systems
from notify.queries.channels import ChannelQueries
from notify.queries.editing import EditorQueries
from notify.queries.messages import Queries
from notify.queries.retries import RetryQueries
from notify.queries.wordings import Shelf
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.taps import tapped
from notify.templates import Templates
from notify.usecases.digests import Digests
from notify.usecases.messages import Messages
from notify.usecases.preferences import Choosing
from notify.usecases.retries import RetryMany
from notify.usecases.rules import Rules
from notify.usecases.sweeping import Sweeping
from notify.usecases.telling import Manner, Telling
from notify.usecases.wordings import Wordings
from notify.webhooks import wiring as webhooks

DIGESTS_EVERY = 20.0
SWEPT_EVERY = 60.0


def assemble(context: Context[NotifySettings]) -> Parts:
    settings = context.settings
    store = NotifyStore(context.database, context.carrier)
    opting = Opting(settings.public_url, tuple((settings.opt_out_key or "").split()))
    shelf = Shelf(store)
    templates = Templates(settings.public_url, shelf=shelf, plain_sms=settings.sms_plain, choices=opting.link)
    rules = Rules(store, context.clock, templates)
    live: set[Channel] = {"email", "portal", *other_channels.live(settings)}
    telling = Telling(
        store,
        context.clock,
        rules.current,
        language=settings.message_language,
        max_age=timedelta(days=settings.message_max_age_days),
        manner=Manner(live=live, quiet=settings.quiet, address_ids=opting.ids, words=templates.newest),
    )
    choosing = Choosing(store, context.clock, rules.current, live)
    checker = Checker(templates, settings.sms_segments)
    queries = Queries(store)
    # A carrier is one thread's. Couriers leave their events to the relay.
    outgoing = NotifyStore(context.database, Carrier(context.clock))
    holder = f"{socket.gethostname()}:{secrets.token_hex(4)}"
    limits: dict[Channel, Limits] = {
        "email": Limits(
            recipient_hour=settings.mail_recipient_hour,
            recipient_day=settings.mail_recipient_day,
            agency_day=settings.mail_agency_day,
        ),
    }
    mail = Courier(
        outgoing.messages.rows("email"),
        _mail_outlet(settings, templates, context.clock),
        context.clock,
        holder=holder,
        batch=settings.mail_batch,
        lines=settings.mail_lines,
        gate=MessageGate(store.counters, "email", limits["email"]),
        watch=store.outlets,
    )
    others = other_channels.assemble(settings, store, outgoing, templates, context.clock, holder)
    limits |= others.limits
    portal = national_portal.assemble(context, holder, store.outlets)
    partners = partner_systems.assemble(context, holder, store.outlets)
    hooks = webhooks.assemble(context, store, holder)
    # Also of channels that lead nowhere any more: what waits for them is to be seen.
    leaving: dict[str, Counted] = {channel: store.messages.rows(channel) for channel in CHANNELS if channel != "portal"}
    backlogs = Backlogs({**leaving, **portal.queues, **partners.queues, **hooks.queues}, store.outlets, context.clock)
    again = RetryMany(outgoing, context.clock)
    sweeping = Sweeping(store, telling, context.clock)
    digests = Digests(outgoing, templates, context.clock)

    def add_routes(router: Router) -> None:
        retries.add_routes(router, RetryMany(store, context.clock), RetryQueries(store), ChannelQueries(store, limits))
        messages.add_routes(router, Messages(store), queries, templates)
        editing = EditorQueries(store, templates)
        rules_api.add_routes(router, rules, editing)
        wordings.add_routes(router, Wordings(store, checker), editing, checker)
        preferences.add_routes(router, choosing)
        others.add_routes(router, choosing)
        portal.add_routes(router)
        partners.add_routes(router)
        hooks.add_routes(router)

    def prepare() -> None:
        store.ensure_indexes()
        portal.store.ensure_indexes()
        partners.store.ensure_indexes()
        hooks.store.ensure_indexes()
        rules.bring()
        shelf.newest()

    return Parts(
        add_routes=add_routes,
        table=[*tapped(consumer.table(telling), [*portal.taps, *partners.taps, *hooks.taps]), *portal.subscriptions],
        outboxes=[store.messages.aggregates.collection, partners.store.rows.collection],
        ensure_indexes=prepare,
        loops={
            **mail.loops(),
            **others.loops,
            **portal.loops,
            **partners.loops,
            **hooks.loops,
            "digests": worker.every(DIGESTS_EVERY, digests.once, UNAVAILABLE),
            "retries": worker.every(2, again.go_on, UNAVAILABLE),
            "sweep": worker.every(SWEPT_EVERY, sweeping.once, UNAVAILABLE),
            "backlog": worker.every(MEASURED_EVERY, backlogs.measure, UNAVAILABLE),
        },
        add_pages=lambda app: add_pages(app, choosing, opting),
        details=lambda: {
            **backlogs.details(),
            **others.details(),
            **portal.details(),
            **partners.details(),
            **hooks.details(),
        },
    )


def _mail_outlet(settings: NotifySettings, templates: Templates, clock: Clock) -> Outlet[Message]:
    """The mail server; or the two of them, each under its own name."""

    def outlet(url: str, password: str | None, name: str) -> MailOutlet:
        server = MailServer(url, password, timeout=settings.smtp_timeout_seconds, ca_file=settings.smtp_ca_file)
        return MailOutlet(server, templates, mail_from=settings.mail_from, name=name)

    if settings.smtp_url_2 is None:
        return outlet(settings.smtp_url, settings.smtp_password, "email")
    return Failover(
        "email",
        [
            outlet(settings.smtp_url, settings.smtp_password, "smtp_1"),
            outlet(settings.smtp_url_2, settings.smtp_password_2, "smtp_2"),
        ],
        share=settings.failover_share,
        window=settings.failover_window,
        slow_seconds=settings.failover_slow_seconds,
        probe_after=settings.failover_probe_seconds,
        clock=clock,
    )


NOTIFY = Service(
    name="notify",
    settings=NotifySettings,
    scopes=api.SCOPES,
    publishes=events.PUBLISHED,
    assemble=assemble,
    commands={**PORTAL_COMMANDS},
)


def main() -> int:
    return service.main(NOTIFY)
