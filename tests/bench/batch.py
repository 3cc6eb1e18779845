"""What a batch saves: 500 dossiers over HTTP with one request, and the same 500 with a request each, in the same run.

`./bench batch [dossiers] [rounds]`. The single posts are sent as an office's software does, one after the other over
one connection, and beside that by 16 threads at once. Each round does all three; the medians are compared.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from chassis import store
from chassis.clock import system_clock
from intake import consumer
from intake.store import IntakeStore
from native.ports import free_port
from tests.bench.load import Client, each, expect
from tests.support import catalogue
from tests.support.servers import make_mongod
from tests.support.services import database_url, hear
from tests.support.system import Nowhere, System, filing

PATH = "/api/intake/v1/dossiers"
WANTED = 5.0


def main() -> int:
    dossiers, rounds = [int(word) for word in sys.argv[1:]] + [500, 5][len(sys.argv[1:]) :]
    with TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as name, make_mongod(Path(name)) as mongod:
        mongod.initiate()
        # Filing needs neither broker nor any other service: only the copy of the catalogue that intake keeps.
        system = System(Path(name), mongod.url, "motcua_", cast("Any", Nowhere()), free_port())
        database = store.connect(database_url(mongod.url, system.database("intake")))
        hear(consumer.table(IntakeStore(database, store.Carrier(system_clock)), system_clock), catalogue.province())
        try:
            system.start("intake-web")
            return _measure(system, database, dossiers, rounds)
        finally:
            system.stop()


def _measure(system: System, database: Any, dossiers: int, rounds: int) -> int:
    port = system.ports["intake-web"]
    headers = {"Authorization": f"Bearer {system.token}"}
    single = Client(port, headers)
    batch = Client(port, {**headers, "Content-Type": "application/x-ndjson"})
    body = json.dumps(filing()).encode()
    lines = (body + b"\n") * dossiers

    def by_batch(run: int) -> None:
        status, answer = batch.post(f"{PATH}/batch", lines, f"batch-{run}")
        found = [json.loads(line)["status"] for line in answer.splitlines()]
        if status != 201 or found != [201] * dossiers:
            raise RuntimeError(f"{status}: {answer[:500]!r}")

    def one_by_one(run: int) -> None:
        for n in range(dossiers):
            expect(single.post(PATH, body, f"single-{run}-{n}"), 201)

    def at_once(run: int) -> None:
        each(lambda n: expect(single.post(PATH, body, f"threads-{run}-{n}"), 201), range(dossiers))

    ways: dict[str, Callable[[int], None]] = {
        "one batch": by_batch, "single posts, one after the other": one_by_one, "single posts, 16 threads": at_once,
    }  # fmt: skip
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for run in range(-1, rounds):
        for way, act in ways.items():
            before = database["dossiers"].count_documents({})
            started = time.perf_counter()
            act(run)
            if run >= 0:
                # The first round warms up.
                taken[way].append(time.perf_counter() - started)
            written = database["dossiers"].count_documents({}) - before
            if written != dossiers:
                raise RuntimeError(f"{way}: {written} dossiers in place of {dossiers}")
    medians = {way: statistics.median(seconds) for way, seconds in taken.items()}
    fastest = medians["one batch"]
    print(f"{dossiers} dossiers, median of {rounds} rounds:")
    for way, seconds in medians.items():
        print(f"{seconds * 1000:>9,.0f} ms {dossiers / seconds:>8,.0f} dossiers/s {seconds / fastest:>6.1f} ×  {way}")
    ratio = medians["single posts, one after the other"] / fastest
    print(f"a batch is {ratio:.1f} times as fast as single posts (wanted: {WANTED:g})")
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
