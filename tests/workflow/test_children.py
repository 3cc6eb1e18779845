"""Child dossiers: begun once, their ends go up, called off with their parents, and unheard of outside."""

import json
import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog.domain import Durations, Step
from chassis.consume import Done, Duplicate, Later
from chassis.envelope import outgoing, read
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE, PROVINCE, days
from tests.support.samples import sample
from tests.support.services import Clock, Running, another_process, everything, problem
from tests.workflow import nesting
from tests.workflow.nesting import DEEPER, DEEPEST, INNER, OUTER, TOO_DEEP, begin, carried, done, inner, of_type, outer
from workflow import events
from workflow.domain import children
from workflow.main import WORKFLOW

AT_THE_PROVINCE = Persona("Bùi Thị Sáu", ("tasks.read", "tasks.work"), PROVINCE)
OPENED, ENDED, CALLED_OFF = "workflow.child.opened.v1", "workflow.child.ended.v1", "workflow.child.called_off.v1"


@pytest.fixture
def nested(workflow: Running) -> Running:
    assert workflow.hear([catalogue.published(outer()), catalogue.published(inner())]) == [Done(), Done()]
    return workflow


def complete(workflow: Running, task: str, outcome: str = "completed", who: str | Persona = "backdate") -> Any:
    answer = workflow.post(f"tasks/{task}/completion", who, {"outcome": outcome})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def withdrawn(workflow: Running, id: str = "d1") -> bytes:
    event = json.loads(sample("intake.dossier.withdrawn.v1"))
    now = workflow.clock().isoformat()
    event |= {"id": f"intake.dossier:{id}:9", "subject": id, "time": now, "sequence": 9}
    event["data"] |= {"received_at": now, "withdrawn_at": now}
    return json.dumps(event).encode()


def states(workflow: Running) -> dict[str, str]:
    return {row["_id"]: row["state"] for row in workflow.rows("dossiers")}


def tasks(workflow: Running, id: str) -> dict[str, str]:
    (row,) = workflow.database["dossiers"].find({"_id": id})
    return {task["step"]: task["state"] for task in row["tasks"]}


def asked_for(workflow: Running) -> bytes:
    """The dossier comes to the step that a child does; the event that asks for it."""
    begin(workflow, OUTER)
    complete(workflow, "d1.in")
    (opened,) = of_type(workflow.publish(), OPENED)
    return opened


# -- the whole way -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_a_child_does_the_step_and_its_decision_returns(nested: Running, clock: Clock, decision: str) -> None:
    begin(nested, OUTER)
    complete(nested, "d1.in")
    assert done(carried(nested)) == [OPENED]
    assert states(nested) == {"d1": "running", "d1~sub": "running"}
    assert tasks(nested, "d1") == {"in": "done", "sub": "open", "sign": "waiting"}
    clock.move(hours=1)
    complete(nested, "d1~sub.look", who=AT_THE_PROVINCE)
    complete(nested, "d1~sub.say", decision, who=AT_THE_PROVINCE)
    assert done(carried(nested)) == [ENDED]
    assert states(nested) == {"d1": "running", "d1~sub": "finished"}
    assert tasks(nested, "d1") == {"in": "done", "sub": "done", "sign": "open"}
    parent = nested.rows("dossiers")[0]
    sub = parent["tasks"][1]
    assert (sub["outcome"], sub["note"]) == (decision, "d1~sub: finished")
    assert sub["completed_at"] == clock() == parent["tasks"][2]["opened_at"], "as of when the child ended"
    last = complete(nested, "d1.sign", "approved")
    assert (last["state"], last["outcome"]) == ("finished", "approved")


def test_a_child_runs_by_its_own_procedure_at_the_agency_of_the_step(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    parent, child = nested.rows("dossiers")
    assert (child["procedure"], child["procedure_name"], child["code"]) == (INNER, "Thẩm định của tỉnh", parent["code"])
    assert (child["agency"], child["parent"], child["lineage"]) == (PROVINCE, "d1.sub", [OUTER])
    assert child["budget"] == {"amount": 2.0, "unit": "working_day"}
    assert child["received_at"] == parent["tasks"][1]["opened_at"]
    # Wednesday 09:00; two days of eight hours.
    assert child["due_at"].isoformat() == "2026-03-06T02:00:00+00:00"
    assert parent["agencies"] == [HERE], "whoever does the child's steps sees the child only"


def test_without_a_time_of_its_own_a_child_has_the_steps(nested: Running) -> None:
    nested.hear([catalogue.published(inner(version=2, durations=None))])
    nested.hear([asked_for(nested)])
    assert nested.rows("dossiers")[1]["budget"] == {"amount": 2.0, "unit": "working_day"}


def test_a_child_is_begun_under_the_newest_version_that_is_in_force(nested: Running) -> None:
    nested.hear([
        catalogue.published(inner(version=10, valid_from=date(2026, 3, 4))),
        catalogue.published(inner(version=9, valid_from=date(2026, 1, 1))),
        catalogue.published(inner(version=11, valid_from=date(2026, 3, 5))),
    ])  # fmt: skip
    nested.hear([asked_for(nested)])
    assert nested.rows("dossiers")[1]["procedure_version"] == 10


# -- once, whatever happens --------------------------------------------------------------------------------------------


def test_a_repeated_event_begins_nothing_and_changes_nothing(nested: Running) -> None:
    """As after a kill between the child's creation and the acknowledgement, and from several workers at once."""
    opened = asked_for(nested)
    assert nested.hear([opened, opened]) == [Done(), Duplicate()]
    complete(nested, "d1~sub.look")
    before = nested.rows("dossiers")
    with another_process(nested) as other:
        assert other.hear([opened]) == [Duplicate()]
    assert nested.rows("dossiers") == before
    complete(nested, "d1~sub.say", "approved")
    (ended,) = of_type(nested.publish(), ENDED)
    assert nested.hear([ended, ended, opened]) == [Done(), Duplicate(), Duplicate()]
    with another_process(nested) as other:
        assert other.hear([opened, ended]) == [Duplicate(), Duplicate()]
    assert tasks(nested, "d1")["sign"] == "open"
    complete(nested, "d1.sign", "approved")
    assert nested.hear([ended]) == [Duplicate()]


def test_two_workers_that_begin_the_same_child_make_one(nested: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other worker begins it after this one has looked, and before it writes."""
    opened = asked_for(nested)
    begin_child = children.begin

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(children, "begin", begin_child)
        with another_process(nested) as other:
            assert other.hear([opened]) == [Done()]
        return begin_child(*args)

    monkeypatch.setattr(children, "begin", meanwhile)
    assert nested.hear([opened]) == [Duplicate()]
    assert states(nested) == {"d1": "running", "d1~sub": "running"}


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_repeated_the_end_is_the_same(nested: Running, clock: Clock, seed: int) -> None:
    """Two dossiers: one goes its way, one is withdrawn when its child is asked for, under way, or has just ended."""
    rng = random.Random(seed)  # noqa: S311 (the same orders each time)
    for id in ("d1", "d2"):
        begin(nested, OUTER, id)
        complete(nested, f"{id}.in")
    moment = seed % 3
    late: list[bytes] = []
    for step, outcome in (("look", "completed"), ("say", "approved")):
        if moment == ("look", "say").index(step):
            late.append(withdrawn(nested, "d2"))
            nested.hear(late)
        carried(nested, rng)
        clock.move(hours=1)
        for id in ("d1", "d2"):
            nested.post(f"tasks/{id}~sub.{step}/completion", "backdate", {"outcome": outcome})
    if moment == 2:
        late = [withdrawn(nested, "d2")]
        nested.hear([*late, *late])
    carried(nested, rng)
    assert states(nested)["d1~sub"] == "finished"
    assert tasks(nested, "d1") == {"in": "done", "sub": "done", "sign": "open"}
    assert states(nested)["d2"] == "withdrawn"
    assert states(nested)["d2~sub"] == ("finished" if moment == 2 else "stopped")
    assert not set(tasks(nested, "d2").values()) & {"open", "claimed", "waiting"}


def test_a_child_whose_parent_ends_before_it_begins_never_does(nested: Running) -> None:
    opened = asked_for(nested)
    nested.hear([withdrawn(nested)])
    (called_off,) = of_type(nested.publish(), CALLED_OFF)
    assert nested.hear([opened]) == [Duplicate()], "the parent waits for nothing any more"
    assert states(nested) == {"d1": "withdrawn"}
    assert nested.hear([called_off]) == [Done()]
    assert nested.hear([called_off, opened]) == [Duplicate(), Duplicate()]
    assert states(nested) == {"d1": "withdrawn", "d1~sub": "stopped"}
    assert nested.publish() == [], "and says nothing of it"


def test_a_child_that_begins_at_the_moment_it_is_called_off_is_called_off(
    nested: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between this worker's look at the parent and its write the parent is withdrawn, and the child called off by
    another worker, which finds none."""
    opened = asked_for(nested)
    begin_child = children.begin

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(children, "begin", begin_child)
        nested.hear([withdrawn(nested)])
        with another_process(nested) as other:
            assert other.hear(of_type(nested.publish(), CALLED_OFF)) == [Done()]
        return begin_child(*args)

    monkeypatch.setattr(children, "begin", meanwhile)
    assert nested.hear([opened]) == [Duplicate()]
    assert states(nested) == {"d1": "withdrawn", "d1~sub": "stopped"}


def test_a_child_that_another_worker_begins_while_it_is_called_off_is_called_off(
    nested: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = asked_for(nested)
    # A worker that looked at the parent before it was withdrawn writes after that.
    never_begun = children.never_begun
    parent = nested.rows("dossiers")
    with another_process(nested) as other:
        other.hear([opened])
    child = nested.rows("dossiers")[1]
    nested.database["dossiers"].delete_one({"_id": "d1~sub"})
    nested.hear([withdrawn(nested)])
    (called_off,) = of_type(nested.publish(), CALLED_OFF)

    def meanwhile(*args: Any) -> Any:
        nested.database["dossiers"].insert_one(child)
        return never_begun(*args)

    monkeypatch.setattr(children, "never_begun", meanwhile)
    assert nested.hear([called_off]) == [Done()]
    assert states(nested) == {"d1": "withdrawn", "d1~sub": "stopped"}
    assert tasks(nested, "d1~sub") == {"look": "closed", "say": "closed"}
    assert parent[0]["_id"] == "d1"


def test_several_children_of_one_dossier_end_in_one_batch(workflow: Running) -> None:
    process = catalogue.steps(Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)))
    branches = tuple(
        Step(
            id=name,
            name="Liên thông",
            role="expert",
            agency="@parent",
            amount=days(1),
            after=("in",),
            kind="child",
            child=INNER,
        )
        for name in ("left", "right")
    )
    sign = Step(id="sign", name="Ký", role="leader", amount=days(0.5), decision=True, after=("left", "right"))
    parallel = replace(process, steps=(*process.steps, *branches, sign))
    workflow.hear([
        catalogue.published(catalogue.procedure(OUTER, process=parallel, durations=Durations(counter=days(5)))),
        catalogue.published(inner()),
    ])  # fmt: skip
    begin(workflow, OUTER)
    complete(workflow, "d1.in")
    assert done(carried(workflow)) == [OPENED, OPENED]
    for child, outcome in (("left", "approved"), ("right", "rejected")):
        complete(workflow, f"d1~{child}.look")
        complete(workflow, f"d1~{child}.say", outcome)
    ended = of_type(workflow.publish(), ENDED)
    assert workflow.hear([ended[1], ended[0], ended[1]]) == [Done(), Done(), Duplicate()]
    row = workflow.rows("dossiers")[0]
    assert [task["outcome"] for task in row["tasks"]] == ["completed", "approved", "rejected", None]
    assert tasks(workflow, "d1")["sign"] == "open"


# -- what cannot be a child --------------------------------------------------------------------------------------------


def test_children_nest_three_deep_and_then_the_agency_does_it_by_hand(workflow: Running) -> None:
    chain = [(OUTER, INNER), (INNER, DEEPER), (DEEPER, DEEPEST), (DEEPEST, TOO_DEEP)]
    workflow.hear([catalogue.published(outer(code, child)) for code, child in chain])
    workflow.hear([catalogue.published(inner(TOO_DEEP))])
    begin(workflow, OUTER)
    id = "d1"
    for _ in range(3):
        complete(workflow, f"{id}.in")
        assert done(carried(workflow)) == [OPENED]
        id = f"{id}~sub"
    complete(workflow, f"{id}.in")
    assert done(carried(workflow)) == []
    deepest = workflow.rows("dossiers")[-1]
    assert (deepest["_id"], deepest["lineage"]) == ("d1~sub~sub~sub", [OUTER, INNER, DEEPER])
    assert ("child_refused", f"{id}.sub") in [(entry["act"], entry["task"]) for entry in deepest["journal"]]
    complete(workflow, f"{id}.sub")
    while id != "d1":
        complete(workflow, f"{id}.sign", "approved")
        assert done(carried(workflow)) == [ENDED]
        id = id.removesuffix("~sub")
    assert complete(workflow, "d1.sign", "approved")["state"] == "finished"


@pytest.mark.parametrize(("inner_child", "below"), [(OUTER, "d1~sub"), (INNER, "d1~sub")])
def test_no_procedure_is_below_itself(workflow: Running, inner_child: str, below: str) -> None:
    workflow.hear([catalogue.published(outer(OUTER, INNER)), catalogue.published(outer(INNER, inner_child))])
    begin(workflow, OUTER)
    complete(workflow, "d1.in")
    carried(workflow)
    complete(workflow, f"{below}.in")
    assert carried(workflow) == []
    assert states(workflow) == {"d1": "running", below: "running"}
    complete(workflow, f"{below}.sub")


def test_a_procedure_that_never_comes_leaves_the_step_to_the_officers(workflow: Running, clock: Clock) -> None:
    """It waits for the procedure at first; with the last retry but one it is done by hand, and not parked."""
    workflow.hear([catalogue.published(outer())])
    opened = asked_for(workflow)
    assert workflow.hear([opened]) == [Later("procedure_not_here_yet")]
    clock.move(minutes=5)
    assert workflow.hear([opened]) == [Done()]
    row = workflow.rows("dossiers")[0]
    assert (row["journal"][-1]["act"], row["journal"][-1]["task"]) == ("child_refused", "d1.sub")
    assert row["agencies"] == [HERE, PROVINCE]
    workflow.hear([catalogue.published(inner())])
    workflow.hear([*workflow.publish(), opened])
    assert states(workflow) == {"d1": "running", "d1~sub": "stopped"}, "it was called off before it began"
    complete(workflow, "d1.sub", who=AT_THE_PROVINCE)
    assert tasks(workflow, "d1")["sign"] == "open"


def test_a_child_waits_for_its_procedure_for_a_while(workflow: Running) -> None:
    workflow.hear([catalogue.published(outer())])
    opened = asked_for(workflow)
    assert workflow.hear([opened]) == [Later("procedure_not_here_yet")]
    assert workflow.hear([catalogue.published(inner()), opened]) == [Done(), Done()]
    assert states(workflow) == {"d1": "running", "d1~sub": "running"}


# -- parents and children ----------------------------------------------------------------------------------------------


def test_officers_cannot_do_what_a_child_does(nested: Running) -> None:
    asked_for(nested)
    problem(nested.post("tasks/d1.sub/claim", AT_THE_PROVINCE, {}), 409, "child_at_work")
    problem(nested.post("tasks/d1.sub/completion", AT_THE_PROVINCE, {"outcome": "completed"}), 409, "child_at_work")


def test_a_child_that_is_stopped_returns_as_rejected(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    answer = nested.post(
        "dossiers/d1~sub/stop", everything(WORKFLOW), {"reason": "Trùng", "basis": "NĐ 118/2025/NĐ-CP"}
    )
    assert answer.status_code == 200, answer.text
    assert done(carried(nested)) == [ENDED]
    sub = nested.rows("dossiers")[0]["tasks"][1]
    assert (sub["state"], sub["outcome"], sub["note"]) == ("done", "rejected", "d1~sub: stopped")


def test_a_parent_that_is_paused_leaves_its_child_running_and_its_end_counts(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    paused = nested.post("dossiers/d1/pause", everything(WORKFLOW), {"reason": "Chờ", "basis": "Điều 5"})
    assert paused.status_code == 200, paused.text
    carried(nested)
    complete(nested, "d1~sub.look")
    complete(nested, "d1~sub.say", "approved")
    assert ENDED in done(carried(nested))
    assert tasks(nested, "d1") == {"in": "done", "sub": "done", "sign": "open"}
    assert states(nested)["d1"] == "paused"
    problem(nested.post("tasks/d1.sign/completion", "officer", {"outcome": "approved"}), 409, "not_running")
    resumed = nested.post("dossiers/d1/resumption", everything(WORKFLOW), {"reason": "Đã có"})
    assert resumed.status_code == 200, resumed.text
    assert complete(nested, "d1.sign", "approved")["state"] == "finished"


def test_when_the_last_step_ends_the_pause_ends_with_the_dossier(workflow: Running, clock: Clock) -> None:
    process = catalogue.steps(
        Step(id="in", name="Quyết định", role="leader", amount=days(0.5), decision=True),
        Step(id="sub", name="Liên thông", role="expert", agency="@parent", amount=days(1), kind="child", child=INNER),
    )
    last = catalogue.procedure(OUTER, process=process, durations=Durations(counter=days(5)))
    workflow.hear([catalogue.published(last), catalogue.published(inner())])
    begin(workflow, OUTER)
    complete(workflow, "d1.in", "approved")
    carried(workflow)
    clock.move(hours=1)
    workflow.post("dossiers/d1/pause", everything(WORKFLOW), {"reason": "Chờ", "basis": "Điều 5"})
    clock.move(hours=1)
    complete(workflow, "d1~sub.look")
    complete(workflow, "d1~sub.say", "rejected")
    carried(workflow)
    row = workflow.rows("dossiers")[0]
    assert (row["state"], row["outcome"], row["finished_at"]) == ("finished", "approved", clock())
    assert row["pauses"][0]["end"] == clock()


def test_only_the_outermost_dossier_asks_the_applicant(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    before = nested.rows("dossiers")
    asked = nested.post(
        "tasks/d1~sub.look/supplement-request",
        everything(WORKFLOW, PROVINCE),
        {"components": ["TP1"], "reason": "Thiếu"},
    )
    problem(asked, 409, "child_dossier")
    fee = {"amount": 1000, "reason": "Phí", "basis": "TT 85/2019"}
    problem(nested.post("tasks/d1~sub.look/fee-request", everything(WORKFLOW, PROVINCE), fee), 409, "child_dossier")
    assert nested.rows("dossiers") == before


def test_what_is_below_a_child_is_called_off_with_it(workflow: Running) -> None:
    workflow.hear([catalogue.published(outer(OUTER, INNER)), catalogue.published(outer(INNER, DEEPER))])
    workflow.hear([catalogue.published(inner(DEEPER))])
    begin(workflow, OUTER)
    complete(workflow, "d1.in")
    carried(workflow)
    complete(workflow, "d1~sub.in")
    carried(workflow)
    assert states(workflow) == {"d1": "running", "d1~sub": "running", "d1~sub~sub": "running"}
    workflow.hear([withdrawn(workflow)])
    assert done(carried(workflow)) == [CALLED_OFF, CALLED_OFF]
    assert states(workflow) == {"d1": "withdrawn", "d1~sub": "stopped", "d1~sub~sub": "stopped"}
    assert workflow.rows("dossiers")[2]["journal"][-1]["note"] == "called_off"


def test_a_child_that_the_dossier_goes_on_without_is_called_off(workflow: Running) -> None:
    """Of two branches the first one counts."""
    steps = (
        Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
        Step(
            id="sub",
            name="Hỏi",
            role="expert",
            agency="@parent",
            amount=days(1),
            after=("in",),
            kind="child",
            child=INNER,
        ),
        Step(id="own", name="Tự xét", role="expert", amount=days(1), after=("in",)),
        Step(id="sign", name="Ký", role="leader", amount=days(1), decision=True, after=("sub", "own"), join="any"),
    )
    either = catalogue.procedure(OUTER, process=replace(catalogue.steps(*steps), steps=steps))
    workflow.hear([catalogue.published(either), catalogue.published(inner())])
    begin(workflow, OUTER)
    complete(workflow, "d1.in")
    carried(workflow)
    complete(workflow, "d1.own")
    assert CALLED_OFF in done(carried(workflow))
    assert states(workflow) == {"d1": "running", "d1~sub": "stopped"}
    assert tasks(workflow, "d1") == {"in": "done", "sub": "skipped", "own": "done", "sign": "open"}


def test_what_a_child_says_stays_inside(nested: Running) -> None:
    """Whatever is done with it: to the other services there is one dossier."""
    nested.hear([asked_for(nested)])
    assert nested.publish() == []
    everybody = everything(WORKFLOW)
    nested.post("tasks/d1~sub.look/claim", everybody, {})
    for act, body in (
        ("pause", {"reason": "Chờ", "basis": "Điều 5"}),
        ("resumption", {"reason": "Đã có"}),
        ("extension", {"amount": 1, "unit": "working_day", "reason": "Phức tạp", "basis": "Điều 6", "apology": True}),
    ):
        answer = nested.post(f"dossiers/d1~sub/{act}", everybody, body)
        assert answer.status_code == 200, (act, answer.text)
    complete(nested, "d1~sub.look", who=everybody)
    assert nested.publish() == []
    complete(nested, "d1~sub.say", "approved", who=everybody)
    told = [(read(body).type, read(body).subject) for body in nested.publish()]
    assert told == [(ENDED, "d1~sub")]


def test_a_returned_step_gets_another_child_and_the_first_ones_end_is_no_matter(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    complete(nested, "d1~sub.look")
    complete(nested, "d1~sub.say", "approved")
    (ended,) = of_type(nested.publish(), ENDED)
    nested.hear([ended])
    back = nested.post("tasks/d1.sign/return", "officer", {"to": "sub", "reason": "Xem lại"})
    assert back.status_code == 200, back.text
    assert done(carried(nested)) == [OPENED]
    assert states(nested) == {"d1": "running", "d1~sub": "finished", "d1~sub:2": "running"}
    assert nested.hear([ended]) == [Duplicate()], "of the first round"
    complete(nested, "d1~sub:2.look")
    complete(nested, "d1~sub:2.say", "rejected")
    carried(nested)
    assert nested.rows("dossiers")[0]["tasks"][1]["outcome"] == "rejected"
    timeline = nested.get("dossiers/d1/timeline", "officer").get_json()
    assert [child["dossier"] for child in timeline["children"]] == ["d1~sub", "d1~sub:2"]


# -- who sees it -------------------------------------------------------------------------------------------------------


def test_the_parents_agencies_see_the_childs_course_and_the_others_only_the_parents_state(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    timeline = nested.get("dossiers/d1/timeline", "officer").get_json()
    (child,) = timeline["children"]
    assert (timeline["parent"], child["dossier"], child["task"], child["state"]) == (
        None,
        "d1~sub",
        "d1.sub",
        "running",
    )
    assert (child["agency"], child["procedure_name"], child["outcome"]) == (PROVINCE, "Thẩm định của tỉnh", None)
    seen = nested.get("dossiers/d1~sub/timeline", "officer")
    assert seen.status_code == 200
    assert [task["step"] for task in seen.get_json()["tasks"]] == ["look", "say"]
    theirs = nested.get("dossiers/d1~sub/timeline", AT_THE_PROVINCE).get_json()
    assert theirs["parent"] == {"dossier": "d1", "task": "d1.sub", "state": "running"}
    problem(nested.get("dossiers/d1/timeline", AT_THE_PROVINCE), 404, "not_found")
    for id in ("d1~sub", "d1~none", "d1"):
        problem(nested.get(f"dossiers/{id}/timeline", "other_officer"), 404, "not_found")
    problem(nested.post("tasks/d1~sub.look/claim", "officer", {}), 404, "not_found")


def test_a_childs_tasks_are_in_the_lists_of_its_agency(nested: Running) -> None:
    nested.hear([asked_for(nested)])
    listed = nested.get("tasks", AT_THE_PROVINCE).get_json()["items"]
    assert {item["id"]: item["kind"] for item in listed} == {"d1.sub": "child", "d1~sub.look": "task"}
    assert nested.get("tasks", "officer").get_json()["items"] == []


# -- the events --------------------------------------------------------------------------------------------------------


def test_an_end_of_nobody_is_no_ones(nested: Running) -> None:
    asked_for(nested)

    def ended(**changes: Any) -> bytes:
        plain: dict[str, Any] = {
            "code": "x", "task": "d1.sub", "child": "d1~sub", "procedure": INNER, "agency": ELSEWHERE,
            "state": "finished", "outcome": "approved", "ended_at": nested.clock(),
        }  # fmt: skip
        data = events.ChildEnded(**{**plain, **changes})
        return outgoing(data, subject="x", sequence=1, time=nested.clock()).body.encode()

    assert nested.hear([ended(task="d9.sub"), ended(task="d1.none"), ended(task="d1.in"), ended(child="d1~sub:2")]) == [
        Later("process_not_here_yet"), Duplicate(), Duplicate(), Duplicate(),
    ]  # fmt: skip
    assert tasks(nested, "d1")["sub"] == "open"
    assert nesting.done(nesting.took([ended()], nested.hear([ended()]))) == [ENDED]
