"""Processes in each state, made by the acts that lead there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.domain import Step as CatalogStep
from chassis import worktime
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE, PROVINCE
from workflow import inbound
from workflow.domain import course, tasks
from workflow.domain.parts import By, Outcome, Task, TaskState
from workflow.domain.processes import Process

RECEIVED_AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
"""A Wednesday, 09:00 in Asia/Ho_Chi_Minh."""
CALENDAR = worktime.Calendar()
LAN, DUC = "officer-lan", "officer-duc"
CODE = "H56.30-260304-0001"


def by(after_hours: float = 0, who: str = LAN) -> By:
    at = RECEIVED_AT + timedelta(hours=after_hours)
    return By(who, who.title(), at, at + timedelta(seconds=1))


def procedure(*steps: CatalogStep, **changes: Any) -> inbound.Procedure:
    """As workflow reads it; with `steps`, these are its process, each after the one before."""
    plain = catalogue.procedure(**changes)
    if steps:
        plain = replace(plain, process=catalogue.steps(*steps))
    return catalogue.as_read(inbound.ProcedurePublished, catalogue.published(plain)).procedure


def land() -> inbound.Procedure:
    """Two steps of its four are at the parent of the receiving agency, and each has a share of the time."""
    return catalogue.as_read(inbound.ProcedurePublished, catalogue.published(catalogue.land())).procedure


def agency(**changes: Any) -> inbound.Agency:
    plain = inbound.Agency(id=HERE, name="Ủy ban nhân dân huyện", parent=PROVINCE, hours=catalogue.OFFICE)
    return replace(plain, **changes)


def received(amount: float | None = 3, **changes: Any) -> inbound.DossierReceived:
    """`amount`: the working days that the procedure allows."""
    budget = None if amount is None else inbound.Duration(amount=amount, unit="working_day")
    allowed = None if amount is None else worktime.Budget(amount, "working_day")
    hours = worktime.Hours.parse(catalogue.OFFICE)
    plain = inbound.DossierReceived(
        dimensions=inbound.Dimensions(procedure=BUSINESS, procedure_version=1, agency=HERE),
        code=CODE,
        procedure_name="Đăng ký thành lập hộ kinh doanh",
        received_at=RECEIVED_AT,
        clock_at=RECEIVED_AT,
        budget=budget,
        due_at=worktime.due(RECEIVED_AT, allowed, CALENDAR, hours),
    )
    return replace(plain, **changes)


def started(
    procedure_: inbound.Procedure | None = None, amount: float | None = 3, **changes: Any
) -> tuple[Process, Sequence[Any]]:
    """A process that has just begun, and what was said."""
    return course.start(
        "d1", received(amount, **changes), procedure_ or procedure(), agency(), CALENDAR, by().recorded_at
    )


def task(process: Process, step: str) -> Task:
    found = process.task(f"{process.id}.{step}")
    assert found is not None
    return found


def open_tasks(process: Process) -> list[str]:
    return [task.step for task in process.tasks if task.state in (TaskState.OPEN, TaskState.CLAIMED)]


def claim(process: Process, step: str, by_: By) -> Process:
    return tasks.claim(process, task(process, step), by_)[0]


def complete(
    process: Process, step: str, by_: By, outcome: Outcome | None = None, note: str | None = None
) -> tuple[Process, Sequence[Any]]:
    """Without an outcome, the one that leads on."""
    this = task(process, step)
    fitting: Outcome = "approved" if this.decision else "completed"
    return tasks.complete(process, this, outcome or fitting, note, CALENDAR, by_)


def finished(decision: Outcome = "approved", after_hours: float = 4) -> Process:
    process, _ = started()
    for n, step in enumerate(("s1", "s2", "s3", "s4")):
        outcome = decision if step == "s3" else None
        process, _ = complete(process, step, by(after_hours - 3 + n), outcome)
    return process
