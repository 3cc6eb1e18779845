"""notify's webhooks, put together on a test's store and clock, with receivers on this machine."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chassis import store
from chassis.consume import Outcome, Received
from chassis.envelope import read
from native.access import Persona
from notify.main import NOTIFY
from notify.sealing import Sealing
from notify.webhooks.addresses import Guard, read_networks
from notify.webhooks.dispatch import Dispatch
from notify.webhooks.outlet import Sender
from notify.webhooks.store import WebhookStore
from notify.webhooks.usecases import Hearing, Replaying
from tests.doubles.webhook_receiver import SECRET
from tests.notify.national_portal_parts import SEALING_KEY
from tests.support import services
from tests.support.samples import sample
from tests.support.services import Clock, Running, Tokens

GO = threading.Event()
OURS, OTHERS = "H56.30", "H56.02"
OFFICE = Persona("phan mem xa", ("webhooks.manage",), agency=OURS)
OTHER_OFFICE = Persona("phan mem xa khac", ("webhooks.manage",), agency=OTHERS)
PROVINCE = Persona("truc tich hop", ("webhooks.manage", "webhooks.province"))
OPERATOR = Persona("quan tri", ("webhooks.manage", "webhooks.manage_all"))
EVERYTHING = ["intake.*", "workflow.*"]
KEEP = timedelta(days=30)
LOCAL = "127.0.0.0/8"


def event(event_type: str, dossier: str, sequence: int, agency: str = OURS, **data: Any) -> bytes:
    """The type's sample, of this dossier; where it names its agency, this one."""
    made = json.loads(sample(event_type))
    noun = event_type.rsplit(".", 2)[0]
    made |= {"id": f"{noun}:{dossier}:{sequence}", "subject": dossier, "sequence": sequence}
    if "dimensions" in made["data"]:
        made["data"]["dimensions"]["agency"] = agency
    if "agency" in made["data"]:
        made["data"]["agency"] = agency
    made["data"] |= data
    return json.dumps(made).encode()


@dataclass
class Parts:
    notify: Running
    store: WebhookStore
    sealing: Sealing
    clock: Clock

    def create(self, url: str, who: Persona = OFFICE, **more: Any) -> dict[str, Any]:
        body = {"url": url, "types": EVERYTHING, "description": "Phần mềm của xã", "secret": SECRET, **more}
        answer = self.notify.post("webhooks", who, body)
        assert answer.status_code == 201, answer.data
        found: dict[str, Any] = answer.get_json()
        return found

    def hear(self, *bodies: bytes) -> list[Outcome]:
        hearing = Hearing(self.store, self._agency_of, self.clock, keep=KEEP, seconds=0)
        events = [read(body) for body in bodies]
        return list(hearing.hear([Received(event, event.data) for event in events]))

    def dispatch(
        self, *, timeout: float = 2, lines: int = 4, batch: int = 50, holder: str = "worker-1",
        guard: Guard | None = None, **more: Any,
    ) -> Dispatch:  # fmt: skip
        guard = guard or Guard(ports=(443,), networks=read_networks(LOCAL), http=True)
        return Dispatch(
            self.store, Sender(guard, timeout=timeout, **more), self.sealing, self.clock, holder=holder, batch=batch,
            lines=lines, failing=timedelta(days=5), look_every=0,
        )  # fmt: skip

    def send(self, **more: Any) -> None:
        """Whatever is due, and not held back."""
        dispatch = self.dispatch(**more)
        while dispatch.once(GO):
            pass

    def replay(self) -> None:
        replaying = Replaying(self.store, self.clock, keep=KEEP)
        while replaying.go_on():
            pass

    def deliveries(self, hook: str, who: Persona = OFFICE, query: str = "") -> list[dict[str, Any]]:
        answer = self.notify.get(f"webhooks/{hook}/deliveries{query}", who)
        assert answer.status_code == 200, answer.data
        found: list[dict[str, Any]] = answer.get_json()["items"]
        return found

    def states(self, hook: str) -> list[str]:
        """Of its rows, the oldest first."""
        return [each["state"] for each in reversed(self.deliveries(hook, OPERATOR))]

    def shown(self, hook: str, who: Persona = OPERATOR) -> dict[str, Any]:
        found: dict[str, Any] = self.notify.get(f"webhooks/{hook}", who).get_json()
        return found

    def _agency_of(self, dossiers: Sequence[str]) -> dict[str, str]:
        found = self.notify.database["contacts"].find({"_id": {"$in": list(dossiers)}})
        return {each["_id"]: each.get("agency", "") for each in found}


@contextmanager
def parts(url: str, tokens: Tokens, clock: Clock, **more: Any) -> Iterator[Parts]:
    """notify as its processes assemble it; `more`: settings."""
    settings = {
        "smtp_url": "smtp://127.0.0.1:1", "mail_from": "mot-cua@thanhhoa.example", "sealing_key": SEALING_KEY,
        "webhook_http": True, "webhook_networks": LOCAL, **more,
    }  # fmt: skip
    with services.running(NOTIFY, url, tokens, clock, **settings) as notify:
        yield Parts(notify, WebhookStore(notify.database, store.Carrier(clock)), Sealing.read(SEALING_KEY), clock)
