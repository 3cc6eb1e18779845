"""How long lists of tasks take with 1,000,000 dossiers, beside 10,000: over the HTTP application in this process, on a
real mongod.

`./bench tasks [dossiers] [fewer dossiers] [requests of each kind]`. Of twenty dossiers one has open tasks, in both
databases: 50,000 of the million and 500 of the ten thousand. These lie at so many agencies that the average list is as
long in both, 250, and a few agencies have many more: with shorter lists there would be shorter pages, which proves
nothing. Requests to the two alternate, so that what else the machine does weighs on both.

The documents are the service's own: some are made by events and the API, and copied with other names and times. Those
that are finished come without the answers that are kept for repeated requests, half of a document, to be seeded sooner.
"""

import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, WriteConcern

from catalog.domain import Step
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE
from tests.support.servers import make_mongod
from tests.support.services import WHEN, Clock, Running, Tokens, database_url, running, subject_of
from tests.workflow.test_api import begin, claim, complete
from workflow.main import WORKFLOW

TARGET_MS, TARGET_RATIO = 40.0, 1.5
OPEN_ONE_IN = 20
OPEN_AT_AGENCY = 250
ALIKE = 20
"""So many dossiers differ in their names only."""
BRANCHES = "1.000999"
"""A procedure whose two middle steps are done at the same time."""
OFFICERS = 12
"""Of each agency, among whom what is claimed is spread."""
PROCEDURES = 300
BATCH = 2_000
OFFICER = Persona("Cán bộ mẫu", ("tasks.read", "tasks.work"), HERE)
NAME = "id-of-a-dossier-in-thirty-six-places"
NUMBER = "-######"
Row = dict[str, Any]


@dataclass(frozen=True)
class Form:
    """Dossiers as the service wrote them, by how far they are."""

    open: Sequence[Row]
    finished: Sequence[Row]


def main() -> int:
    given = [int(word) for word in sys.argv[1:]]
    many, few, requests = given + [1_000_000, 10_000, 100][len(given) :]
    with (
        TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as folder,
        make_mongod(Path(folder)) as mongod,
    ):
        mongod.initiate()
        tokens = Tokens(Path(folder))
        form = made(database_url(mongod.url, "motcua_form"), tokens)
        urls = {count: database_url(mongod.url, f"motcua_{count}") for count in (few, many)}
        agencies = {}
        for count, url in urls.items():
            began = time.perf_counter()
            agencies[count] = seed(url, count, form, random.Random(7))  # noqa: S311 (the same every time)
            seeded = time.perf_counter() - began
            with running(WORKFLOW, url, tokens, Clock()):
                indexed = time.perf_counter() - began - seeded
            print(f"{count:>9,} dossiers written in {seeded:.0f} s, indexes made in {indexed:.0f} s")
        describe(mongod.url, [f"motcua_{count}" for count in urls])
        with (
            running(WORKFLOW, urls[few], tokens, Clock()) as small,
            running(WORKFLOW, urls[many], tokens, Clock()) as large,
        ):
            for service in (small, large):
                service.hear(catalogue.province())
            processes = [psutil.Process(os.getpid()), psutil.Process(mongod.child.pid)]
            return report(measured([(small, agencies[few]), (large, agencies[many])], requests, processes), (few, many))


def made(url: str, tokens: Tokens) -> Form:
    """Dossiers in several states, by the service's own events and API."""
    with running(WORKFLOW, url, tokens, Clock()) as service:
        middle = [
            Step(id=id, name="Thẩm định", role="expert", after=("s1",), amount=catalogue.days(1)) for id in ("s2", "s3")
        ]
        first = Step(id="s1", name="Tiếp nhận", role="one_stop", amount=catalogue.days(0.5))
        last = Step(
            id="s4", name="Ký duyệt", role="leader", after=("s2", "s3"), amount=catalogue.days(1), decision=True
        )
        process = catalogue.steps(first, *middle, last)
        service.hear([*catalogue.province(), catalogue.published(catalogue.procedure(BRANCHES, process=process))])
        for procedure in (BUSINESS, BUSINESS, BRANCHES):
            for done in range(4 if procedure == BUSINESS else 2):
                for claimed in (False, True):
                    id = begin(service, procedure)
                    for step in range(done):
                        complete(service, f"{id}.s{step + 1}", "approved" if step == 2 else "completed", OFFICER)
                    if claimed:
                        claim(service, f"{id}.s{done + 1}", OFFICER)
        for procedure, decision in ((BUSINESS, 3), (BRANCHES, 4)):
            id = begin(service, procedure)
            for step in range(1, 5):
                complete(service, f"{id}.s{step}", "approved" if step == decision else "completed", OFFICER)
        service.publish()
        rows = [nameless(row) for row in service.rows("dossiers")]
    finished = [{**row, "doc_answers": []} for row in rows if row["state"] == "finished"]
    return Form([row for row in rows if row["state"] == "running"], finished)


def nameless(row: Row) -> Row:
    """With words of the same length in the place of what each dossier has for itself."""
    changed = altered(row, {row["_id"]: NAME, row["code"]: f"{HERE}-260304{NUMBER}"}, timedelta(0))
    assert isinstance(changed, dict)
    return changed


def altered(value: Any, words: dict[str, str], later: timedelta) -> Any:
    """A document with other words in its texts, and all its times later by as much."""
    if isinstance(value, dict):
        return {name: altered(each, words, later) for name, each in value.items()}
    if isinstance(value, list):
        return [altered(each, words, later) for each in value]
    if isinstance(value, datetime) and value.year < 9999:
        return value + later
    if isinstance(value, str):
        for old, new in words.items():
            value = value.replace(old, new)
    return value


def seed(url: str, count: int, form: Form, drawn: random.Random) -> list[str]:
    """Writes the dossiers, and returns the agencies, those with the most open tasks first."""
    open_ones = count // OPEN_ONE_IN
    agencies = [f"H56.{n}" for n in range(100, 100 + max(2, open_ones // OPEN_AT_AGENCY))]
    weights = [1 / (n + 1) ** 0.5 for n in range(len(agencies))]
    with MongoClient[Row](url) as client:
        dossiers = client.get_default_database().get_collection("dossiers", write_concern=WriteConcern(w=1, j=False))
        batch: list[RawBSONDocument] = []
        for n in range(0, count, ALIKE):
            is_open = n < open_ones
            agency = drawn.choices(agencies, weights)[0]
            row = drawn.choice(form.open if is_open else form.finished)
            back = drawn.uniform(0, 15 * 24) if is_open else drawn.uniform(20 * 24, 2 * 365 * 24)
            words = {
                HERE: agency,
                BUSINESS: f"1.{drawn.randrange(PROCEDURES):06}",
                subject_of(OFFICER): officer(agency, drawn.randrange(OFFICERS)),
            }
            document = encode(altered(row, words, -timedelta(hours=back)))
            for each in range(n, min(n + ALIKE, count)):
                name = f"{drawn.getrandbits(128):032x}"
                id = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
                own = document.replace(NAME.encode(), id.encode()).replace(
                    NUMBER.encode(), f"-{each % 10**6:06}".encode()
                )
                batch.append(RawBSONDocument(own))
            if len(batch) >= BATCH:
                dossiers.insert_many(batch, ordered=False)
                batch = []
        if batch:
            dossiers.insert_many(batch, ordered=False)
    return agencies


def officer(agency: str, number: int) -> str:
    return f"{agency}:officer-{number}"


def describe(url: str, names: Sequence[str]) -> None:
    with MongoClient[Row](url) as client:
        for name in names:
            size = client[name].command("collStats", "dossiers")
            stored, indexes = size["storageSize"] / 1e6, size["totalIndexSize"] / 1e6
            print(
                f"{name}: {size['count']:,} documents of {size['avgObjSize']:,} bytes, {stored:,.0f} MB stored,"
                f" {indexes:,.0f} MB in {size['nindexes']} indexes"
            )
            tasks = client[name]["dossiers"].aggregate(
                [
                    {"$match": {"lists": {"$gt": ""}}},
                    {"$unwind": "$tasks"},
                    {"$match": {"tasks.state": {"$in": ["open", "claimed"]}}},
                    {"$sortByCount": "$tasks.agency"},
                ]
            )
            lists = [row["count"] for row in tasks]
            print(f"  {sum(lists):,} open tasks at {len(lists)} agencies, {lists[-1]} to {lists[0]} at each")


@dataclass(frozen=True)
class Kind:
    """One way to ask: who, and which list."""

    name: str
    who: Persona
    query: str
    deep: bool = False


def kinds(agencies: Sequence[str]) -> list[Kind]:
    """What officers of the largest and of a middling agency ask for, and a leader of the whole province."""
    scopes = ("tasks.read", "tasks.work")
    largest, middling = agencies[0], agencies[len(agencies) // 2]
    here = Persona("Cán bộ nơi nhiều việc", scopes, largest)
    there = Persona("Cán bộ nơi khác", scopes, middling)
    leader = Persona("Lãnh đạo tỉnh", ("tasks.read", "dossiers.read_all"), "H56")
    until = f"{WHEN - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    return [
        Kind("largest agency's queue", here, ""),
        Kind("largest agency's queue, further on", here, "", deep=True),
        Kind("middling agency's queue", there, ""),
        Kind("of one role", here, "role=expert"),
        Kind("that nobody has taken", here, "state=open"),
        Kind("overdue", here, "overdue=true"),
        Kind("due before a day", there, f"due_before={until}"),
        Kind("of one procedure", here, "procedure=1.000007"),
        Kind("one officer's", here, f"assignee={officer(largest, 3)}"),
        Kind("the whole province's", leader, ""),
        Kind("the whole province's, overdue", leader, "overdue=true"),
        Kind("the whole province's, of one procedure", leader, "procedure=1.000007"),
        Kind("one agency's, for the leader", leader, f"agency={middling}"),
    ]


Spent = dict[tuple[str, int], list[float]]


def measured(
    sides: Sequence[tuple[Running, Sequence[str]]], requests: int, processes: Sequence[psutil.Process]
) -> tuple[Spent, Counter[tuple[str, int]], list[float]]:
    """Milliseconds of each request by kind and side, how many tasks the pages held, and the CPU of a request."""
    asked = [[(kind.who, path(service, kind)) for kind in kinds(agencies)] for service, agencies in sides]
    named = kinds(sides[0][1])
    spent: Spent = {(kind.name, side): [] for kind in named for side in range(len(sides))}
    shown: Counter[tuple[str, int]] = Counter()
    before = [sum(process.cpu_times()[:2]) for process in processes]
    for turn in range(requests + 5):
        for n, kind in enumerate(named):
            for side, (service, _) in enumerate(sides):
                who, where = asked[side][n]
                began = time.perf_counter()
                answer = service.get(where, who)
                took = 1000 * (time.perf_counter() - began)
                # The first ones fill the caches of the process and of the server.
                if turn >= 5:
                    spent[kind.name, side].append(took)
                    shown[kind.name, side] += len(answer.get_json()["items"])
    after = [sum(process.cpu_times()[:2]) for process in processes]
    count = (requests + 5) * len(named) * len(sides)
    return spent, shown, [1000 * (now - then) / count for now, then in zip(after, before, strict=True)]


def path(service: Running, kind: Kind) -> str:
    """Of the first page, or, deep in a list, of the one behind four others."""
    first = f"tasks?{kind.query}"
    cursor = ""
    for _ in range(4 if kind.deep else 0):
        answer = service.get(first + (f"&cursor={cursor}" if cursor else ""), kind.who).get_json()
        cursor = answer["next"] or cursor
    return first + (f"&cursor={cursor}" if cursor else "")


def report(found: tuple[Spent, Counter[tuple[str, int]], list[float]], counts: tuple[int, int]) -> int:
    spent, shown, cpu = found
    print(f"{'':<42}{'':>8} {counts[0]:>10,} dossiers {counts[1]:>20,} dossiers")
    for name in dict.fromkeys(name for name, _ in spent):
        line = f"{name:<42}"
        for side in (0, 1):
            p50, p95 = quantiles(spent[name, side])
            line += f"   p50 {p50:5.1f}  p95 {p95:5.1f} ms, {shown[name, side] / len(spent[name, side]):3.0f} tasks"
        print(line)
    every = [quantiles([ms for (_, of), many in spent.items() if of == side for ms in many]) for side in (0, 1)]
    ratio = every[1][1] / every[0][1]
    print(f"{'all':<42}" + "".join(f"   p50 {p50:5.1f}  p95 {p95:5.1f} ms           " for p50, p95 in every))
    print(f"CPU a request: {cpu[0]:.1f} ms workflow, {cpu[1]:.1f} ms mongod; load {os.getloadavg()[0]:.1f}")
    good = every[1][1] < TARGET_MS and ratio <= TARGET_RATIO
    print(
        f"p95 {every[1][1]:.1f} ms (wanted: under {TARGET_MS:g}), {ratio:.2f} times its figure at {counts[0]:,}"
        f" (wanted: at most {TARGET_RATIO:g}): {'as wanted' if good else 'NOT as wanted'}"
    )
    return 0 if good else 1


def quantiles(times: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(times, n=20)
    return cuts[9], cuts[18]


if __name__ == "__main__":
    sys.exit(main())
