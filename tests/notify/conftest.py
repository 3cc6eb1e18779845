"""What notify's tests share: its store on a real MongoDB, a clock that they set, and real mail servers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from chassis import store
from notify.channels.mail import MailOutlet, MailServer
from notify.courier import Courier
from notify.domain.messages import Message
from notify.store import NotifyStore
from notify.templates import Templates
from tests.doubles.national_portal import NationalPortal
from tests.notify.mail_server import Mailbox
from tests.notify.national_portal_parts import Parts, parts
from tests.notify.web import Web, make_web
from tests.support import services
from tests.support.databases import connected, disconnect
from tests.support.services import Clock, Tokens


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 20, 1, 30, tzinfo=UTC))


@pytest.fixture
def database_url(mongo_url: str, emptied_prefix: str) -> str:
    return services.database_url(mongo_url, f"{emptied_prefix}notify")


@pytest.fixture
def database(database_url: str) -> Iterator[Database[store.Document]]:
    database = connected(database_url)
    yield database
    disconnect(database)


@pytest.fixture
def notify_store(database: Database[store.Document], clock: Clock) -> NotifyStore:
    notify_store = NotifyStore(database, store.Carrier(clock))
    notify_store.ensure_indexes()
    return notify_store


@pytest.fixture
def web(database: Database[store.Document], clock: Clock, tmp_path: Path) -> Web:
    """The whole service in this process; what `notify_store` keeps is its store."""
    return make_web(database, clock, tmp_path)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def make_sender(notify_store: NotifyStore, mailbox: Mailbox, clock: Clock) -> Any:
    def make(
        holder: str = "worker-1",
        *,
        batch: int = 50,
        timeout: float = 5,
        url: str | None = None,
        clock: Clock = clock,
        templates: Templates | None = None,
        **options: Any,
    ) -> Courier[Message]:
        server = MailServer(url or mailbox.url, None, timeout=timeout)
        templates = templates or Templates("https://motcua.thanhhoa.example/")
        sender = "Một Cửa <mot-cua@thanhhoa.example>"
        outlet = MailOutlet(server, templates, mail_from=sender)
        return Courier(notify_store.messages.rows("email"), outlet, clock, holder=holder, batch=batch, **options)

    return make


@pytest.fixture
def double(clock: Clock) -> Iterator[NationalPortal]:
    with NationalPortal(clock=clock) as double:
        yield double


@pytest.fixture
def made(database_url: str, tmp_path: Path, clock: Clock, double: NationalPortal) -> Iterator[Parts]:
    """notify with a national portal, the double."""
    with parts(database_url, Tokens(tmp_path), clock, double) as made:
        yield made
