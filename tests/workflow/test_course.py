"""Which steps come: conditions on facts and outcomes, joins of all and of the first, and what is skipped."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain import Fact, Step
from catalog.domain import Process as CatalogProcess
from tests.support import catalogue
from tests.support.samples import sample
from tests.support.services import Running
from tests.workflow import making
from tests.workflow.making import RECEIVED_AT, by, complete, open_tasks, task
from workflow import events
from workflow.domain import course, returns
from workflow.domain.conditions import holds
from workflow.domain.parts import BEHIND, TaskState
from workflow.domain.processes import Process, State, first_broken_entry


def fact(name: str, value: Any) -> dict[str, Any]:
    return {"properties": {"facts": {"properties": {name: {"const": value}}}}}


def outcome(step: str, value: str) -> dict[str, Any]:
    return {"properties": {"outcomes": {"properties": {step: {"const": value}}}}}


def step(id: str, after: str = "", **changes: Any) -> Step:
    return Step(id=id, name=id, role="expert", amount=catalogue.days(1), after=tuple(after.split()), **changes)


def started(*steps: Step, **facts: Any) -> Process:
    procedure = making.procedure(process=CatalogProcess(steps=steps))
    return making.started(procedure, 30, facts=facts)[0]


def states(process: Process) -> dict[str, str]:
    return {task.step: task.state.value for task in process.tasks}


def skipped(process: Process) -> list[tuple[str, str | None]]:
    return [(entry.task or "", entry.note) for entry in process.journal if entry.act == "skipped"]


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        ({}, True),
        (fact("area", 5), True),
        (fact("area", 6), False),
        (fact("nobody", 5), False),
        ({"properties": {"facts": {"properties": {"nobody": {}}}}}, False),
        ({"not": fact("nobody", 5)}, True),
        ({"properties": {"facts": {"properties": {"area": {"minimum": 5}, "poor": {"const": True}}}}}, True),
        ({"properties": {"facts": {"properties": {"area": {"minimum": 5}, "nobody": {"const": True}}}}}, False),
        ({"anyOf": [fact("nobody", 1), fact("poor", True)]}, True),
        ({"allOf": [fact("area", 5), outcome("s3", "approved")]}, True),
        (outcome("s3", "rejected"), False),
        (outcome("s4", "approved"), False),
        ({"if": fact("poor", True), "then": fact("area", 6), "else": {}}, False),
        ({"required": ["nothing"]}, False),
        ({"type": "no such type"}, True),
        ({"$ref": "http://127.0.0.1:9/schema"}, True),
    ],
)
def test_a_condition_holds_when_what_it_names_is_there_and_fits(
    condition: dict[str, Any] | None, expected: bool
) -> None:
    assert holds(condition, {"area": 5, "poor": True}, {"s3": "approved"}) is expected


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
@settings(max_examples=30, deadline=None)
def test_odd_facts_do_not_match_and_break_nothing(facts: dict[str, Any]) -> None:
    facts.pop("area", None)
    assert not holds({"properties": {"facts": {"properties": {"area": {"type": "number"}}}}}, facts, {})


# --- steps that are skipped -------------------------------------------------------------------------------------------


def conditional() -> tuple[Step, ...]:
    return (
        step("in"),
        step("big", "in", condition=fact("size", "big")),
        step("bigger", "big", condition=fact("size", "big")),
        step("sign", "bigger", decision=True),
    )


def test_a_step_whose_condition_holds_comes() -> None:
    process, _ = complete(started(*conditional(), size="big"), "in", by(1))
    assert open_tasks(process) == ["big"]
    assert skipped(process) == []


def test_a_step_whose_condition_does_not_hold_is_skipped_and_what_waits_for_it_goes_on() -> None:
    process, said = complete(started(*conditional(), size="small"), "in", by(2))
    assert states(process) == {"in": "done", "big": "skipped", "bigger": "skipped", "sign": "open"}
    assert task(process, "sign").opened_at == by(2).at, "as of when the step before was done"
    why = "its condition does not hold"
    assert skipped(process) == [("d1.big", why), ("d1.bigger", why)]
    entry = next(entry for entry in process.journal if entry.act == "skipped")
    assert (entry.at, entry.recorded_at, entry.by) == (by(2).at, by(2).recorded_at, "system:workflow")
    assert first_broken_entry(process) is None
    completed = next(each for each in said if isinstance(each, events.TaskCompleted))
    assert (completed.steps_done, completed.steps_total) == (3, 4), "what is behind counts, of all there are"
    assert [each.step for each in said if isinstance(each, events.TaskAssigned)] == ["sign"]


def test_without_the_fact_the_step_is_skipped_too() -> None:
    process, _ = complete(started(*conditional()), "in", by(2))
    assert open_tasks(process) == ["sign"]


def test_the_first_steps_may_be_skipped() -> None:
    process = started(step("a", condition=fact("x", 1)), step("b", "a", decision=True))
    assert states(process) == {"a": "skipped", "b": "open"}
    assert task(process, "b").opened_at == RECEIVED_AT


def test_a_process_ends_with_a_step_that_is_skipped() -> None:
    steps = (step("sign", decision=True), step("publish", "sign", condition=outcome("sign", "approved")))
    rejected, said = complete(started(*steps), "sign", by(3), "rejected")
    assert (rejected.state, rejected.outcome, rejected.finished_at) == (State.FINISHED, "rejected", by(3).at)
    assert [type(each) for each in said] == [events.TaskCompleted, events.DossierFinished]
    assert said[0].steps_done == said[0].steps_total == 2
    approved, _ = complete(started(*steps), "sign", by(3))
    assert (approved.state, open_tasks(approved)) == (State.RUNNING, ["publish"])


def test_of_exclusive_branches_one_is_worked_on() -> None:
    steps = (
        step("in"),
        step("light", "in", condition={"not": fact("size", "big")}),
        step("heavy", "in", condition=fact("size", "big")),
        step("sign", "light heavy", decision=True),
    )
    process, _ = complete(started(*steps, size="big"), "in", by(1))
    assert open_tasks(process) == ["heavy"]
    process, _ = complete(process, "heavy", by(5))
    assert (open_tasks(process), task(process, "sign").opened_at) == (["sign"], by(5).at)


def test_a_step_that_was_skipped_is_asked_about_again_after_a_return() -> None:
    steps = (
        step("check"),
        step("mend", "check", condition=outcome("check", "rejected")),
        step("draft", "mend"),
        step("sign", "draft", decision=True),
    )
    process, _ = complete(started(*steps), "check", by(1))
    assert states(process) == {"check": "done", "mend": "skipped", "draft": "open", "sign": "waiting"}
    process, _ = returns.send_back(process, task(process, "draft"), "check", "Thiếu", making.CALENDAR, by(2))
    assert states(process) == {"check": "open", "mend": "waiting", "draft": "waiting", "sign": "waiting"}
    process, _ = complete(process, "check", by(3))
    assert (open_tasks(process), len(skipped(process))) == (["draft"], 2)


def test_the_facts_that_intake_tells_decide_which_steps_come(workflow: Running) -> None:
    process = CatalogProcess(steps=conditional(), facts=(Fact(name="size", pointer="/size"),))
    workflow.hear([catalogue.published(catalogue.procedure(version=2, process=process))])
    event = json.loads(sample("intake.dossier.received.v1"))
    found = []
    for n, facts in enumerate(({"size": "big"}, {"size": "small"}, {})):
        data = event["data"] | {
            "dimensions": event["data"]["dimensions"]
            | {"procedure": catalogue.BUSINESS, "procedure_version": 2, "agency": catalogue.HERE},
            "facts": facts,
        }
        id = f"0000{n}"
        told = event | {"id": f"intake.dossier:{id}:1", "subject": id, "sequence": 1, "data": data}
        workflow.hear([json.dumps(told).encode()])
        answer = workflow.post(f"tasks/{id}.in/completion", "officer", {"outcome": "completed"})
        assert answer.status_code == 200, answer.text
        found.append(answer.get_json()["open_tasks"])
    assert found == [["00000.big"], ["00001.sign"], ["00002.sign"]]
    acts = [entry["act"] for entry in workflow.get("dossiers/00001/timeline", "officer").get_json()["journal"]]
    assert acts.count("skipped") == 2


# --- joins ------------------------------------------------------------------------------------------------------------


def branches(join: str, **left: Any) -> tuple[Step, ...]:
    return (
        step("left", **left),
        step("right"),
        step("right2", "right"),
        step("sign", "left right2", decision=True, join=join),
    )


def test_all_branches_are_waited_for() -> None:
    process, _ = complete(started(*branches("all")), "left", by(1))
    assert states(process) == {"left": "done", "right": "open", "right2": "waiting", "sign": "waiting"}


def test_of_several_branches_the_first_counts_and_the_others_end() -> None:
    process, _ = complete(started(*branches("any")), "left", by(1))
    assert states(process) == {"left": "done", "right": "skipped", "right2": "skipped", "sign": "open"}
    assert task(process, "sign").opened_at == by(1).at
    assert [id for id, _ in skipped(process)] == ["d1.right", "d1.right2"]
    assert process.queues == (catalogue.HERE,)
    process, _ = complete(process, "sign", by(2))
    assert process.state is State.FINISHED


def test_a_skipped_branch_is_not_the_first() -> None:
    process = started(*branches("any", condition=fact("x", 1)))
    assert states(process) == {"left": "skipped", "right": "open", "right2": "waiting", "sign": "waiting"}
    process, _ = complete(process, "right", by(1))
    process, _ = complete(process, "right2", by(2))
    assert (open_tasks(process), task(process, "sign").opened_at) == (["sign"], by(2).at)


def test_when_all_branches_are_skipped_the_step_comes() -> None:
    never = fact("x", 1)
    steps = (step("a"), step("b", "a", condition=never), step("c", "a", condition=never))
    process = started(*steps, step("sign", "b c", join="any", decision=True))
    process, _ = complete(process, "a", by(4))
    assert (open_tasks(process), task(process, "sign").opened_at) == (["sign"], by(4).at)


def test_what_another_step_waits_for_too_is_not_ended() -> None:
    steps = (
        step("left"),
        step("right"),
        step("first", "left right", join="any"),
        step("sign", "first right", decision=True),
    )
    process, _ = complete(started(*steps), "left", by(1))
    assert open_tasks(process) == ["right", "first"]
    process, _ = complete(process, "first", by(2))
    assert open_tasks(process) == ["right"]
    process, _ = complete(process, "right", by(3))
    assert open_tasks(process) == ["sign"]


def test_a_step_that_decides_is_never_ended_by_another_branch() -> None:
    steps = (step("quick"), step("sign", decision=True), step("file", "quick sign", join="any"))
    process, _ = complete(started(*steps), "quick", by(1))
    assert open_tasks(process) == ["sign", "file"]


@pytest.mark.parametrize("order", [*permutations(["a", "b", "c"])])
def test_parallel_branches_end_the_same_in_any_order(order: tuple[str, ...]) -> None:
    process = started(step("a"), step("b"), step("c"), step("sign", "a b c", decision=True))
    at = {"a": 3, "b": 1, "c": 2}
    for id in order:
        process, _ = complete(process, id, by(at[id]))
    assert task(process, "sign").opened_at == by(3).at, "as of the last, whenever it was entered"


# --- any process ------------------------------------------------------------------------------------------------------


@st.composite
def definitions(draw: st.DrawFn) -> tuple[Step, ...]:
    """Processes as catalog lets them pass: what is waited for stands before, and the last step decides."""
    count = draw(st.integers(1, 7))
    steps = []
    for n in range(count):
        last = n == count - 1
        after = draw(st.lists(st.sampled_from(range(n)), unique=True, max_size=3)) if n else []
        condition = None if last else draw(st.sampled_from([None, fact("x", 1), {"not": fact("x", 1)}]))
        join = "any" if len(after) > 1 and not last and draw(st.booleans()) else "all"
        ids = " ".join(f"s{m}" for m in (range(n) if last else after))
        steps.append(step(f"s{n}", ids, condition=condition, join=join, decision=last))
    return tuple(steps)


@given(definitions(), st.integers(0, 2), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_every_process_comes_to_its_end_and_nothing_is_run_twice(steps: tuple[Step, ...], x: int, random: Any) -> None:
    process = started(*steps, x=x)
    opened: list[str] = open_tasks(process)
    for n in range(len(steps) + 1):
        if process.state is State.FINISHED:
            break
        assert open_tasks(process), "nobody can go on"
        process, said = complete(process, random.choice(open_tasks(process)), by(n + 1))
        opened += [each.step for each in said if isinstance(each, events.TaskAssigned)]
    assert process.state is State.FINISHED
    assert all(task.state in BEHIND for task in process.tasks)
    assert len(opened) == len(set(opened))
    assert process.queues == ()
    assert {task.step for task in process.tasks if task.state is TaskState.DONE} <= set(opened)
    assert course.outcomes(process)[steps[-1].id] == "approved"
