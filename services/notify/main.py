"""notify's composition root and commands."""

import secrets
import socket
from datetime import timedelta

from chassis import service
from chassis.service import Context, Parts, Service
from chassis.store import Carrier
from chassis.web import Router
from notify import api, consumer, events
from notify.api import messages
from notify.channels.mail import MailOutlet, MailServer
from notify.courier import Courier
from notify.queries.messages import Queries
from notify.routing import RULES
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases.messages import Messages
from notify.usecases.telling import Telling


def assemble(context: Context[NotifySettings]) -> Parts:
    settings = context.settings
    store = NotifyStore(context.database, context.carrier)
    templates = Templates(settings.public_url)
    telling = Telling(
        store,
        context.clock,
        RULES,
        language=settings.message_language,
        max_age=timedelta(days=settings.message_max_age_days),
    )
    queries = Queries(store)
    # A carrier is one thread's. Couriers leave their events to the relay.
    outgoing = NotifyStore(context.database, Carrier(context.clock))
    holder = f"{socket.gethostname()}:{secrets.token_hex(4)}"
    mail_server = MailServer(settings.smtp_url, settings.smtp_password, timeout=settings.smtp_timeout_seconds)
    mail = Courier(
        outgoing.messages.rows("email"),
        MailOutlet(mail_server, templates, mail_from=settings.mail_from),
        context.clock,
        holder=holder,
        batch=settings.mail_batch,
    )

    def add_routes(router: Router) -> None:
        messages.add_routes(router, Messages(store), queries, templates)

    return Parts(
        add_routes=add_routes,
        table=consumer.table(telling),
        outboxes=[store.messages.aggregates.collection],
        ensure_indexes=store.ensure_indexes,
        loops={"email": mail.run},
    )


NOTIFY = Service(
    name="notify", settings=NotifySettings, scopes=api.SCOPES, publishes=events.PUBLISHED, assemble=assemble
)


def main() -> int:
    return service.main(NOTIFY)
