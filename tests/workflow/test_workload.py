"""Who has how much to do: what is counted, and who sees whose."""

from typing import Any

import pytest
from pymongo import MongoClient

from native.access import Persona
from tests.support.catalogue import CHARTER, ELSEWHERE, HERE, PROVINCE
from tests.support.plans import watched
from tests.support.services import Clock, Running, subject_of
from tests.workflow.test_api import COLLEAGUE, begin, claim, complete
from workflow.domain.agencies import Tree

LEADER = Persona("Lãnh đạo", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
ABOVE = Persona("Lãnh đạo tỉnh", ("tasks.read",), PROVINCE, roles=("leader",))
LAN, DUC = subject_of("officer"), subject_of(COLLEAGUE)
WHY = {"reason": "Chờ ý kiến", "basis": "Nghị định 118/2025/NĐ-CP"}


def rows(workflow: Running, who: str | Persona, query: str = "") -> list[dict[str, Any]]:
    answer = workflow.get(f"workload?{query}", who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("officer", "open", "claimed", "paused", "overdue", "due_today", "done"))


@pytest.fixture
def busy(workflow: Running, clock: Clock) -> Running:
    """At 16:00 on Wednesday 4 March: Lan did one task on 25 February, one today, has one; Đức has two, one waits."""
    clock.set("2026-02-25 15:00")
    old = begin(workflow, CHARTER, amount=None)
    complete(workflow, f"{old}.s1", "approved")
    clock.set("2026-03-04 09:00")
    for _ in range(2):
        begin(workflow)
    recent = begin(workflow, CHARTER, amount=None)
    complete(workflow, f"{recent}.s1", "approved")
    claim(workflow, f"{begin(workflow)}.s1")
    begin(workflow, agency=ELSEWHERE)
    clock.set("2026-03-04 16:00")
    first, second = begin(workflow, CHARTER, amount=None), begin(workflow)
    claim(workflow, f"{first}.s1", COLLEAGUE)
    claim(workflow, f"{second}.s1", COLLEAGUE)
    assert workflow.post(f"dossiers/{second}/pause", LEADER, WHY).status_code == 200
    return workflow


def test_what_is_counted(busy: Running, clock: Clock) -> None:
    # What began at 09:00 was due at 15:00; what began at 16:00 with two hours is due tomorrow.
    assert [told(row) for row in rows(busy, LEADER)] == [
        (None, 2, 0, 0, 2, 0, 0),
        (DUC, 0, 2, 1, 0, 0, 0),
        (LAN, 0, 1, 0, 1, 0, 1),
    ]
    assert [row["name"] for row in rows(busy, LEADER)] == [None, COLLEAGUE.name, "Phạm Văn Đức"]
    clock.set("2026-03-05 07:00")
    assert [told(row) for row in rows(busy, LEADER)][1] == (DUC, 0, 2, 1, 0, 1, 0)


def test_done_is_what_was_done_in_seven_days(busy: Running, clock: Clock) -> None:
    clock.set("2026-03-04 15:00")
    assert [told(row)[-1] for row in rows(busy, LEADER)] == [0, 0, 2], "seven days to the minute"
    clock.move(minutes=1)
    assert [told(row)[-1] for row in rows(busy, LEADER)] == [0, 0, 1]
    clock.move(days=8)
    assert [told(row)[-1] for row in rows(busy, LEADER)] == [0, 0, 0]


def test_who_sees_whose(busy: Running) -> None:
    assert [row["officer"] for row in rows(busy, "officer")] == [None, LAN], "not their colleagues'"
    assert {row["agency"] for row in rows(busy, LEADER, "subtree=true")} == {HERE}
    assert rows(busy, LEADER, f"agency={ELSEWHERE}") == rows(busy, LEADER, f"agency={PROVINCE}") == []
    assert rows(busy, ABOVE) == [], "the province itself has nothing to do"
    assert {row["agency"] for row in rows(busy, ABOVE, "subtree=true")} == {HERE, ELSEWHERE}
    assert rows(busy, ABOVE, f"agency={HERE}") == rows(busy, LEADER)
    assert rows(busy, "leader", f"agency={HERE}") == rows(busy, LEADER)
    ordinary = Persona("Chuyên viên tỉnh", ("tasks.read",), PROVINCE)
    assert rows(busy, ordinary, f"agency={HERE}") == rows(busy, ordinary, "subtree=true") == []
    assert rows(busy, Persona("Không cơ quan", ("tasks.read",))) == []


def test_a_page_holds_so_many_agencies(busy: Running) -> None:
    first = busy.get("workload?subtree=true&limit=2", ABOVE).get_json()
    assert {row["agency"] for row in first["items"]} == {ELSEWHERE}, "the province's own row would be before it"
    rest = busy.get(f"workload?subtree=true&limit=2&cursor={first['next']}", ABOVE).get_json()
    assert ({row["agency"] for row in rest["items"]}, rest["next"]) == ({HERE}, None)


def test_it_reads_what_it_counts(busy: Running, mongo: MongoClient[dict[str, Any]], clock: Clock) -> None:
    for _ in range(10):
        begin(busy, agency=ELSEWHERE)
        done = begin(busy, CHARTER, amount=None)
        complete(busy, f"{done}.s1", "approved")
    clock.move(days=30)
    # Of a handful of documents every plan is as good as another, and the server may remember any of them.
    mongo[busy.database.name].command("planCacheClear", "dossiers")
    with watched(mongo, busy.database.name) as seen:
        rows(busy, LEADER)
    reads = seen.of("dossiers")
    assert len(reads) == 2
    for ran in reads:
        assert "COLLSCAN" not in ran.plan, ran
        assert ran.documents <= 6, "what is open here, and nothing that was done a month ago"


def test_a_circle_of_parents_ends() -> None:
    assert Tree({"A": "C", "B": "A", "C": "B", "D": None, "E": "D"}).below("A") == {"A", "B", "C"}
    assert Tree({"E": "D", "F": "E"}).below("D") == {"D", "E", "F"}
