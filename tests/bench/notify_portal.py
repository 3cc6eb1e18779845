"""How many rows a second one line brings to the national portal: in lots of ten, beside one at a time in the same run.

`./bench notify portal [dossiers]`. The portal is the tests' double in a process of its own, as is mongod; each dossier
brings what its life brings. One at a time: each row is taken, sent and noted before the next one.
"""

import multiprocessing
import os
import random
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chassis import store
from chassis.clock import system_clock
from chassis.consume import Received
from chassis.envelope import read
from notify.courier import Courier
from notify.national_portal.client import Portal
from notify.national_portal.domain.merging import Waits
from notify.national_portal.outlet import LOT, PortalOutlet
from notify.national_portal.store import NationalPortalStore
from notify.national_portal.usecases import Following
from notify.sealing import Sealing, Secrets
from tests.doubles.national_portal import AGENCY, DSTCODE, PASSWORD, USER, NationalPortal
from tests.notify.portal_lives import a_life
from tests.support.servers import make_mongod
from tests.support.services import database_url

WANTED, WANTED_RATIO = 500.0, 3.0
BATCH = 300
GO = threading.Event()


def main() -> int:
    words = [word for word in sys.argv[1:] if word.isdigit()]
    dossiers = int(words[0]) if words else 400
    with TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as name, make_mongod(Path(name)) as mongod:
        mongod.initiate()
        _rate(mongod.url, "warm", 10, LOT, BATCH)
        alone = _rate(mongod.url, "alone", max(10, dossiers // 10), 1, 1)
        in_lots = _rate(mongod.url, "lots", dossiers, LOT, BATCH)
    print(
        f"ratio {in_lots / alone:.1f} (at least {WANTED_RATIO:.0f}), {in_lots:.0f} a second (at least {WANTED:.0f}); "
        f"load {os.getloadavg()[0]:.1f}"
    )
    return 0 if in_lots >= WANTED and in_lots / alone >= WANTED_RATIO else 1


def _serve(address: Any) -> None:
    with NationalPortal() as double:
        address.send(double.url)
        address.recv()


def _rate(url: str, name: str, dossiers: int, lot: int, batch: int) -> float:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        return _measure(database_url(url, f"bench_{name}"), ours.recv(), dossiers, lot, batch)
    finally:
        ours.send(None)
        process.join(10)


def _measure(database: str, portal_url: str, dossiers: int, lot: int, batch: int) -> float:
    """Rows a second, from when the first one is taken until the last one is noted as sent."""
    portal_store = NationalPortalStore(store.connect(database), store.Carrier(system_clock))
    portal_store.ensure_indexes()
    secrets = Secrets(Sealing([b"k" * 32]))
    following = Following(
        portal_store, secrets, system_clock, Waits(hold=timedelta(hours=6), settle=timedelta(0)), names_seconds=60
    )
    drawn = random.Random(1)  # noqa: S311 (repeatable, not secret)
    events = [read(body) for number in range(dossiers) for body in a_life(number, drawn).bodies]
    for start in range(0, len(events), BATCH):
        following.hear([Received(event, event.data) for event in events[start : start + BATCH]])
    portal = Portal(portal_url, USER, PASSWORD, agency=AGENCY, dstcode=DSTCODE, timeout_seconds=10)
    outlet = PortalOutlet(portal, secrets, portal_store.exchanges, system_clock, lot=lot, at_once=batch)
    courier = Courier(portal_store.queue, outlet, system_clock, holder="bench", batch=batch)
    rows = portal_store.rows.collection.count_documents({"state": "queued"})
    started, burnt = time.perf_counter(), time.process_time()
    while courier.once(GO):
        pass
    seconds, burnt = time.perf_counter() - started, time.process_time() - burnt
    sent = portal_store.rows.collection.count_documents({"state": "sent"})
    if sent != rows:
        raise RuntimeError(f"{sent} of {rows} rows were sent")
    print(
        f"{rows} rows, batches of {batch}, lots of {lot}: {rows / seconds:.0f} a second; "
        f"ms of notify's CPU a row: {1000 * burnt / rows:.1f}"
    )
    return rows / seconds


if __name__ == "__main__":
    sys.exit(main())
