"""How many events a second stats takes in: its handler on a real mongod, without a broker.

`PYTHONPATH=.:services .venv/bin/python -m tests.bench.ingest [dossiers] [agencies] [procedures] [days] [batch]`
"""

import os
import sys
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from chassis import store
from chassis.clock import system_clock
from stats.inbound.states import State
from stats.store import StatsStore
from stats.usecases.events import Taking
from tests.stats.making import many, messages
from tests.support.servers import make_mongod


class NoIntake:
    def states(self) -> list[State]:
        return []


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    dossiers, agencies, procedures, days, batch = given + [6000, 260, 40, 60, 300][len(given) :]
    lives = many(
        dossiers,
        datetime(2026, 1, 5, tzinfo=UTC),
        days,
        [f"H56.{n:02}" for n in range(agencies)],
        [f"1.{n:06}" for n in range(procedures)],
    )
    made = [(event["time"], event) for life in lives for event in life.events()]
    made.sort(key=lambda item: item[0])
    items = messages(event for _, event in made)
    # As they happen: dossiers are interleaved, and a few hundred arrive in another order.
    for n in range(0, len(items), 200):
        part = items[n : n + 200]
        part.sort(key=lambda item: zlib.crc32(item.event.id.encode()))
        items[n : n + 200] = part
    with TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as folder, make_mongod(Path(folder)) as mongod:
        mongod.initiate()
        stats = StatsStore(store.connect(mongod.url.replace("/?", "/motcua_stats?")))
        stats.ensure_indexes()
        taking = Taking(stats, system_clock)
        print(f"{len(items)} events of {dossiers} dossiers, {agencies} agencies, {procedures} procedures, {days} days")
        started = tick = time.perf_counter()
        spent = {
            process: sum(process.cpu_times()[:2]) for process in map(psutil.Process, (os.getpid(), mongod.child.pid))
        }
        tenth = max(batch, len(items) // 10 // batch * batch)
        for n in range(0, len(items), batch):
            taking.take(items[n : n + batch])
            if (n + batch) % tenth == 0:
                now = time.perf_counter()
                print(f"{n + batch:>9} events  {tenth / (now - tick):>7,.0f} events/s")
                tick = now
        seconds = time.perf_counter() - started
        each = [1000 * (sum(process.cpu_times()[:2]) - before) / len(items) for process, before in spent.items()]
        print(f"{len(items) / seconds:,.0f} events/s; CPU an event: {each[0]:.3f} ms stats, {each[1]:.3f} ms mongod")
        current = stats.current()
        sums = current.sums
        sizes = {each.name: each.estimated_document_count() for each in (sums.years, sums.procedures, sums.months)}
        print(f"facts {current.facts.estimated_document_count()}, sums {sizes}")


if __name__ == "__main__":
    main()
