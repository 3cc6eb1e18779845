"""However many workers look at the deadlines, and whichever is killed: each thing is told once. And who is late."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pymongo import MongoClient

from chassis.store import Carrier
from native.access import Persona
from tests.support.catalogue import ELSEWHERE, HERE, PROVINCE
from tests.support.plans import watched
from tests.support.services import Clock, Running, another_process, pointers
from tests.workflow.test_api import AT_THE_PROVINCE, begin, complete
from tests.workflow.test_lists import walked
from workflow import following
from workflow.following import Following
from workflow.store import WorkflowStore
from workflow.store import lists as listing

WORKERS = 8
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "services")}
OVERDUE, NEAR, MISSED = (
    "workflow.task.overdue.v1", "workflow.deadline.approaching.v1", "workflow.deadline.missed.v1",
)  # fmt: skip
LEADER = Persona("Lãnh đạo huyện", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
AT_THE_TOP = Persona("Lãnh đạo tỉnh", ("tasks.read",), PROVINCE, roles=("leader",))


def worker(of: Running) -> Following:
    return Following(WorkflowStore(of.database, Carrier(of.clock)), of.clock)


def work(of: Running) -> None:
    one = worker(of)
    while one.alerts():
        pass


def told(of: Running) -> Counter[tuple[str, str]]:
    """What was told of the deadlines, by type and dossier."""
    found = [json.loads(each) for each in of.publish()]
    return Counter((each["type"], each["subject"]) for each in found if each["type"] in (OVERDUE, NEAR, MISSED))


def test_eight_workers_tell_each_thing_once(workflow: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """They begin at the same instant, and each goes on until nothing is left; two of them are on each process."""
    monkeypatch.setattr(following, "BATCH", 7)
    ids = [begin(workflow) for _ in range(60)]
    workflow.publish()
    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(workflow)) for _ in range(WORKERS // 2)]
        for moment, expected in (
            ("2026-03-06 15:00", {OVERDUE, NEAR}),
            ("2026-03-09 09:00", {MISSED}),
            ("2026-03-20 09:00", set[str]()),
        ):
            clock.set(moment)
            begun = Barrier(WORKERS)

            def at_once(n: int, begun: Barrier = begun) -> None:
                one = worker(processes[n % len(processes)])
                begun.wait()
                # One that lost every race of a batch would look again a few seconds later.
                while one.alerts() or workflow.database["dossiers"].count_documents(
                    {"next_alert_at": {"$lte": clock()}}
                ):
                    pass

            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(at_once, range(WORKERS)))
            assert told(workflow) == Counter((type, id) for type in expected for id in ids), moment
    for row in workflow.rows("dossiers"):
        assert [each["kind"] for each in row["alerts"]] == ["missed", "approaching", "missed"]
        assert row["alerts"][-1]["told"] == [PROVINCE, HERE]


@pytest.mark.parametrize(("moment", "written"), [("before", 0), ("after", 3)])
def test_a_worker_that_is_killed_leaves_the_rest_to_another(
    workflow: Running, clock: Clock, moment: str, written: int
) -> None:
    ids = [begin(workflow) for _ in range(8)]
    clock.set("2026-03-09 09:00")
    workflow.publish()
    script = [sys.executable, "-m", "tests.workflow.dying_alerts", workflow.url, clock().isoformat(), moment]
    done = subprocess.run(script, capture_output=True, check=False, timeout=240, env=ENVIRONMENT, cwd=ROOT)
    assert done.returncode == -9, done.stderr
    assert sum(bool(row["alerts"]) for row in workflow.rows("dossiers")) == written
    work(workflow)
    work(workflow)
    assert told(workflow) == Counter((type, id) for type in (OVERDUE, MISSED) for id in ids)


def test_what_an_officer_does_at_the_same_moment_is_kept_and_told_of_later(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.set("2026-03-06 15:00")
    one = worker(workflow)
    save = one._store.processes.save

    def interrupted(changes: Any) -> list[bool]:
        assert complete(workflow, f"{id}.s1").status_code == 200
        return save(changes)

    one._store.processes.save = interrupted  # type: ignore[method-assign]
    workflow.publish()
    assert one.alerts() is False
    assert told(workflow) == Counter()
    clock.move(minutes=1)
    work(workflow)
    assert told(workflow) == Counter({(NEAR, id): 1}), "the step is done, and the next one has its time"


def test_the_timer_reads_only_what_is_to_be_told(workflow: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    for _ in range(5):
        begin(workflow)
    workflow.clock.set("2026-03-04 16:00")
    early = begin(workflow)
    workflow.clock.set("2026-03-04 16:30")
    with watched(mongo, workflow.database.name) as seen:
        assert worker(workflow).alerts() is False
    (read,) = [ran for ran in seen.of("dossiers") if "find" in ran.command]
    assert (read.plan, read.documents, read.sorted_in_memory) == ("IXSCAN { next_alert_at: 1 }", 5, False)
    assert workflow.database["dossiers"].find_one({"_id": early})["alerts"] == []  # type: ignore[index]


# --- who is late ------------------------------------------------------------------------------------------------------


@pytest.fixture
def late(workflow: Running, clock: Clock) -> dict[str, str]:
    """That Saturday is worked, and they are due then. On Tuesday: two are late at the district,
    one of them with an apology that came too late, and one elsewhere; one was apologised for in time, and its new due
    date has passed too; one has time, one waits, two have ended."""
    found = {name: begin(workflow) for name in ("plain", "apologised", "too_late", "waits", "done", "stopped")}
    found["elsewhere"] = begin(workflow, agency=ELSEWHERE)
    found["has_time"] = begin(workflow, amount=9)
    why = {"reason": "Giám định", "basis": "Luật"}
    for step in ("s1", "s2", "s3", "s4"):
        assert (
            complete(workflow, f"{found['done']}.{step}", "approved" if step == "s3" else "completed").status_code
            == 200
        )
    assert workflow.post(f"dossiers/{found['stopped']}/stop", LEADER, why).status_code == 200
    assert workflow.post(f"dossiers/{found['waits']}/pause", LEADER, why).status_code == 200
    longer = {"amount": 0.5, "reason": "Xác minh", "apology": True}
    clock.set("2026-03-07 08:00")
    assert workflow.post(f"dossiers/{found['apologised']}/extension", LEADER, longer).status_code == 200
    clock.set("2026-03-10 08:00")
    assert workflow.post(f"dossiers/{found['too_late']}/extension", LEADER, longer | {"amount": 9}).status_code == 200
    return found


def names(found: dict[str, str], workflow: Running, path: str, who: str | Persona) -> set[str]:
    of = {id: name for name, id in found.items()}
    ids = walked(workflow, path, who)
    assert len(ids) == len(set(ids))
    return {of[id] for id in ids}


def test_who_is_late_without_an_apology_in_time_is_reported(workflow: Running, late: dict[str, str]) -> None:
    for who in ("officer", LEADER):
        assert names(late, workflow, "late?limit=1", who) == {"plain", "too_late"}
        assert names(late, workflow, "late?apology=true", who) == {"apologised"}
    assert names(late, workflow, "late?limit=1", "leader") == {"plain", "too_late", "elsewhere"}
    assert names(late, workflow, f"late?agency={ELSEWHERE}", "leader") == {"elsewhere"}
    assert names(late, workflow, f"late?agency={HERE}", AT_THE_TOP) == {"plain", "too_late"}
    assert names(late, workflow, f"late?agency={PROVINCE}", AT_THE_TOP) == set()
    assert names(late, workflow, "late?subtree=true&limit=1", AT_THE_TOP) == {"plain", "too_late", "elsewhere"}
    assert names(late, workflow, "late?subtree=true", AT_THE_PROVINCE) == set(), "an officer's own agency only"
    assert names(late, workflow, f"late?agency={HERE}", "other_officer") == set()
    (item,) = workflow.get("late?limit=1", "officer").get_json()["items"]
    assert (item["late_from"], item["apology"], item["at"]) == ("2026-03-07T02:00:00Z", False, [HERE])
    assert pointers(workflow.get("late?cursor=x", "officer")) == [("/cursor", "cursor")]


def test_the_list_of_the_late_is_a_range_of_an_index(
    workflow: Running, late: dict[str, str], mongo: MongoClient[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one agency, for a few, for so many that all are looked through, and for everybody."""
    assert late
    workflow.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    lists: list[tuple[str, str | Persona, int]] = [
        ("late?limit=2", "officer", 100),
        ("late?limit=2&subtree=true", AT_THE_TOP, 100),
        ("late?limit=2&subtree=true", AT_THE_TOP, 0),
        ("late?limit=2", "leader", 100),
    ]
    for path, who, most in lists:
        monkeypatch.setattr(listing, "MOST_RANGES", most)
        with watched(mongo, workflow.database.name) as seen:
            assert len(walked(workflow, path, who)) > 2
        reads = seen.of("dossiers")
        assert len(reads) > 1
        for ran in reads:
            assert ran.plan.startswith("IXSCAN"), (path, ran)
            # The ranges of several agencies are merged: the server calls that a sort, and reads no more.
            assert not ran.sorted_in_memory or (who, most) == (AT_THE_TOP, 100), (path, ran)
            assert ran.documents <= ran.returned + 1, (path, ran)
            assert ran.keys <= ran.returned + 5, (path, ran)
