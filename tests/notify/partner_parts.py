"""notify's business with EMC and the public post, put together on a test's store and clock, in front of the doubles."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from chassis import store
from chassis.consume import Outcome
from chassis.service import Context
from notify.courier import Courier
from notify.domain.deliveries import WAITS
from notify.main import NOTIFY
from notify.outlets import Away
from notify.partners import wiring
from notify.partners.client import Partner as Client
from notify.partners.domain.rows import Partner, PartnerRow
from notify.partners.outlets import AFTERWARDS, EmcOutlet, PartnerOutlet, PostOutlet
from notify.partners.store import PartnerStore
from notify.partners.usecases import Tracking
from notify.sealing import Sealing, Secrets
from tests.doubles import emc, post
from tests.doubles.partner import Fault
from tests.notify.national_portal_parts import SEALING_KEY, agency
from tests.notify.portal_lives import NAMES
from tests.support import services
from tests.support.services import Clock, Running, Tokens

GO = threading.Event()
SENDER = {"name": "Bộ phận Một cửa Hoằng Hóa", "address": "12 Lê Lợi, Bút Sơn", "phone": "0237000000"}
EVERY = timedelta(hours=1)


@dataclass
class Partners:
    store: PartnerStore
    secrets: Secrets
    outlets: dict[Partner, PartnerOutlet]
    tracking: Tracking
    clock: Clock
    notify: Running
    settings: dict[str, Any]

    def hear(self, bodies: list[bytes]) -> list[Outcome | None]:
        return self.notify.hear(bodies)

    def courier(self, name: Partner, holder: str = "worker-1") -> Courier[PartnerRow]:
        return Courier(
            self.store.queue(name), self.outlets[name], self.clock, holder=holder, batch=50, waits=WAITS,
            afterwards=AFTERWARDS,
        )  # fmt: skip

    def send_all(self, *names: Partner, most: timedelta = timedelta(days=4)) -> None:
        """Until nothing is left that the partners take, while time passes as it has to."""
        ends = self.clock() + most
        couriers = [self.courier(name) for name in names or tuple(self.outlets)]
        while self.clock() < ends:
            went = False
            for courier in couriers:
                try:
                    went |= courier.once(GO)
                except Away:
                    self.clock.move(minutes=30)
                    went = True
            if went:
                continue
            waiting = self.store.rows.collection.find_one(
                {"state": "queued", "partner": {"$in": list(names or self.outlets)}}, sort=[("next_at", 1)]
            )
            if waiting is None:
                return
            self.clock.now = max(self.clock() + timedelta(seconds=60), waiting["next_at"])
        raise AssertionError("it does not come to an end")

    def rows(self, **wanted: Any) -> list[PartnerRow]:
        return [self.store.rows.loaded(each).state for each in self.store.rows.collection.find(wanted).sort("place", 1)]

    def record(self, row: PartnerRow) -> dict[str, Any]:
        return self.secrets.open_record(row.id, row.sealed)


@contextmanager
def partners(
    url: str, tokens: Tokens, clock: Clock, emc_double: emc.Emc, post_double: post.Post, *, timeout: float = 2
) -> Iterator[Partners]:
    """notify as its processes assemble it, with these partners."""
    settings: dict[str, Any] = {
        "smtp_url": "smtp://127.0.0.1:1", "mail_from": "mot-cua@thanhhoa.example", "sealing_key": SEALING_KEY,
        "emc_url": emc_double.url, "emc_token": emc.TOKEN, "emc_site": emc.SITE, "emc_timeout_seconds": timeout,
        "post_url": post_double.url, "post_token": post.TOKEN, "post_customer": post.CUSTOMER,
        "post_secret": post.SECRET, "post_timeout_seconds": timeout, "post_senders": json.dumps({"*": SENDER}),
    }  # fmt: skip
    with services.running(NOTIFY, url, tokens, clock, **settings) as notify:
        kept = PartnerStore(notify.database, store.Carrier(clock))
        secrets = Secrets(Sealing.read(SEALING_KEY))
        at_post = Client(post_double.url, post.TOKEN, timeout)
        outlets: dict[Partner, PartnerOutlet] = {
            "emc": EmcOutlet(Client(emc_double.url, emc.TOKEN, timeout), secrets, kept.exchanges, clock),
            "post": PostOutlet(at_post, secrets, kept, clock, EVERY),
        }
        tracking = Tracking(kept, at_post, post.CUSTOMER, clock, EVERY)
        made = Partners(kept, secrets, outlets, tracking, clock, notify, settings)
        made.hear([agency(id, name) for id, name in NAMES.items()])
        yield made


def wired(made: Partners, **other: Any) -> wiring.PartnerParts:
    """As the worker has it, with other settings."""
    settings = NOTIFY.settings.model_validate(
        {"mongo_url": made.notify.url, "amqp_url": "amqp://127.0.0.1:1/none", "jwks": "none", **made.settings, **other}
    )
    return wiring.assemble(Context(settings, made.notify.database, store.Carrier(made.clock), made.clock), "worker-1")


def each_fault(*quick: Fault) -> list[Any]:
    """A test's parameters: every fault that is over soon; those that are not `quick` in the thorough run only."""
    soon = [fault for fault in Fault if fault not in (Fault.SILENT, Fault.LATE)]
    return [fault if fault in quick else pytest.param(fault, marks=pytest.mark.thorough) for fault in soon]
