"""What workflow says of the steps: which are done, and which are to be done again. Plain Python.

Of one step's news the one with the highest sequence counts, whatever order they come in; the same dossier comes back
when nothing is new.
"""

from collections.abc import Iterable

from chassis.evolving import replace
from intake.domain.dossiers import Dossier
from intake.domain.parts import StepDone, StepReturned


def note_done(dossier: Dossier, step: StepDone, steps_total: int) -> Dossier:
    returned = max((each.told for each in dossier.steps_returned if each.task == step.task), default=0)
    known = next((each for each in dossier.steps_done if each.task == step.task), None)
    if step.told < returned or (known is not None and known.told >= step.told):
        return dossier
    others = (each for each in dossier.steps_done if each.task != step.task)
    steps = sorted((*others, step), key=lambda done: (done.at, done.task))
    return replace(dossier, steps_done=tuple(steps), steps_total=steps_total)


def note_returned(dossier: Dossier, tasks: Iterable[str], told: int) -> Dossier:
    """These tasks are not done any more, unless something newer says so."""
    newest = {each.task: each.told for each in dossier.steps_returned}
    after = newest | {task: max(told, newest.get(task, 0)) for task in tasks}
    if after == newest:
        return dossier
    returned = tuple(StepReturned(task=task, told=after[task]) for task in sorted(after))
    done = tuple(each for each in dossier.steps_done if each.told >= after.get(each.task, 0))
    return replace(dossier, steps_done=done, steps_returned=returned)
