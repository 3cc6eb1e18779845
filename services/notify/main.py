"""notify's composition root and commands."""

import secrets
import socket
from datetime import timedelta

from chassis import service
from chassis.service import Context, Parts, Service
from chassis.store import Carrier
from notify import api, consumer, events
from notify.mail import MailServer
from notify.queries import Queries
from notify.routing import RULES
from notify.sender import Sender
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases import UseCases


def assemble(context: Context[NotifySettings]) -> Parts:
    settings = context.settings
    store = NotifyStore(context.database, context.carrier)
    templates = Templates(settings.public_url)
    use = UseCases(
        store,
        context.clock,
        RULES,
        language=settings.message_language,
        max_age=timedelta(days=settings.message_max_age_days),
    )
    queries = Queries(store)
    sender = Sender(
        # A carrier is one thread's. The sender leaves its events to the relay.
        NotifyStore(context.database, Carrier(context.clock)),
        MailServer(settings.smtp_url, settings.smtp_password, timeout=settings.smtp_timeout_seconds),
        templates,
        context.clock,
        holder=f"{socket.gethostname()}:{secrets.token_hex(4)}",
        mail_from=settings.mail_from,
        batch=settings.mail_batch,
    )
    return Parts(
        add_routes=lambda router: api.add_routes(router, use, queries, templates),
        table=consumer.table(use),
        outboxes=[store.messages.collection],
        ensure_indexes=store.ensure_indexes,
        loops={"sender": sender.run},
    )


NOTIFY = Service(
    name="notify", settings=NotifySettings, scopes=api.SCOPES, publishes=events.PUBLISHED, assemble=assemble
)


def main() -> int:
    return service.main(NOTIFY)
