"""notify with SMS providers and couriers that the test runs by hand."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pymongo.database import Database

from chassis import store
from chassis.clock import id_from
from notify.channels.wiring import sms_outlet
from notify.courier import Courier
from notify.domain.deliveries import Attempt
from notify.domain.messages import Message
from notify.failover import Failover
from notify.settings import NotifySettings
from notify.store import NotifyStore
from notify.templates import Templates
from notify.usecases.receipts import Receipts
from tests.doubles.sms import SmsProvider
from tests.support.services import Clock

PUBLIC = "https://motcua.thanhhoa.example"
PHONE = "+84912345678"
STOP = threading.Event()
ENVIRONMENT = {
    "MONGO_URL": "mongodb://nowhere.invalid/none",
    "AMQP_URL": "amqp://nowhere.invalid/none",
    "JWKS": "jwks.json",
    "SMTP_URL": "smtp://nowhere.invalid",
    "MAIL_FROM": "mot-cua@thanhhoa.example",
    "PUBLIC_URL": PUBLIC,
}


def message(clock: Clock, n: int = 1, channel: str = "sms", **given: Any) -> Message:
    fields: dict[str, Any] = {
        "id": id_from("sms", str(n)), "state": "queued", "attempts": (), "next_at": clock(), "lease": None,
        "created_at": clock(), "trace": None, "event_type": "intake.dossier.received.v1", "dossier": f"d{n}",
        "code": f"H56.30-261120-{n:04d}", "agency": "H56.30", "channel": channel, "to": PHONE, "person": "hoa",
        "language": "vi", "template": "received",
        "params": {"name": "Nguyễn Thị Hoa", "procedure_name": "Cấp giấy phép", "agency_name": "Sở", "due_at": None},
        "obligatory": True, **given,
    }  # fmt: skip
    return Message(**fields)


def settings(*providers: dict[str, Any], **more: Any) -> NotifySettings:
    given = {name.upper(): str(value) for name, value in more.items()}
    return NotifySettings.read({**ENVIRONMENT, "SMS_PROVIDERS": json.dumps(providers), **given})


@dataclass
class Sending:
    """A courier over the providers of these settings, run until nothing is due, and what listens to receipts."""

    store: NotifyStore
    clock: Clock
    settings: NotifySettings

    failover: Failover[Message] = field(init=False)
    receipts: Receipts = field(init=False)

    def __post_init__(self) -> None:
        templates = Templates(PUBLIC, plain_sms=self.settings.sms_plain)
        self.failover = sms_outlet(self.settings, templates, self.clock)
        self.receipts = Receipts(self.store, self.clock)

    @property
    def described(self) -> str:
        """The providers, as SMS_PROVIDERS has them."""
        return json.dumps([provider.model_dump(mode="json") for provider in self.settings.sms_providers])

    def courier(self, **options: Any) -> Courier[Message]:
        return Courier(
            self.store.messages.rows("sms"), self.failover, self.clock, **{"holder": "w1", "batch": 50, **options}
        )

    def add(self, *messages: Message) -> None:
        assert all(self.store.messages.add([(each, ()) for each in messages]))

    def run(self, **options: Any) -> None:
        courier = self.courier(**options)
        while courier.once(STOP):
            pass

    def listen(self) -> None:
        while self.receipts.once():
            pass

    def row(self, n: int = 1) -> Message:
        loaded = self.store.messages.aggregates.load(id_from("sms", str(n)))
        assert loaded is not None
        return loaded.state

    def rows(self, count: int) -> Sequence[Message]:
        return [self.row(n) for n in range(1, count + 1)]

    def events(self, n: int = 1) -> list[str]:
        """The types of what is told of a message."""
        found = self.store.messages.aggregates.collection.find_one({"_id": id_from("sms", str(n))}) or {}
        return [json.loads(entry["body"])["type"] for entry in found["outbox"]]


def attempts(row: Message) -> list[tuple[str, str, str | None]]:
    return [(each.outcome, each.detail, each.via) for each in row.attempts]


def doubt(clock: Clock, via: str, *, ago: float = 0) -> Attempt:
    return Attempt(at=clock() - timedelta(seconds=ago), outcome="interrupted", detail="timeout", via=via)


def sending(
    database: Database[store.Document], clock: Clock, *providers: SmsProvider | dict[str, Any], **more: Any
) -> Sending:
    """Over these providers, or what SMS_PROVIDERS says of them."""
    made = NotifyStore(database, store.Carrier(clock))
    made.ensure_indexes()
    described = [provider if isinstance(provider, dict) else provider.settings for provider in providers]
    return Sending(made, clock, settings(*described, **more))
