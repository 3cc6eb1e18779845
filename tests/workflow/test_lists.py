"""Lists of tasks and of dossiers: complete, each thing once, each one range of an index, nobody else's."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from catalog.domain import Step
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, CHARTER, ELSEWHERE, HERE, LAND, PROVINCE
from tests.support.plans import watched
from tests.support.services import Clock, Running, pointers, problem, subject_of
from tests.workflow import making
from tests.workflow.test_api import AT_THE_PROVINCE, COLLEAGUE, begin, claim, complete, listed
from workflow.domain import listing
from workflow.domain.listing import Listed, Wanted
from workflow.domain.parts import Task, TaskState
from workflow.domain.processes import NO_DUE

BRANCHES = "1.000999"
"""Its second and third step are done at the same time, the third at the parent agency."""
LEADER = Persona("Lãnh đạo", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
WHY = {"reason": "Chờ ý kiến", "basis": "Nghị định 118/2025/NĐ-CP"}
LAN, DUC = subject_of("officer"), subject_of(COLLEAGUE)


def branches() -> bytes:
    first = Step(id="s1", name="Tiếp nhận", role="one_stop", amount=catalogue.days(0.5))
    here = Step(id="s2", name="Thẩm định", role="expert", after=("s1",), amount=catalogue.days(1))
    there = Step(id="s3", name="Lấy ý kiến", role="expert", after=("s1",), agency="@parent", amount=catalogue.days(1.5))
    last = Step(id="s4", name="Ký", role="leader", after=("s2", "s3"), decision=True, amount=catalogue.days(0.5))
    process = catalogue.steps(first, here, there, last)
    return catalogue.published(catalogue.procedure(BRANCHES, process=process))


def pages(workflow: Running, path: str, who: str | Persona) -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        answer = workflow.get(f"{path}&cursor={cursor}" if cursor else path, who)
        assert answer.status_code == 200, answer.text
        yield answer.get_json()["items"]
        cursor = answer.get_json()["next"]
        if not cursor:
            return


def walked(workflow: Running, path: str, who: str | Persona) -> list[str]:
    return [item["id"] for page in pages(workflow, path, who) for item in page]


# --- the words in the index -------------------------------------------------------------------------------------------

AGENCIES, ROLES, PEOPLE, PROCEDURES = ("A", "B", "A|x"), ("expert", "leader", "x|expert"), ("lan", "duc"), ("P1", "P2")
TASKS = st.builds(
    replace,
    st.just(making.task(making.started()[0], "s1")),
    agency=st.sampled_from(AGENCIES),
    role=st.sampled_from(ROLES),
    state=st.sampled_from(list(TaskState)),
    kind=st.sampled_from(("task", "opinion", "child")),
    assignee=st.none() | st.sampled_from(PEOPLE),
    co_handlers=st.lists(st.sampled_from(PEOPLE), unique=True).map(tuple),
)
WANTED = st.builds(
    Wanted,
    agency=st.none() | st.sampled_from(AGENCIES),
    role=st.none() | st.sampled_from(ROLES),
    persons=st.none() | st.lists(st.sampled_from(PEOPLE), min_size=1, unique=True).map(tuple),
    state=st.none() | st.sampled_from(("open", "claimed")),
    procedure=st.none() | st.sampled_from(PROCEDURES),
    kind=st.none() | st.sampled_from(("task", "opinion", "child")),
)


@given(tasks=st.lists(TASKS, max_size=4), wanted=WANTED, procedure=st.sampled_from(PROCEDURES))
@settings(max_examples=120, deadline=None)
def test_whatever_is_wanted_is_found_by_its_key(tasks: list[Task], wanted: Wanted, procedure: str) -> None:
    plain = Listed(
        id="d1", state="running", code="c", procedure=procedure, procedure_name="", next_due_at=NO_DUE,
        tasks=tuple(tasks),
    )  # fmt: skip
    there = listing.keys(procedure, tasks)
    asked = wanted.keys()
    if any(wanted.holds(plain, task) for task in tasks):
        assert asked is None or not set(asked).isdisjoint(there)
    assert bool(there) == any(task.state in ("open", "claimed") for task in tasks)


def test_a_finished_process_is_on_no_list_and_a_running_one_on_those_of_its_open_tasks() -> None:
    assert making.finished().lists == ()
    process, _ = making.started()
    assert "agency|H56.30" in process.lists
    assert "role@H56.30|one_stop" in process.lists
    claimed = making.claim(process, "s1", making.by())
    assert set(claimed.lists) - set(process.lists) == {"state@H56.30|claimed", f"person|{making.LAN}"}
    done, _ = making.complete(claimed, "s1", making.by(1))
    assert done.worked_at == making.by(1).at
    assert f"person|{making.LAN}" not in done.lists


# --- lists of tasks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(workflow: Running, clock: Clock) -> Running:
    """Dossiers in many states, at three agencies; some are due at the same instant."""
    workflow.hear([branches()])
    for n in range(8):
        begin(workflow)
        begin(workflow, CHARTER, amount=None)
        claim(workflow, f"{begin(workflow)}.s1", "officer" if n % 2 else COLLEAGUE)
        there = begin(workflow, agency=ELSEWHERE)
        if n % 3 == 0:
            claim(workflow, f"{there}.s1", "other_officer")
            complete(workflow, f"{begin(workflow, LAND, amount=10)}.s1")
            complete(workflow, f"{begin(workflow, BRANCHES)}.s1")
        if n % 4 == 0:
            done = begin(workflow, CHARTER, amount=None)
            complete(workflow, f"{done}.s1", "approved")
            assert workflow.post(f"dossiers/{begin(workflow)}/pause", LEADER, WHY).status_code == 200
        clock.move(minutes=20 if n % 3 else 0)
    clock.move(hours=5)
    return workflow


QUERIES: list[dict[str, str]] = [
    {},
    {"state": "open"},
    {"state": "claimed", "role": "one_stop"},
    {"role": "expert"},
    {"procedure": LAND},
    {"procedure": BUSINESS, "state": "claimed"},
    {"kind": "task"},
    {"kind": "opinion"},
    {"assignee": LAN},
    {"assignee": DUC, "role": "one_stop"},
]


def test_a_list_holds_exactly_what_a_look_at_everything_finds(busy: Running) -> None:
    now = busy.clock().replace(tzinfo=None)
    every = [
        (row, task) for row in busy.rows("dossiers") for task in row["tasks"] if task["state"] in ("open", "claimed")
    ]
    callers: list[tuple[str | Persona, str | None]] = [
        ("officer", HERE),
        (AT_THE_PROVINCE, PROVINCE),
        ("other_officer", ELSEWHERE),
        ("leader", None),
    ]
    seen = set()
    for (who, agency), query, overdue in product(callers, QUERIES, (False, True)):
        expected = {
            task["id"]
            for row, task in every
            if agency in (None, task["agency"])
            and all({**task, "procedure": row["procedure"]}[name] == value for name, value in query.items())
            and (
                not overdue
                or (row["state"] == "running" and task["due_at"] and task["due_at"].replace(tzinfo=None) < now)
            )
        }
        asked = "&".join(f"{name}={value}" for name, value in {**query, "overdue": str(overdue).lower()}.items())
        found = list(pages(busy, f"tasks?limit=4&{asked}", who))
        assert all(len(page) <= 4 for page in found)
        shown = [item["id"] for page in found for item in page]
        assert len(shown) == len(set(shown)), asked
        assert set(shown) == expected, asked
        seen |= {(asked, agency)} if expected else set()
    assert len(seen) > 30, "most of these lists are of something"


def test_what_waits_in_a_paused_dossier_is_on_the_list_and_not_overdue(busy: Running, clock: Clock) -> None:
    clock.move(days=60)
    shown = [item for page in pages(busy, "tasks?", "officer") for item in page]
    paused = {item["id"] for item in shown if item["dossier_state"] == "paused"}
    assert len(paused) == 2
    assert not paused & set(walked(busy, "tasks?overdue=true", "officer"))
    assert not paused & set(walked(busy, "tasks?due_before=2030-01-01T00:00:00Z", "officer"))


def test_a_page_ends_in_the_middle_of_a_dossier_and_the_next_one_goes_on_there(workflow: Running) -> None:
    workflow.hear([branches()])
    dossiers = [begin(workflow, BRANCHES) for _ in range(3)]
    for id in dossiers:
        complete(workflow, f"{id}.s1")
    expected = [f"{id}.{step}" for id in sorted(dossiers) for step in ("s2", "s3")]
    for limit in (1, 2, 3, 4, 5, 6):
        found = list(pages(workflow, f"tasks?limit={limit}", "leader"))
        assert [item["id"] for page in found for item in page] == expected
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    # What is done while somebody turns the page does not hide what is still open.
    first = workflow.get("tasks?limit=1", "leader").get_json()
    complete(workflow, expected[0])
    cursor = first["next"]
    assert set(walked(workflow, f"tasks?limit=50&cursor={cursor}", "leader")) >= set(expected[2:])


def test_a_delegate_sees_what_is_the_delegators_and_only_within_the_period(workflow: Running, clock: Clock) -> None:
    mine, theirs, other = (f"{begin(workflow)}.s1" for _ in range(3))
    for task, who in ((mine, COLLEAGUE), (theirs, "officer"), (other, "officer")):
        claim(workflow, task, who)
    period = {"from": "2026-03-05T02:00:00Z", "until": "2026-03-06T02:00:00Z", "reason": "Nghỉ phép"}
    single = workflow.post(f"tasks/{theirs}/delegation", "officer", {"to": DUC, **period})
    assert single.status_code == 201, single.text
    assert listed(workflow.get("tasks?assignee=me", COLLEAGUE)) == [mine]
    clock.move(days=1)
    assert set(listed(workflow.get("tasks?assignee=me", COLLEAGUE))) == {mine, theirs}
    assert workflow.post("delegations", "officer", {"to": DUC, **period}).status_code == 201
    assert set(listed(workflow.get("tasks?assignee=me", COLLEAGUE))) == {mine, theirs, other}
    assert set(listed(workflow.get("tasks?assignee=me", "officer"))) == {theirs, other}
    clock.move(days=1)
    assert listed(workflow.get("tasks?assignee=me", COLLEAGUE)) == [mine]


# --- lists of dossiers ------------------------------------------------------------------------------------------------


def test_dossiers_are_listed_by_state_due_date_and_code(busy: Running, clock: Clock) -> None:
    rows = [row for row in busy.rows("dossiers") if HERE in row["agencies"]]
    newest = [row["_id"] for row in sorted(rows, key=lambda row: (row["received_at"], row["_id"]), reverse=True)]
    states = {row["_id"]: row["state"] for row in rows}
    assert walked(busy, "dossiers?limit=4", "officer") == newest
    assert walked(busy, f"dossiers?limit=4&agency={HERE}", "leader") == newest
    for state in ("running", "paused", "finished", "withdrawn", "stopped"):
        wanted = [id for id in newest if states[id] == state]
        assert walked(busy, f"dossiers?limit=4&state={state}", "officer") == wanted
    due = sorted((row["due_at"], row["_id"]) for row in rows if row["due_at"] and row["state"] in ("running", "paused"))
    assert walked(busy, "dossiers?limit=4&due_before=2027-01-01T00:00:00Z", "officer") == [id for _, id in due]
    middle = due[len(due) // 2][0]
    before = walked(busy, f"dossiers?limit=4&due_before={middle.isoformat().replace('+00:00', 'Z')}", "officer")
    assert before == [id for at, id in due if at < middle]
    code = rows[3]["code"]
    by_code = sorted((row["code"], row["_id"]) for row in rows)
    assert walked(busy, f"dossiers?limit=4&q={HERE.lower()}", "officer") == [id for _, id in by_code]
    assert set(walked(busy, f"dossiers?q={code}", "officer")) == {row["_id"] for row in rows if row["code"] == code}
    assert walked(busy, f"dossiers?q={code}", "other_officer") == []
    assert len(walked(busy, "dossiers?limit=7", "leader")) == len(busy.rows("dossiers"))


def test_a_follower_finds_what_they_follow(workflow: Running) -> None:
    followed, other = begin(workflow), begin(workflow)
    workflow.get("tasks", COLLEAGUE)
    assert workflow.post(f"dossiers/{followed}/followers", "officer", {"add": [DUC]}).status_code == 200
    assert walked(workflow, "dossiers?follower=me", COLLEAGUE) == [followed]
    assert walked(workflow, "dossiers?follower=me", "officer") == []
    moved = Persona(COLLEAGUE.name, COLLEAGUE.scopes, ELSEWHERE)
    assert walked(workflow, "dossiers?follower=me", moved) == [], "who left the agency sees it no more"
    assert other


@pytest.mark.parametrize(
    "query", ["state=open", "q=ab", "q=%2A%2A%2A", "due_before=tomorrow", "due_before=0001-01-01T00:00:00%2B14:00",
              "follower=you", "cursor=W10", "limit=0"],
)  # fmt: skip
def test_a_wrong_parameter_of_the_dossiers_is_pointed_at(workflow: Running, query: str) -> None:
    assert [pointer for pointer, _ in pointers(workflow.get(f"dossiers?{query}", "officer"))] == [
        f"/{query.partition('=')[0]}"
    ]


def test_another_orders_cursor_is_refused(workflow: Running) -> None:
    for _ in range(3):
        begin(workflow)
    by_code = workflow.get(f"dossiers?limit=1&q={HERE}", "officer").get_json()["next"]
    assert pointers(workflow.get(f"dossiers?limit=1&cursor={by_code}", "officer")) == [("/cursor", "cursor")]
    assert pointers(workflow.get(f"tasks?limit=1&cursor={by_code}", "officer")) == [("/cursor", "cursor")]


# --- what the server does ---------------------------------------------------------------------------------------------


def test_every_list_is_a_range_of_an_index(busy: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    """By the server's own account: no scan, no sort in memory, and nothing read that is not shown. Most of these tasks
    have no due time, so that they all stand at the same place and only their ids tell where a page begins."""
    for _ in range(12):
        begin(busy, CHARTER, amount=None)
    busy.database["dossiers"].update_many({"procedure": CHARTER, "state": "running"}, {"$set": {"next_due_at": NO_DUE}})
    lists: list[tuple[str, str | Persona]] = [
        *((f"tasks?limit=3{query}", "officer") for query in ("", "&state=open", "&role=one_stop", "&overdue=true")),
        (f"tasks?limit=3&procedure={CHARTER}", "officer"),
        (f"tasks?limit=3&procedure={BUSINESS}", "leader"),
        ("tasks?limit=2&assignee=me", "officer"),
        ("tasks?limit=3", "leader"),
        ("tasks?limit=3&overdue=true", "leader"),
        *((f"dossiers?limit=3{query}", who) for query in ("", "&state=running", "&due_before=2027-01-01T00:00:00Z")
          for who in ("officer", "leader")),
        *((f"dossiers?limit=3&q={HERE}", who) for who in ("officer", "leader")),
    ]  # fmt: skip
    for path, who in lists:
        # Of a handful of documents every plan is as good as another, and the server may remember any of them.
        mongo[busy.database.name].command("planCacheClear", "dossiers")
        with watched(mongo, busy.database.name) as seen:
            assert len(walked(busy, path, who)) > 2, path
        reads = seen.of("dossiers")
        assert len(reads) > 1
        for ran in reads:
            assert "COLLSCAN" not in ran.plan, (path, ran)
            # Of every state, the ranges of the five states are merged: the server calls that a sort, and reads no more.
            assert not ran.sorted_in_memory or path == "dossiers?limit=3", (path, ran)
            # A dossier is read in vain when the task that is due is another's.
            assert ran.documents <= ran.returned + 3, (path, ran)
            assert ran.keys <= ran.returned + 15, (path, ran)


# --- who may act ------------------------------------------------------------------------------------------------------


def test_who_has_roles_works_on_the_steps_of_these_roles_and_on_what_is_theirs_by_name(workflow: Running) -> None:
    clerk = Persona("Văn thư", ("tasks.read", "tasks.work"), HERE, roles=("clerk",))
    counter = Persona("Một cửa", ("tasks.read", "tasks.work"), HERE, roles=("one_stop", "expert"))
    id = begin(workflow)
    problem(claim(workflow, f"{id}.s1", clerk), 403, "role_missing")
    problem(complete(workflow, f"{id}.s1", who=clerk), 403, "role_missing")
    assert complete(workflow, f"{id}.s1", who=counter).status_code == 200
    assert listed(workflow.get("tasks", clerk)) == [f"{id}.s2"], "everybody sees what the agency has"
    workflow.get("tasks", clerk)
    given_to = workflow.post(f"tasks/{id}.s2/assignment", LEADER, {"to": subject_of(clerk)})
    assert given_to.status_code == 200, given_to.text
    assert complete(workflow, f"{id}.s2", who=clerk).status_code == 200
    assert complete(workflow, f"{id}.s3", "approved", who="officer").status_code == 200, "a token without roles"
