"""notify's business with the national portal, put together on a test's store and clock, in front of the double."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chassis import store
from chassis.consume import Outcome
from notify.courier import Courier
from notify.domain.deliveries import WAITS
from notify.main import NOTIFY
from notify.national_portal.client import Portal
from notify.national_portal.domain.merging import Waits
from notify.national_portal.domain.rows import PortalRow
from notify.national_portal.outlet import AFTERWARDS, LOT, PortalOutlet
from notify.national_portal.store import NationalPortalStore
from notify.national_portal.usecases import Following
from notify.outlets import Away
from notify.sealing import Sealing, Secrets
from tests.doubles.national_portal import AGENCY, DSTCODE, PASSWORD, USER, NationalPortal
from tests.notify import portal_lives as lives
from tests.support import services
from tests.support.samples import sample
from tests.support.services import Clock, Running, Tokens

GO = threading.Event()
SEALING_KEY = base64.b64encode(b"k" * 32).decode()
WAITING = Waits(hold=timedelta(hours=6), settle=timedelta(seconds=120))


@dataclass
class Parts:
    store: NationalPortalStore
    secrets: Secrets
    following: Following
    portal: Portal
    clock: Clock
    notify: Running
    portal_settings: dict[str, Any]

    def hear(self, bodies: list[bytes], batch: int = 200) -> list[Outcome | None]:
        found: list[Outcome | None] = []
        for start in range(0, len(bodies), batch):
            found += self.notify.hear(bodies[start : start + batch])
        return found

    def courier(self, *, lot: int = LOT, batch: int = 300, holder: str = "worker-1") -> Courier[PortalRow]:
        outlet = PortalOutlet(self.portal, self.secrets, self.store.exchanges, self.clock, lot=lot)
        return Courier(
            self.store.queue, outlet, self.clock, holder=holder, batch=batch, waits=WAITS, afterwards=AFTERWARDS
        )

    def send_all(self, *, lot: int = LOT, most: timedelta = timedelta(days=4)) -> None:
        """Until nothing is left that the portal takes, while time passes as it has to."""
        courier, ends = self.courier(lot=lot), self.clock() + most
        while self.clock() < ends:
            try:
                if courier.once(GO):
                    continue
            except Away:
                self.clock.move(seconds=30)
                continue
            self.following.look()
            waiting = self.store.rows.collection.find_one(
                {"state": "queued", "next_at": {"$ne": None}}, sort=[("next_at", 1)]
            )
            looked = self.store.dossiers.collection.find_one(
                {"merged.look_at": {"$ne": None}}, sort=[("merged.look_at", 1)]
            )
            times = [each for each in (waiting and waiting["next_at"], looked and looked["merged"]["look_at"]) if each]
            if not times:
                return
            # Steps of a quarter of an hour: what falls due a little apart is sent together.
            self.clock.now = max(self.clock() + timedelta(minutes=15), min(times))
        raise AssertionError("it does not come to an end")

    def rows(self, **wanted: Any) -> list[PortalRow]:
        return [self.store.rows.loaded(each).state for each in self.store.rows.collection.find(wanted).sort("n", 1)]


@contextmanager
def parts(
    url: str, tokens: Tokens, clock: Clock, double: NationalPortal, *, timeout: float = 3, **more: Any
) -> Iterator[Parts]:
    """notify as its processes assemble it, with this portal; `more`: settings."""
    settings = {
        "smtp_url": "smtp://127.0.0.1:1", "mail_from": "mot-cua@thanhhoa.example",
        "national_portal_url": double.url, "national_portal_user": USER, "national_portal_password": PASSWORD,
        "national_portal_agency": AGENCY, "national_portal_dstcode": DSTCODE, "sealing_key": SEALING_KEY,
        "national_portal_timeout_seconds": timeout, **more,
    }  # fmt: skip
    with services.running(NOTIFY, url, tokens, clock, **settings) as notify:
        portal_store = NationalPortalStore(notify.database, store.Carrier(clock))
        secrets = Secrets(Sealing.read(SEALING_KEY))
        following = Following(portal_store, secrets, clock, WAITING, names_seconds=0)
        portal = Portal(double.url, USER, PASSWORD, agency=AGENCY, dstcode=DSTCODE, timeout_seconds=timeout)
        made = Parts(portal_store, secrets, following, portal, clock, notify, settings)
        made.hear([catalogue(), *(agency(id, name) for id, name in lives.NAMES.items())])
        yield made


def catalogue() -> bytes:
    """catalog.procedure.published"""
    made = json.loads(sample("catalog.procedure.published.v1"))
    made |= {"id": f"catalog.procedure:{lives.PROCEDURE}:1", "subject": lives.PROCEDURE, "sequence": 1}
    made["data"]["procedure"] |= {
        "code": lives.PROCEDURE, "name": lives.PROCEDURE_NAME, "field": {"code": lives.FIELD, "name": lives.FIELD_NAME},
    }  # fmt: skip
    return json.dumps(made).encode()


def agency(id: str, name: str) -> bytes:
    """catalog.agency.changed"""
    made = json.loads(sample("catalog.agency.changed.v1"))
    made |= {"id": f"catalog.agency:{id}:1", "subject": id, "sequence": 1}
    made["data"]["agency"] |= {"id": id, "name": name, "email": None}
    return json.dumps(made).encode()
