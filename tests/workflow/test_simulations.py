"""A procedure's author tries a definition before it is published: the engine's own answer, and nothing is stored."""

import json
import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.catalogue import HERE
from tests.support.services import Running, local, pointers, problem
from workflow import simulation_texts
from workflow.domain.simulations import Finding

SIMULATIONS = "simulations"
DAY = {"amount": 1, "unit": "working_day"}


def step(id: str, *after: str, **changes: Any) -> dict[str, Any]:
    return {"id": id, "name": f"Bước {id}", "role": "expert", "amount": DAY, "after": list(after)} | changes


def fact(name: str, value: Any) -> dict[str, Any]:
    return {"properties": {"facts": {"properties": {name: {"const": value}}}}}


def outcome(step: str, value: str) -> dict[str, Any]:
    return {"properties": {"outcomes": {"properties": {step: {"const": value}}}}}


STEPS = [
    step("in"),
    step("a", "in", amount={"amount": 2, "unit": "working_day"}),
    step("b", "in", condition=fact("big", True)),
    step("sign", "a", "b", decision=True, agency="@parent", amount={"amount": 4, "unit": "hour"}),
    step("print", "sign", condition=outcome("sign", "approved"), amount={"amount": 4, "unit": "hour"}),
]


def body(*steps: dict[str, Any], cases: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    made = {
        "process": {"steps": list(steps or STEPS), "facts": [{"name": "big", "pointer": "/big"}]},
        "budget": {"amount": 4, "unit": "working_day"},
        "agency": HERE,
        "received_at": "2026-03-04T16:00:00+07:00",
    }
    return made | ({} if cases is None else {"cases": cases}) | changes


def simulate(workflow: Running, sent: dict[str, Any], who: str = "editor") -> TestResponse:
    return workflow.post(SIMULATIONS, who, sent, key=None)


def run(workflow: Running, sent: dict[str, Any]) -> Any:
    answer = simulate(workflow, sent)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def codes(findings: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(each["code"], each["step"]) for each in findings]


def test_each_step_has_its_times_under_the_calendar(workflow: Running) -> None:
    found = run(workflow, body())
    [only] = found["runs"]
    times = {each["step"]: (each["opened_at"], each["done_at"], each["state"]) for each in only["steps"]}

    def at(text: str) -> str:
        return local(text).isoformat().replace("+00:00", "Z")

    # Wednesday 16:00; the Saturday after it is a make-up day.
    assert times == {
        "in": (at("2026-03-04 16:00"), at("2026-03-05 16:00"), "done"),
        "a": (at("2026-03-05 16:00"), at("2026-03-07 16:00"), "done"),
        "b": (None, None, "skipped"),
        "sign": (at("2026-03-07 16:00"), at("2026-03-09 10:00"), "done"),
        "print": (at("2026-03-09 10:00"), at("2026-03-09 16:00"), "done"),
    }
    assert (only["state"], only["outcome"], only["timing"]) == ("finished", "approved", "on_time")
    assert (only["working_minutes"], only["working_days"]) == (4 * 480, 4.0)
    assert only["longest_path"] == ["in", "a", "sign", "print"]
    assert only["due_at"] == only["finished_at"]
    assert (only["findings"], found["fit"]) == ([], True)
    assert codes(found["findings"]) == [("never_done", "b")]
    assert "Bước b" in found["findings"][0]["vi"]
    assert "Bước b" in found["findings"][0]["en"]


def test_each_case_goes_its_own_way(workflow: Running) -> None:
    cases = [
        {"name": "nhỏ", "facts": {"big": False}},
        {"name": "lớn", "facts": {"big": True}, "outcomes": {"sign": "rejected"}},
    ]
    small, big = run(workflow, body(cases=cases))["runs"]
    assert (small["case"], small["outcome"], small["working_days"]) == ("nhỏ", "approved", 4)
    assert (big["case"], big["outcome"], big["working_days"]) == ("lớn", "rejected", 3.5)
    assert [each["state"] for each in big["steps"]] == ["done", "done", "done", "done", "skipped"]
    assert big["steps"][3]["agency"] == "H56", "the parent of the receiving agency"


@pytest.mark.parametrize(
    ("steps", "budget", "expected"),
    [
        ([step("a", "b"), step("b", "a"), step("sign", decision=True)], 3, [("dead_end", "a"), ("dead_end", "b")]),
        ([step("a"), step("sign", "nobody", decision=True)], 3, [("dead_end", "sign"), ("undecided", None)]),
        ([step("a")], 3, [("undecided", None)]),
        ([step("a"), step("sign", "a", decision=True)], 1.5, [("over_time", None)]),
        ([step("a", amount=None), step("sign", "a", decision=True)], 1, [("no_time", "a")]),
        ([step("sign", decision=True, agency="H56.99")], 1, [("fell_back", "sign")]),
        ([step("sign", decision=True, condition=fact("big", True))], 1, [("undecided", None)]),
        ([step("sign", decision=True, amount={"amount": 300, "unit": "calendar_day"})], 300,
         [("calendar_unknown", None)]),
    ],
)  # fmt: skip
def test_dead_ends_and_what_takes_too_long_are_seen_before_publishing(
    workflow: Running, steps: list[dict[str, Any]], budget: float, expected: list[tuple[str, str | None]]
) -> None:
    found = run(workflow, body(*steps, budget={"amount": budget, "unit": "working_day"}))
    said = found["runs"][0]["findings"]
    assert codes(said) == expected
    assert found["fit"] is not any(each["serious"] for each in said)
    assert all(each["vi"] and each["en"] for each in said)
    stuck = any(code == "dead_end" for code, _ in expected)
    assert found["runs"][0]["state"] == ("stuck" if stuck else "finished")
    assert (found["runs"][0]["working_days"] is None) is stuck


def test_every_finding_has_words_in_both_languages() -> None:
    for code in simulation_texts.FINDINGS:
        vi, en = simulation_texts.told(Finding(code=code, step="s1", value="2027"), "Ký")  # type: ignore[arg-type]
        assert vi != en
        assert "{" not in vi + en


def test_opinions_children_and_shares_have_their_times_too(workflow: Running) -> None:
    steps = [
        step("ask", kind="opinion", agency="H56", amount=None, share=25),
        step("there", kind="child", child="1.001612", amount=None, share=50),
        step("sign", "ask", "there", decision=True, amount=None, share=50),
    ]
    [only] = run(workflow, body(*steps))["runs"]
    assert (only["state"], only["working_days"], only["longest_path"]) == ("finished", 4, ["there", "sign"])


def test_the_cut_off_hour_moves_the_start_of_the_clock(workflow: Running) -> None:
    assert run(workflow, body(cut_off="15:00"))["clock_at"] == "2026-03-05T00:00:00Z"
    assert run(workflow, body(cut_off="16:00"))["clock_at"] == "2026-03-04T09:00:00Z"


def test_nothing_is_stored_and_nothing_is_told(workflow: Running) -> None:
    before = len(workflow.told())
    run(workflow, body(cases=[{"facts": {"big": True}}]))
    assert workflow.rows("dossiers") == []
    assert len(workflow.told()) == before


def test_only_authors_simulate(workflow: Running) -> None:
    problem(simulate(workflow, body(), "officer"), 403)
    problem(workflow.post(SIMULATIONS, None, body(), key=None), 401)


NESTED: dict[str, Any] = {}
for _ in range(13):
    NESTED = {"not": NESTED}


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (body(step("a"), step("a", decision=True)), "/process/steps/1/id"),
        (body(*(step(f"s{n}") for n in range(101))), "/process/steps"),
        (body(step("a", condition={"$ref": "http://127.0.0.1:9/x"})), "/process/steps/0/condition"),
        (body(step("a", condition={"type": "nothing"})), "/process/steps/0/condition"),
        (body(step("a", condition={"const": "x" * 5_000})), "/process/steps/0/condition"),
        (body(step("a", condition=NESTED)), "/process/steps/0/condition"),
        (body(step("a", amount={"amount": 1.5, "unit": "calendar_day"})), "/process/steps/0/amount"),
        (body(step("a", amount={"amount": 0, "unit": "hour"})), "/process/steps/0/amount/amount"),
        (body(step("a", name="x\x07")), "/process/steps/0/name"),
        (body(step("a/b")), "/process/steps/0/id"),
        (body(cases=[]), "/cases"),
        (body(cases=[{}] * 11), "/cases"),
        (body(cases=[{"outcomes": {"nobody": "completed"}}]), "/cases/0/outcomes/nobody"),
        (body(cases=[{"outcomes": {"in": "approved"}}]), "/cases/0/outcomes/in"),
        (body(agency="H56.99"), "/agency"),
        (body(received_at="1970-01-01T00:00:00Z"), "/received_at"),
        (body(received_at="2026-03-04T16:00:00"), "/received_at"),
        (body(*(step(f"s{n}", *([f"s{n - 1}"] if n else []), amount={"amount": 100_000, "unit": "working_day"})
                for n in range(30))), "/process/steps"),
    ],
)  # fmt: skip
def test_hostile_and_clumsy_definitions_are_refused_with_their_place(
    workflow: Running, sent: dict[str, Any], pointer: str
) -> None:
    assert pointer in {place for place, _ in pointers(simulate(workflow, sent))}


def test_the_largest_definition_is_answered_soon(workflow: Running) -> None:
    steps = [
        step(
            f"s{n}",
            *(f"s{m}" for m in range(max(0, n - 20), n)),
            join="any" if n % 7 == 3 else "all",
            decision=n == 99,
            **({"condition": fact("x", n)} if n % 5 == 4 and n != 99 else {}),
        )
        for n in range(100)
    ]
    begun = time.process_time()
    found = run(workflow, body(*steps, cases=[{"facts": {"x": n}} for n in range(2)]))
    assert time.process_time() - begun < 5
    assert len(json.dumps(found)) < 200_000
    assert {each["state"] for each in found["runs"]} == {"finished"}
