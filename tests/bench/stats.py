"""stats at the size of a province: its events through the consumer's handler on a real mongod, then every question.

`./bench stats [--dossiers 60000]`; with 1,000,000 dossiers it takes about an hour and 12 GB of /dev/shm.

Events come in the order of their time, shuffled within minutes, one in fifty twice and one in two hundred days late.
They are read from JSON as the consumer reads them. What is timed is reading and `take`; beside it the same code is
given one event at a time, and some come out of RabbitMQ, all the consumer's work with them. Then: questions, the first
of them over the HTTP application in this process too; two recounts that share no code with stats (of the lives that the
events are of, and by DuckDB over the cold export), and a rebuild while somebody asks.
"""

import argparse
import heapq
import json
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psutil

from chassis import heap, store
from chassis.consume import Received
from chassis.envelope import read, read_data
from chassis.service import Context, app_of
from stats import commands, consumer
from stats.api import READ
from stats.cold import Export
from stats.inbound import READINGS
from stats.main import STATS
from stats.queries.counts import Queries, Wanted
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.usecases.archives import Archiving
from stats.usecases.events import Taking
from stats.usecases.rebuilds import Rebuilding
from tests.bench.queued import seconds_to_take
from tests.stats.making import BY_HAND, Life, many, naive_cells
from tests.support.servers import make_mongod
from tests.support.services import Tokens

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 3 * 365
COMMUNES, DEPARTMENTS, PROCEDURES = 166, 20, 1700
TREE = ["H56", *(f"H56.{n}" for n in range(1, DEPARTMENTS + 1)), *(f"H56.X{n}" for n in range(1, COMMUNES + 1))]


SQL_MEASURES = (
    "filed", "received", "digitised", "refused", "withdrawn", "withdrawn_waiting", "finished_early", "finished_on_time",
    "finished_late", "stopped", "handed_over", "supplement_requests", "open", "score_sum",
)  # fmt: skip
_DAY = "CAST(epoch_ms(epoch_ms(CAST({} AS TIMESTAMPTZ)) + 25200000) AS DATE)"
"""The day in Việt Nam, which is seven hours ahead and has no summer time."""


def _last(field: str, *types: str) -> str:
    """What the event of these types with the highest sequence says."""
    named = ", ".join(f"'{name}'" for name in types)
    return f"arg_max(data->>'{field}', sequence) FILTER (type IN ({named}))"


_INTAKE = ("intake.dossier.filed.v1", "intake.dossier.received.v1", "intake.dossier.refused.v1")
_ENDED = "least(finished, stopped)"
_COUNTED = {
    "filed": ("filed", "channel = 'online'", "1"),
    "received": ("received", "true", "1"),
    "digitised": ("received", "digitised", "1"),
    "refused": ("refused", "true", "1"),
    "withdrawn": ("withdrawn", f"NOT coalesce({_ENDED} <= withdrawn, false)", "1"),
    "withdrawn_waiting": ("withdrawn", "received IS NULL", "1"),
    **{
        f"finished_{how}": ("finished", f"timing = '{how}' AND NOT coalesce(withdrawn < finished, false)", "1")
        for how in ("early", "on_time", "late")
    },
    "stopped": ("stopped", "NOT coalesce(withdrawn < stopped, false)", "1"),
    "handed_over": ("handed_over", "received IS NOT NULL", "1"),
    "score_sum": ("rated", "true", "score"),
}
RECOUNT = f"""
CREATE TABLE events AS SELECT * FROM read_json($events, format = 'newline_delimited', columns = {{
    id: 'VARCHAR', type: 'VARCHAR', subject: 'VARCHAR', sequence: 'BIGINT', data: 'JSON'}});
CREATE TABLE dossiers AS SELECT subject,
    arg_max(data->'dimensions', sequence) FILTER ((data->'dimensions') IS NOT NULL) AS place,
    CAST({_last("filed_at", *_INTAKE, "intake.dossier.withdrawn.v1")} AS TIMESTAMPTZ) AS filed,
    CAST({_last("received_at", "intake.dossier.received.v1")} AS TIMESTAMPTZ) AS received,
    CAST({_last("refused_at", "intake.dossier.refused.v1")} AS TIMESTAMPTZ) AS refused,
    CAST({_last("withdrawn_at", "intake.dossier.withdrawn.v1")} AS TIMESTAMPTZ) AS withdrawn,
    CAST({_last("finished_at", "workflow.dossier.finished.v1")} AS TIMESTAMPTZ) AS finished,
    {_last("timing", "workflow.dossier.finished.v1")} AS timing,
    CAST({_last("stopped_at", "workflow.dossier.stopped.v1")} AS TIMESTAMPTZ) AS stopped,
    CAST({_last("handed_over_at", "intake.dossier.handed_over.v1")} AS TIMESTAMPTZ) AS handed_over,
    CAST({_last("rated_at", "intake.dossier.rated.v1")} AS TIMESTAMPTZ) AS rated,
    CAST({_last("score", "intake.dossier.rated.v1")} AS BIGINT) AS score,
    CAST(arg_max(data->>'digitised', sequence) FILTER (type IN ('intake.dossier.received.v1',
        'intake.document.digitised.v1', 'intake.dossier.supplemented.v1')) AS BOOLEAN) AS digitised
FROM events GROUP BY subject;
CREATE VIEW placed AS SELECT *, place->>'channel' AS channel FROM dossiers WHERE place IS NOT NULL;
CREATE TABLE said AS
{
    " UNION ALL ".join(
        f"SELECT subject, '{measure}' AS measure, {_DAY.format(at)} AS day, {number} AS number "
        f"FROM placed WHERE {at} IS NOT NULL AND {condition}"
        for measure, (at, condition, number) in _COUNTED.items()
    )
}
UNION ALL SELECT subject, 'supplement_requests', {_DAY.format("data->>'requested_at'")}, 1
FROM events WHERE type = 'workflow.supplement.requested.v1';
INSERT INTO said SELECT subject, 'open', day, 1 FROM said WHERE measure = 'received';
INSERT INTO said SELECT subject, 'open', day, -1 FROM said
WHERE measure LIKE 'finished%' OR measure = 'stopped'
    OR (measure = 'withdrawn' AND subject IN (SELECT subject FROM dossiers WHERE received IS NOT NULL));
CREATE TABLE theirs AS SELECT place->>'agency' AS agency, place->>'field' AS field, place->>'procedure' AS procedure,
    channel, place->>'service_level' AS level, strftime(day, '%Y-%m') AS month, measure,
    CAST(sum(number) AS BIGINT) AS n
FROM said JOIN placed USING (subject) GROUP BY ALL;
CREATE TABLE ours AS SELECT * FROM read_csv($ours, delim = '\t', header = false, auto_detect = false, columns = {{
    agency: 'VARCHAR', field: 'VARCHAR', procedure: 'VARCHAR', channel: 'VARCHAR', level: 'VARCHAR', month: 'VARCHAR',
    measure: 'VARCHAR', n: 'BIGINT'}});
"""  # noqa: S608 (made of the names above)
COMPARED = """
SELECT count(*), count(*) FILTER (coalesce(ours.n, 0) <> coalesce(theirs.n, 0)) FROM ours FULL JOIN theirs
USING (agency, field, procedure, channel, level, month, measure)
"""


_PLAIN: dict[str, Any] = {"halts": (), "promised_at": None, "reuses": (), "replaced": False}
"""What most dossiers have nothing of."""


class Province:
    """Lives as they begin, day by day, and their events as they come; never all at once."""

    def __init__(self, dossiers: int, start: datetime, days: int, first: int = 0) -> None:
        """`first`: how many other dossiers there are, whose identifiers are not to be used again."""
        self._dossiers = dossiers
        self._start, self._days, self._first = start, days, first
        self._random = random.Random(56 + first)  # noqa: S311 (the same every time)
        self.counted: Counter[tuple[str, str, str]] = Counter()
        """By agency, month and measure, added up from the lives."""
        self.events = 0

    def lives(self) -> Iterator[Life]:
        drawn, made = self._random, 0
        for day in range(self._days):
            until = self._dossiers * (day + 1) // self._days
            start = self._start + timedelta(days=day)
            for life in many(until - made, start, 1, ("H56",), ("1.000001",)) if until > made else ():
                # A few procedures make up most dossiers, and the larger places most of them.
                number = min(PROCEDURES, int(drawn.paretovariate(0.6)))
                made += 1
                begun = f"{int(life.filed_at.timestamp() * 1000):012x}"[:8]
                # `many` puts into its lives whatever can happen; a province's dossier has about eight events.
                plain = {} if made % 4 == 0 else _PLAIN | {"results": life.results[:1] and ("signed",)}
                yield replace(
                    life,
                    **plain,
                    id=f"{begun}-0000-7000-8000-{self._first + made:012x}",
                    agency=TREE[int(len(TREE) * drawn.random() ** 1.5)],
                    procedure=f"1.{number:06}",
                    field=f"F{number % 60}",
                    service_level=("full", "partial", 3)[number % 3],
                )

    def bodies(self) -> Iterator[tuple[datetime, bytes]]:
        """When each event comes, and what comes. One in fifty comes twice, one in two hundred days later."""
        waiting: list[tuple[datetime, int, bytes]] = []
        drawn = self._random
        for life in self.lives():
            while waiting and waiting[0][0] <= life.filed_at:
                at, _, body = heapq.heappop(waiting)
                yield at, body
            for (agency, *_, day), sums in naive_cells([life]).items():
                for measure, number in sums.items():
                    self.counted[agency, day[:7], measure] += number
            for event in life.events():
                self.events += 1
                at = datetime.fromisoformat(event["time"]) + timedelta(seconds=drawn.random() * 600)
                if drawn.random() < 0.005:
                    at += timedelta(days=drawn.randint(1, 40))
                body = json.dumps(event, default=str, ensure_ascii=False).encode()
                for _ in range(2 if drawn.random() < 0.02 else 1):
                    heapq.heappush(waiting, (at, drawn.getrandbits(32), body))
                    at += timedelta(seconds=drawn.random() * 100_000)
        while waiting:
            at, _, body = heapq.heappop(waiting)
            yield at, body


def received(body: bytes) -> Received:
    """As the consumer reads it."""
    event = read(body)
    kind = READINGS.get(event.type)
    return Received(event, event.data if kind is None else read_data(kind, event.data))


class Watch:
    """The most memory that this process ever had, looked at now and then."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.most = 0

    def look(self) -> None:
        self.most = max(self.most, self._process.memory_info().rss)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./bench stats")
    parser.add_argument("--dossiers", type=int, default=60_000)
    parser.add_argument("--batch", type=int, default=StatsSettings.model_fields["consumer_batch"].default)
    parser.add_argument("--single", type=int, default=400, help="events that are taken one at a time")
    parser.add_argument("--processes", type=int, default=2, help="of the rebuild")
    parser.add_argument("--folder", default="/dev/shm", help="where the database lies")
    options = parser.parse_args()
    # As every process of a service does.
    heap.settle()
    with (
        TemporaryDirectory(prefix="motcua-bench-", dir=options.folder) as folder,
        make_mongod(Path(folder)) as mongod,
    ):
        mongod.initiate()
        url = mongod.url.replace("/?", "/motcua_stats?")
        stats = StatsStore(store.connect(url))
        stats.ensure_indexes()
        return Bench(options, stats, url, mongod.child.pid, Path(folder)).run()


class Bench:
    def __init__(self, options: argparse.Namespace, stats: StatsStore, url: str, mongod: int, folder: Path) -> None:
        self._options = options
        self._stats = stats
        self._url = url
        self._folder = folder
        self._processes = {"stats": psutil.Process(), "mongod": psutil.Process(mongod)}
        self._watch = Watch()
        self._province = Province(options.dossiers, START, DAYS)
        self._now = START
        self._wrong = 0

    def run(self) -> int:
        self._load()
        self._load_queued()
        self._now += timedelta(days=1)
        self._ask()
        print(f"memory of taking and asking: {self._watch.most / 1e6:,.0f} MB at most, with what makes the events")
        self._check_lives()
        self._check_export()
        self._rebuild()
        return 1 if self._wrong else 0

    # -- ingestion --

    def _load(self) -> None:
        taking = Taking(self._stats, lambda: self._now)
        bodies = self._province.bodies()
        total = spent = own = 0.0
        count = printed = 0
        cpu = self._cpu()
        single: list[float] = []
        while batch := list(islice(bodies, self._options.batch)):
            self._now = max(self._now, batch[-1][0])
            began, used = time.perf_counter(), time.process_time()
            taking.take([received(body) for _, body in batch])
            spent += time.perf_counter() - began
            own += time.process_time() - used
            count += len(batch)
            if count - printed >= max(20_000, 8 * self._options.dossiers // 20):
                print(f"{count:>10} events  {(count - printed) / (spent - total):>7,.0f} events/s", flush=True)
                printed, total = count, spent
                self._watch.look()
            if len(single) < self._options.single and count >= 4 * self._options.dossiers:
                for _, body in islice(bodies, 50):
                    began = time.perf_counter()
                    taking.take([received(body)])
                    single.append(time.perf_counter() - began)
        each = {name: 1000 * (now - cpu[name]) / count for name, now in self._cpu().items()}
        rate, slow = count / spent, 1 / statistics.mean(single)
        print(f"{count} deliveries of {self._province.events} events, {self._options.dossiers} dossiers")
        print(f"ingestion: {rate:,.0f} events/s in batches of {self._options.batch}")
        print(f"one at a time: {slow:,.0f} events/s; in batches {rate / slow:.1f} times as many")
        print(f"CPU an event: {1000 * own / count:.3f} ms stats, {each['mongod']:.3f} ms mongod")

    def _load_queued(self) -> None:
        """A hundredth part more, all of the last month, out of the queue of a real broker."""
        count = max(2000, self._options.dossiers // 100)
        more = Province(count, START + timedelta(days=DAYS - 30), 30, first=self._options.dossiers)
        bodies = [body for _, body in more.bodies()]
        [subscription] = consumer.table(Taking(self._stats, lambda: self._now))
        seconds = seconds_to_take(
            "stats", bodies, subscription, self._stats.database, self._folder, batch=self._options.batch,
            gather_seconds=StatsSettings.model_fields["consumer_gather_ms"].default / 1000,
        )  # fmt: skip
        self._province.counted.update(more.counted)
        print(f"{len(bodies)} deliveries out of RabbitMQ: {len(bodies) / seconds:,.0f} events/s", flush=True)

    def _cpu(self) -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in self._processes.items()}

    # -- questions --

    def _ask(self) -> None:
        queries, year = Queries(self._stats), (date(2026, 1, 1), date(2027, 1, 1))
        wanted = {
            "one agency by procedure, a year": Wanted(agency="H56.3", start=year[0], end=year[1], by=("procedure",)),
            "the province by procedure, a year": Wanted(start=year[0], end=year[1], by=("procedure",)),
            "the province by channel, 40 days": Wanted(start=date(2026, 3, 3), end=date(2026, 4, 12), by=("channel",)),
        }
        for name, question in wanted.items():
            times = [self._timed(partial(queries.counts, question, self._now)) for _ in range(40)]
            cuts = statistics.quantiles(times, n=20)
            print(f"{name}: p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms")
        self._ask_over_http()
        self._watch.look()

    def _ask_over_http(self) -> None:
        """JSON included, without nginx."""
        tokens = Tokens(self._folder)
        headers = {"X-Api-Key": tokens.api_key("bench", [READ])}
        settings = StatsSettings(
            mongo_url=self._url,
            amqp_url="amqp://nobody:x@127.0.0.1:1/none",
            jwks=tokens.jwks,
            api_keys_file=tokens.api_keys,
            intake_api_key="none",
        )
        clock = partial(getattr, self, "_now")
        context = Context(settings, self._stats.database, store.Carrier(clock), clock)
        client = app_of(STATS, STATS.assemble(context), context).test_client()
        year = {"from": "2026-01-01", "to": "2027-01-01"}
        asked = {
            "the province by agency and month, a year": year | {"by": "agency,month"},
            "the largest subtree by month, a year": year | {"by": "month", "agency": "H56", "subtree": "true"},
        }
        for name, query in asked.items():
            times, used = list[float](), self._cpu()
            for _ in range(40):
                began = time.perf_counter()
                answer = client.get("/api/stats/v1/counts", query_string=query, headers=headers)
                times.append(1000 * (time.perf_counter() - began))
            each = {process: 1000 * (now - used[process]) / len(times) for process, now in self._cpu().items()}
            cuts, rows = statistics.quantiles(times, n=20), len(answer.get_json()["items"])
            print(f"{name}, over HTTP: p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms; {rows} rows", end=", ")
            print(f"{len(answer.data) / 1e6:.3f} MB; CPU {each['stats']:.1f} ms stats, {each['mongod']:.1f} ms mongod")

    @staticmethod
    def _timed(act: Callable[[], object]) -> float:
        began = time.perf_counter()
        act()
        return 1000 * (time.perf_counter() - began)

    # -- rebuild --

    def _rebuild(self) -> None:
        queries, stop = Queries(self._stats), threading.Event()
        question = Wanted(start=date(2024, 1, 1), end=date(2028, 1, 1))
        [before] = queries.counts(question, self._now)
        times: list[float] = []
        wrong: list[Any] = []

        def ask() -> None:
            while not stop.wait(1):
                began = time.perf_counter()
                [row] = queries.counts(question, self._now)
                times.append(1000 * (time.perf_counter() - began))
                wrong.extend([row] if row != before else [])

        asking = threading.Thread(target=ask)
        asking.start()
        began, cpu = time.perf_counter(), self._cpu()
        done = Rebuilding(self._stats, lambda: self._now).rebuild(
            lambda _: self._watch.look(), commands.in_processes(self._url, self._options.processes)
        )
        seconds = time.perf_counter() - began
        stop.set()
        asking.join()
        self._wrong += len(wrong) + done.differing
        used = self._cpu()["mongod"] - cpu["mongod"]
        print(f"rebuild: {done.events} events in {seconds:,.0f} s, {done.events / seconds:,.0f} events/s", end="; ")
        print(f"{done.differing} differences; {used:,.0f} s CPU mongod")
        p95 = statistics.quantiles(times, n=20)[18]
        print(f"meanwhile {len(times)} questions, p95 {p95:.1f} ms, {len(wrong)} with another answer")

    # -- recounts --

    def _check_lives(self) -> None:
        found: Counter[tuple[str, str, str]] = Counter()
        rows = self._stats.current().flows(date(2000, 1, 1), date(2100, 1, 1), ("agency", "month"))
        for (agency, month), row in rows.items():
            for measure in row.keys() & BY_HAND:
                found[agency, month, measure] = row[measure]
        expected = self._province.counted
        different = [key for key in found.keys() | expected.keys() if found[key] != expected[key]]
        self._wrong += len(different)
        print(f"recount of the lives: {len(expected)} numbers by agency, month and measure, {len(different)} different")

    def _check_export(self) -> None:
        """With DuckDB, from the events as they were exported, at every place there is."""
        folder, began = self._folder / "export", time.perf_counter()
        until = (self._now - timedelta(days=1)).date()
        count = Archiving(self._stats, lambda: self._now).export(until, Export(folder), lambda _: None)
        print(f"export: {count} events in {time.perf_counter() - began:,.0f} s")
        began, ours = time.perf_counter(), self._folder / "ours.tsv"
        with ours.open("w", encoding="utf-8") as lines:
            for month, agency, parts in self._stats.current().sums.finest(""):
                for place, days in parts.items():
                    sums: Counter[str] = Counter()
                    for adds in days.values():
                        sums.update(adds)
                    for measure in sums.keys() & set(SQL_MEASURES):
                        key = "\t".join(map(str, (agency, *place, month, measure)))
                        lines.write(f"{key}\t{sums[measure]}\n")
        database = duckdb.connect(str(self._folder / "recount.duckdb"), config={"memory_limit": "4GB"})
        for statement in RECOUNT.split(";\n")[:-1]:
            database.execute(statement.replace("$events", f"'{folder}/*.ndjson.gz'").replace("$ours", f"'{ours}'"))
        [(numbers, different)] = database.execute(COMPARED).fetchall()
        self._wrong += different
        print(f"recount by DuckDB: {numbers} numbers by place, month and measure, {different} different", end="; ")
        print(f"{time.perf_counter() - began:,.0f} s")


if __name__ == "__main__":
    sys.exit(main())
