"""What workflow says of the steps gives the same, whatever order it comes in and however often."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from chassis.consume import Done, Duplicate
from intake.domain import steps
from intake.domain.dossiers import Dossier
from intake.domain.parts import StepDone
from tests.intake import making
from tests.intake.making import FILED_AT
from tests.intake.paying import filed
from tests.support.samples import sample
from tests.support.services import Running

News = Callable[[Dossier], Dossier]


def done(task: str, told: int, hours: float) -> News:
    step = StepDone(task=task, name=task, agency="H56.30", at=FILED_AT + timedelta(hours=hours), told=told)
    return lambda dossier: steps.note_done(dossier, step, 4)


def returned(told: int, *tasks: str) -> News:
    return lambda dossier: steps.note_returned(dossier, tasks, told)


SENT_BACK = (done("a", 3, 1), done("b", 5, 2), returned(7, "a", "b"), done("a", 9, 3))
UNDONE = (done("a", 3, 1), done("b", 5, 2), returned(7, "a", "b"), done("a", 9, 1), done("b", 10, 2))
TWICE = (done("a", 3, 1), returned(4, "a", "b"), done("a", 6, 2), returned(7, "a"))


@pytest.mark.parametrize(
    ("news", "expected"),
    [(SENT_BACK, [("a", 3)]), (UNDONE, [("a", 1), ("b", 2)]), (TWICE, [])],
    ids=["sent back", "sent back, and that undone", "sent back twice"],
)
def test_every_order_gives_the_same(news: tuple[News, ...], expected: list[tuple[str, float]]) -> None:
    ends: set[tuple[object, ...]] = set()
    for order in permutations(news):
        dossier = making.received()
        for note in (*order, *order[:2], order[0]):
            dossier = note(dossier)
        ends.add((dossier.steps_done, dossier.steps_returned))
    ((found, _),) = ends
    assert [(each.task, (each.at - FILED_AT).total_seconds() / 3600) for each in found] == expected  # type: ignore[attr-defined]


def test_what_is_known_changes_nothing() -> None:
    dossier = done("a", 3, 1)(returned(2, "a")(making.received()))
    for known in (done("a", 3, 1), done("a", 1, 1), returned(2, "a"), returned(1, "a")):
        assert known(dossier) is dossier


def test_the_tracking_shows_what_is_done_now(intake: Running) -> None:
    made = filed(intake, "counter_officer", channel="counter")
    (row,) = intake.rows("dossiers")

    def news(kind: str, sequence: int, step: str, **data: object) -> bytes:
        event = json.loads(sample(f"workflow.task.{kind}.v1"))
        event |= {"id": f"workflow.task:{made['id']}:{sequence}", "subject": made["id"], "sequence": sequence}
        event["data"] |= {"task": f"{made['id']}.{step}", "step": step, "step_name": step, **data}
        return json.dumps(event).encode()

    def steps_shown() -> list[str]:
        answer = intake.get(f"tracking/{row['code']}?secret={row['secret']}")
        return [step["name"] for step in answer.get_json()["steps_done"]]

    completed = [news("completed", 3, "s1"), news("completed", 5, "s2")]
    assert intake.hear(completed) == [Done(), Done()]
    assert steps_shown() == ["s1", "s2"]
    back = news("returned", 7, "s2", waiting=[f"{made['id']}.s3"])
    assert intake.hear([back]) == [Done()]
    assert steps_shown() == ["s1"]
    assert intake.hear([back, completed[1]]) == [Duplicate(), Duplicate()]
    assert intake.hear([news("completed", 9, "s2")]) == [Done()]
    assert steps_shown() == ["s1", "s2"]
