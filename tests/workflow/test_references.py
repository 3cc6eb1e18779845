"""Where a step is done: up, down and across the tree of agencies."""

from typing import Any

import pytest

from catalog.domain import Step
from chassis.consume import Done
from tests.support import catalogue
from tests.support.catalogue import ELSEWHERE, HERE, OFFICE, PROVINCE, days
from tests.support.services import Running
from tests.workflow import making, nesting
from workflow.domain import course, references
from workflow.domain.references import Place
from workflow.inbound import Agency

TREE = {"H56": None, "H56.30": "H56", "H56.30.01": "H56.30", "H56.02": "H56", "H56.02.05": "H56.02"}
COMMUNE, ACROSS = "H56.30.01", "H56.02.05"


def agency(id: str) -> Agency | None:
    return Agency(id=id, name=id, parent=TREE[id], hours=OFFICE) if id in TREE else None


def resolved(reference: str | None, received_by: str = COMMUNE, acting: Any = str, **facts: Any) -> Place:
    here = agency(received_by)
    assert here is not None
    return references.resolve(reference, here, facts, acting, agency)


@pytest.mark.parametrize(
    ("reference", "received_by", "where"),
    [
        (None, COMMUNE, COMMUNE),
        ("@parent", COMMUNE, HERE),
        ("@parent.parent", COMMUNE, PROVINCE),
        ("@province", COMMUNE, PROVINCE),
        ("@province", HERE, PROVINCE),
        ("@province", PROVINCE, PROVINCE),
        (ACROSS, COMMUNE, ACROSS),
        ("@fact:land", COMMUNE, ACROSS),
        ("@fact:land", PROVINCE, ACROSS),
    ],
)
def test_it_leads_up_down_and_across(reference: str | None, received_by: str, where: str) -> None:
    assert resolved(reference, received_by, land=ACROSS) == Place(where)


@pytest.mark.parametrize(
    "reference", ["@parent.parent.parent", "@parent.parent", "@fact:land", "@fact:x", "H56.99", "@else"]
)
def test_one_that_leads_nowhere_falls_back_to_the_receiving_agency(reference: str) -> None:
    received_by = HERE if reference == "@parent.parent" else COMMUNE
    assert resolved(reference, received_by, land="H56.77") == Place(received_by, fell_back=True)


@pytest.mark.parametrize("named", [None, 7, ["H56.02"], {"id": "H56.02"}, "", "h56.02", True])
def test_a_fact_that_is_no_agency_leads_nowhere(named: Any) -> None:
    assert resolved("@fact:land", land=named) == Place(COMMUNE, fell_back=True)


def test_whoever_took_over_is_meant_on_every_level() -> None:
    """The district is gone, and the province's successor is another one."""
    over = {HERE: PROVINCE, ELSEWHERE: PROVINCE}

    def acting(id: str) -> str:
        return over.get(id, id)

    assert resolved("@parent", acting=acting) == Place(PROVINCE)
    assert resolved("@parent.parent", acting=acting) == Place(COMMUNE, fell_back=True)
    assert resolved(ELSEWHERE, acting=acting) == Place(PROVINCE)
    assert resolved("@fact:land", acting=acting, land=ELSEWHERE) == Place(PROVINCE)


def test_a_circle_of_parents_ends() -> None:
    circle = {"a": "b", "b": "a"}

    def known(id: str) -> Agency | None:
        return Agency(id=id, name=id, parent=circle[id], hours=OFFICE)

    assert references.resolve("@province", known("a") or making.agency(), {}, str, known) == Place("b")


def test_the_journal_says_what_fell_back_and_the_step_is_not_lost() -> None:
    procedure = making.procedure(
        Step(id="s1", name="Xác minh", role="expert", agency="@fact:land", amount=days(1), decision=True)
    )
    process, _ = course.start(
        "d1", making.received(), procedure, making.agency(), making.CALENDAR, making.by().recorded_at, known=agency
    )
    assert process.queues == (HERE,)
    assert [(entry.act, entry.task, entry.note) for entry in process.journal] == [
        ("started", None, None), ("fell_back", "d1.s1", "@fact:land"),
    ]  # fmt: skip


def test_a_step_is_at_the_agency_that_the_form_names(workflow: Running) -> None:
    """Through the copies of the agencies that workflow keeps."""
    code = "1.000201"
    process = catalogue.steps(
        Step(id="s1", name="Xác minh", role="expert", agency="@fact:land", amount=days(1)),
        Step(id="s2", name="Ký duyệt", role="leader", agency="@province", amount=days(1), decision=True),
        Step(id="s3", name="Trả kết quả", role="clerk", agency="@fact:other", amount=days(1)),
    )
    assert workflow.hear([catalogue.published(catalogue.procedure(code, process=process))]) == [Done()]
    id = nesting.begin(workflow, code, facts={"land": ELSEWHERE})
    row = workflow.rows("dossiers")[0]
    assert [task["agency"] for task in row["tasks"]] == [ELSEWHERE, PROVINCE, HERE]
    assert row["agencies"] == [HERE, ELSEWHERE]
    assert workflow.post(f"tasks/{id}.s1/claim", "other_officer", {}).status_code == 200
