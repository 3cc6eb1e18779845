"""What an applicant sees of steps that were skipped: a dossier that has finished is not shown as half done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from intake.domain.parts import StepDone
from tests.intake import making


@pytest.mark.parametrize(
    ("finished", "done", "expected"),
    [(False, ["s1"], 4), (False, [], 4), (True, ["s1", "s3"], 2), (True, ["s1", "s1", "s3"], 2), (True, [], 4)],
)
def test_steps_that_were_skipped_do_not_count_at_the_end(finished: bool, done: list[str], expected: int) -> None:
    dossier = making.processed() if finished else making.in_process()
    at = dossier.filed_at
    steps = [
        StepDone(task=f"d1.{step}", name=step, agency="H56.30", at=at + timedelta(hours=n))
        for n, step in enumerate(done)
    ]
    assert replace(dossier, steps_total=4, steps_done=tuple(steps)).steps_in_all == expected
