"""Procedures whose steps are done by dossiers of their own, and the bus between workflow and itself."""

import json
import random
from collections.abc import Sequence
from typing import Any

from catalog.domain import Durations, Procedure, Step
from chassis.consume import Done, Outcome
from chassis.envelope import read
from tests.support import catalogue
from tests.support.catalogue import HERE, days
from tests.support.samples import sample
from tests.support.services import Running

OUTER, INNER, DEEPER, DEEPEST, TOO_DEEP = "1.000101", "1.000102", "1.000103", "1.000104", "1.000105"


def outer(code: str = OUTER, child: str = INNER, **changes: Any) -> Procedure:
    """`in`; `sub` at the parent agency, by a dossier of `child`'s; `sign` decides."""
    process = catalogue.steps(
        Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
        Step(
            id="sub",
            name="Thẩm định liên thông",
            role="expert",
            agency="@parent",
            amount=days(2),
            kind="child",
            child=child,
        ),
        Step(id="sign", name="Ký duyệt", role="leader", amount=days(0.5), decision=True),
    )
    return catalogue.procedure(code, process=process, durations=Durations(counter=days(5)), **changes)


def inner(code: str = INNER, **changes: Any) -> Procedure:
    process = catalogue.steps(
        Step(id="look", name="Xem xét", role="expert", amount=days(1)),
        Step(id="say", name="Kết luận", role="leader", amount=days(0.5), decision=True),
    )
    plain = {"durations": Durations(counter=days(2)), "name": "Thẩm định của tỉnh"}
    return catalogue.procedure(code, process=process, **{**plain, **changes})


def begin(workflow: Running, code: str, id: str = "d1", agency: str = HERE, **data: Any) -> str:
    """A dossier is received, now; its id."""
    now = workflow.clock().isoformat()
    event = json.loads(sample("intake.dossier.received.v1"))
    event |= {"id": f"intake.dossier:{id}:1", "subject": id, "time": now, "sequence": 1}
    event["data"] |= {
        "dimensions": {"procedure": code, "procedure_version": 1, "agency": agency},
        "received_at": now,
        "clock_at": now,
        "budget": {"amount": 5, "unit": "working_day"},
        "due_at": None,
        **data,
    }
    assert workflow.hear([json.dumps(event).encode()]) == [Done()]
    return id


def carried(workflow: Running, rng: random.Random | None = None) -> list[tuple[str, Outcome]]:
    """Hands what workflow says back to it until it says nothing more; (type, outcome) of what it took. With `rng`, in
    any order and some of it twice."""
    taken: list[tuple[str, Outcome]] = []
    while told := workflow.publish():
        if rng is not None:
            told = [*told, *rng.choices(told, k=2)]
            rng.shuffle(told)
        taken += took(told, workflow.hear(told))
    return taken


def took(told: Sequence[bytes], outcomes: Sequence[Outcome | None]) -> list[tuple[str, Outcome]]:
    return [(read(body).type, outcome) for body, outcome in zip(told, outcomes, strict=True) if outcome is not None]


def of_type(told: Sequence[bytes], type: str) -> list[bytes]:
    return [body for body in told if read(body).type == type]


def done(taken: Sequence[tuple[str, Outcome]]) -> list[str]:
    return [type for type, outcome in taken if outcome == Done()]
