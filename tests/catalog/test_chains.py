"""Internal processes as decisions publish them: what is read, what is put right and said; and the 65 real ones, which
go through catalog's checks and to their ends in workflow's engine, in the time that the decisions state."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from catalog.definitions import procedure_errors
from catalog.domain import Procedure, publish
from catalog.imports import chains, jobs, texts
from catalog.main import CATALOG, assemble
from catalog.schemas import ProcedureRow
from catalog.settings import CatalogSettings
from chassis import store, worktime
from chassis.service import Context
from tests.catalog.callers import NOW, Api
from tests.catalog.making import item, procedure
from tests.support import catalogue
from tests.support.effort import examples
from workflow import inbound
from workflow.domain import course, tasks
from workflow.domain.parts import OPEN, By, TaskState
from workflow.domain.processes import Process, State
from workflow.domain.simulations import Case, Setting, simulate

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "internal_processes.json"
IRREGULAR = {
    "1.000987": "no step has a time",
    "1.000970": "no step has a time",
    "1.000943": "no step has a time",
    "2.000282": "no step has a time",
    "1.003999": "9.5 days of 10.5",
    "1.014431": "15 days of 27",
    "1.014451": "51 days of 53",
}
"""Of the 61 real tables that state a total, those whose steps come to something else."""
CODE = "1.001193"


def table(**changes: Any) -> dict[str, Any]:
    steps = [
        ("Bộ phận tiếp nhận và trả kết quả Sở Y tế tại TTPVHCC tỉnh", "0,5 ngày làm việc", 0.5),
        ("Lãnh đạo Phòng chuyên môn", "04 giờ làm việc", 0.5),
        ("Chuyên viên Phòng chuyên môn", "1,5 ngày làm việc", 1.5),
        ("Lãnh đạo UBND tỉnh", "0,25 ngày làm việc", 0.25),
        ("Bộ phận Văn thư Sở Y tế", "0,25 ngày làm việc", 0.25),
        ("Bộ phận tiếp nhận và trả kết quả", "Không tính thời gian", None),
    ]
    listed = [{"no": n, "work": f"Bước {n}", "actor": a, "time": t, "days": d} for n, (a, t, d) in enumerate(steps, 1)]
    return {"code": CODE, "steps": listed, "total_days": 3.0, "document": "2682/QĐ-UBND"} | changes


def converted(**changes: Any) -> Any:
    return chains.convert(table(**changes), {CODE: item(procedure(code=CODE, local_code=None))}, "2026-01-01")


def read(row: dict[str, Any]) -> Procedure:
    return ProcedureRow.model_validate(row).procedure(row["code"])


def one(**changes: Any) -> dict[str, Any]:
    """A table of one step."""
    return {"steps": [{"work": "Ký", "actor": "Lãnh đạo Sở", "time": "1 ngày làm việc"} | changes], "total_days": 1}


def test_a_table_takes_the_place_of_the_procedures_process() -> None:
    found = converted()
    made = read(found.row)
    assert procedure_errors(made) == []
    steps = made.process.steps
    assert [step.role for step in steps] == ["one_stop", "head", "expert", "leader", "clerk", "one_stop"]
    assert [step.agency for step in steps] == [None, None, None, "@province", None, None]
    assert [step.id for step in steps if step.decision] == ["s4"]
    assert [step.after for step in steps] == [(), ("s1",), ("s2",), ("s3",), ("s4",), ("s5",)]
    amounts = [step.amount and (step.amount.amount, step.amount.unit) for step in steps]
    day, hour = "working_day", "hour"
    assert amounts == [(0.5, day), (4, hour), (1.5, day), (0.25, day), (0.25, day), None]
    assert made.durations is not None
    assert (made.durations.counter.amount, made.durations.counter.unit) == (3, day)
    assert made.legal_basis == ("Luật Đất đai số 31/2024/QH15", "Quyết định 2682/QĐ-UBND")
    assert made.name == procedure().name, "what the table does not say stays"
    assert [warning.code for warning in found.warnings] == ["step_without_time"]


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        (one(), set()),
        (one(time="2 ngày", days=2) | {"total_days": 2}, {"plain_days"}),
        (one(time=None, days=1), set()),
        (one(time=None, days=None), {"step_without_time", "steps_differ_from_total"}),
        (one(time="1 đến 2 ngày, hoặc 3 ngày"), {"step_without_time", "steps_differ_from_total"}),
        (one(time="x" * chains.MAX_READ + "1 ngày làm việc"), {"step_without_time", "steps_differ_from_total"}),
        (one() | {"total_days": None}, {"total_missing"}),
        (one() | {"total_days": 2}, {"steps_differ_from_total"}),
        (one(actor="Chuyên viên"), {"decision_assumed"}),
        (one(actor="Sở Nội vụ; Hội đồng"), {"role_assumed", "several_agencies", "decision_assumed"}),
        (one(actor=None), {"role_assumed", "decision_assumed"}),
    ],
)
def test_each_irregularity_is_said(changes: dict[str, Any], codes: set[str]) -> None:
    found = converted(**changes)
    assert {warning.code for warning in found.warnings} == codes
    assert procedure_errors(read(found.row)) == []
    assert all(texts.message(code) != texts.message("") for code in codes)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (table(code="1.999999"), "procedure_unknown"),
        (table(steps=[]), "empty"),
        (table(steps="x"), "empty"),
        ({"steps": []}, "not_an_object"),
        (7, "not_an_object"),
    ],
)
def test_what_cannot_be_read_is_refused(entry: Any, code: str) -> None:
    found = chains.convert(entry, {CODE: item(procedure(code=CODE))}, "2026-01-01")
    assert [error.code for error in found.errors] == [code]
    assert texts.message(code) != texts.message("")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
STEP = st.fixed_dictionaries({}, optional=dict.fromkeys(("work", "actor", "time", "days"), JSON))


@settings(max_examples=examples(15, 40), deadline=None)
@given(st.fixed_dictionaries({}, optional={"steps": JSON | st.lists(STEP), "total_days": JSON, "document": JSON}))
def test_no_shape_at_all_breaks_the_reading(changes: dict[str, Any]) -> None:
    converted(**changes)


@pytest.fixture
def run(database: Database[store.Document], make_settings: Callable[[str], CatalogSettings]) -> Callable[..., int]:
    context = Context(make_settings("amqp://x@127.0.0.1:1/x"), database, store.Carrier(lambda: NOW), lambda: NOW)
    return lambda *arguments: CATALOG.commands["import"][1](
        context, assemble(context), [str(each) for each in arguments]
    )


def test_a_list_makes_versions_of_procedures_in_force_and_again_nothing(
    run: Callable[..., int], api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, path = tmp_path / "known.json", tmp_path / "list.json"
    known.write_text(json.dumps({"items": [item(procedure(code=CODE, local_code=None))]}), encoding="utf-8")
    path.write_text(json.dumps({"items": [table(), table(code="1.999999")]}), encoding="utf-8")
    assert run(known) == 0
    assert run("--format", "processes", path) == 1
    said = capsys.readouterr().out
    assert "procedure_unknown" in said
    assert "2 total, 1 accepted, 0 unchanged, 1 rejected, 1 with warnings" in said
    found = api.public(f"/procedures/{CODE}").json
    assert (found["version"], len(found["process"]["steps"])) == (2, 6)
    assert run("--format", "processes", path) == 1
    assert "0 accepted, 1 unchanged" in capsys.readouterr().out


def test_what_can_be_no_code_is_not_looked_up() -> None:
    asked: list[set[str]] = []

    def in_force(codes: Collection[str], _: date) -> dict[str, Procedure]:
        asked.append(set(codes))
        return {}

    state: Any = SimpleNamespace(changed_at=NOW)
    rows = [table(), table(code=f" {CODE} "), table(code="1." + "0" * 9_000_000), {"code": 7}, 7]
    assert len(jobs.read_processes(rows, state, in_force)) == len(rows)
    assert asked == [{CODE}]


# -- the real tables ---------------------------------------------------------------------------------------------------

RECEIVED_AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
"""A Wednesday, 09:00 in Asia/Ho_Chi_Minh."""
CALENDAR = worktime.Calendar([], range(2026, 2029))
OFFICER = "officer"


def real() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(unicodedata.normalize("NFC", FACTS.read_text(encoding="utf-8")))["items"]
    return listed


def published(entry: dict[str, Any]) -> inbound.Procedure:
    """As workflow reads the version that catalog publishes of it."""
    code = entry["code"]
    found = chains.convert(entry, {code: item(procedure(code=code, local_code=None, durations=None))}, "2026-01-01")
    assert found.errors == []
    made = read(found.row)
    assert procedure_errors(made) == [], code
    version = publish(None, made)
    return catalogue.as_read(inbound.ProcedurePublished, catalogue.published(version.procedure)).procedure


def officers_run(of: inbound.Procedure) -> Process:
    """Officers claim each task when it opens, and complete it when it is due, or at once."""
    agency = inbound.Agency(id=catalogue.HERE, name="Sở", parent=catalogue.PROVINCE, hours=catalogue.OFFICE)
    budget = None if of.durations is None else of.durations.counter
    due = None if budget is None else worktime.Budget(budget.amount, budget.unit)
    received = inbound.DossierReceived(
        dimensions=inbound.Dimensions(procedure=of.code, procedure_version=of.version, agency=agency.id),
        code="H56.30-260304-0001",
        procedure_name="",
        received_at=RECEIVED_AT,
        clock_at=RECEIVED_AT,
        budget=budget,
        due_at=worktime.due(RECEIVED_AT, due, CALENDAR, worktime.Hours.parse(agency.hours)),
    )
    process, _ = course.start("d1", received, of, agency, CALENDAR, RECEIVED_AT)
    while opened := [task for task in process.tasks if task.state in OPEN]:
        task = opened[0]
        assert task.opened_at is not None
        at = task.due_at or task.opened_at
        process, _ = tasks.claim(process, task, By(OFFICER, "", task.opened_at, task.opened_at))
        claimed = next(each for each in process.tasks if each.id == task.id)
        outcome: Any = "approved" if task.decision else "completed"
        process, _ = tasks.complete(process, claimed, outcome, None, CALENDAR, By(OFFICER, "", at, at))
    return process


@pytest.mark.skipif(not FACTS.exists(), reason="reads ../shared/data/internal_processes.json")
def test_all_65_real_chains_load_and_run_in_the_time_that_the_decisions_state() -> None:
    entries = real()
    assert len(entries) == 65
    stated, adding_up, found = 0, 0, Counter[str]()
    for entry in entries:
        of = published(entry)
        process = officers_run(of)
        assert process.state is State.FINISHED
        assert process.outcome == "approved"
        assert [task.state for task in process.tasks] == [TaskState.DONE] * len(entry["steps"])
        assert not any(task.late for task in process.tasks)
        assert process.finished_at is not None
        hours = worktime.Hours.parse(catalogue.OFFICE)
        minutes = worktime.between(RECEIVED_AT, process.finished_at, CALENDAR, hours)
        if entry["total_days"] is None:
            continue
        stated += 1
        assert process.due_at is not None
        assert process.finished_at <= process.due_at, "no table takes longer than it states"
        if minutes == entry["total_days"] * worktime.MINUTES_PER_WORKING_DAY:
            adding_up += 1
            assert process.finished_at == process.due_at, "the last step ends when the dossier is due"
        else:
            found[entry["code"]] += 1
    assert (stated, adding_up) == (61, 54)
    assert found == Counter(IRREGULAR.keys())


@pytest.mark.skipif(not FACTS.exists(), reason="reads ../shared/data/internal_processes.json")
def test_an_author_sees_the_same_of_the_real_chains_before_they_are_published() -> None:
    agency = inbound.Agency(id=catalogue.HERE, name="Sở", parent=catalogue.PROVINCE, hours=catalogue.OFFICE)
    without_time = 0
    for entry in real():
        of = published(entry)
        setting = Setting(
            agency=agency,
            received_at=RECEIVED_AT,
            clock_at=RECEIVED_AT,
            budget=None if of.durations is None else of.durations.counter,
            calendar=CALENDAR,
            acting=str,
            known=lambda id: inbound.Agency(id=id, name=id, parent=None, hours=catalogue.OFFICE),
        )
        [run], never = simulate(of, [Case(name="", facts={}, outcomes={})], setting)
        assert not any(finding.serious for finding in run.findings), entry["code"]
        assert (never, run.process.finished_at) == ([], officers_run(of).finished_at)
        assert run.path == tuple(f"s{n}" for n in range(1, len(entry["steps"]) + 1))
        without_time += sum(finding.code == "no_time" for finding in run.findings)
    assert without_time == sum(step["days"] is None for entry in real() for step in entry["steps"])
