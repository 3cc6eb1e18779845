"""Eight workers of several processes on the same dossiers: whatever they do at the same moment, no step runs twice."""

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from native.access import Persona
from tests.support.catalogue import HERE
from tests.support.services import Running, another_process, subject_of
from tests.workflow.test_api import begin

WORKERS = 8
DOSSIERS = 6
OFFICERS = [Persona(f"Cán bộ {n}", ("tasks.read", "tasks.work"), HERE) for n in range(WORKERS)]


def test_no_step_runs_twice(workflow: Running) -> None:
    """Every worker tries every step of every dossier, alone and many at once, claims and gives back, until all have
    ended; two of them are on each process."""
    ids = [begin(workflow) for _ in range(DOSSIERS)]
    done: Counter[str] = Counter()

    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(workflow)) for _ in range(WORKERS // 2)]

        def work(n: int) -> list[str]:
            dice, of, who = random.Random(n), processes[n % len(processes)], OFFICERS[n]  # noqa: S311 (a choice)
            mine: list[str] = []
            for step, outcome in (("s1", "completed"), ("s2", "completed"), ("s3", "approved"), ("s4", "completed")):
                wanted = [f"{id}.{step}" for id in dice.sample(ids, len(ids))]
                if dice.random() < 0.5:
                    body = {"tasks": [{"id": task, "outcome": outcome} for task in wanted]}
                    answer = of.post("tasks/completions", who, body)
                    assert answer.status_code == 200, answer.text
                    mine += [item["id"] for item in answer.get_json()["items"] if _done(item["status"], item)]
                    continue
                for task in wanted:
                    if dice.random() < 0.3:
                        claimed = of.post(f"tasks/{task}/claim", who)
                        if claimed.status_code == 200 and dice.random() < 0.5:
                            of.post(f"tasks/{task}/release", who)
                    answer = of.post(f"tasks/{task}/completion", who, {"outcome": outcome})
                    mine += [task] if _done(answer.status_code, answer.get_json(force=True)) else []
            return mine

        for _ in range(20):
            with ThreadPoolExecutor(WORKERS) as at_once:
                for found in at_once.map(work, range(WORKERS)):
                    done.update(found)
            if all(row["state"] == "finished" for row in workflow.rows("dossiers")):
                break

    rows = workflow.rows("dossiers")
    assert {row["state"] for row in rows} == {"finished"}
    assert done == Counter(f"{id}.s{n}" for id in ids for n in (1, 2, 3, 4)), "each was acknowledged to one officer"
    told = Counter(
        (event["type"], event["data"].get("task", event["subject"])) for event in map(json.loads, workflow.told())
    )
    assert set(told.values()) == {1}, "and told once"
    for row in rows:
        acts = Counter(entry["act"] for entry in row["journal"])
        assert (acts["completed"], acts["finished"], acts["started"]) == (4, 1, 1)


def test_the_same_bulk_sent_by_eight_at_once_is_done_once(workflow: Running) -> None:
    ids = [begin(workflow) for _ in range(10)]
    body = {"tasks": [{"id": f"{id}.s1", "outcome": "completed"} for id in ids]}
    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(workflow)) for _ in range(4)]
        with ThreadPoolExecutor(WORKERS) as at_once:
            answers = list(
                at_once.map(
                    lambda n: processes[n % 4].post("tasks/completions", OFFICERS[0], body, key="same"), range(WORKERS)
                )
            )
    assert {answer.status_code for answer in answers} == {200}
    assert {item["status"] for answer in answers for item in answer.get_json()["items"]} == {200}
    assert len({answer.data for answer in answers}) == 1, "all get the first answer"
    for row in workflow.rows("dossiers"):
        assert [entry["act"] for entry in row["journal"]].count("completed") == 1
    assert {row["tasks"][0]["assignee"] for row in workflow.rows("dossiers")} == {subject_of(OFFICERS[0])}


def _done(status: int, answer: Any) -> bool:
    """What is not done was done by somebody else, is with somebody, or its turn has not come."""
    if status == 200:
        return True
    code = (answer.get("problem") or answer)["code"]
    assert code in {"task_not_open", "task_claimed", "not_running"}, answer
    return False
