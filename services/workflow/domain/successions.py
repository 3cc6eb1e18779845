"""Which agencies took over from which, and how what is not done goes to them. Plain Python."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from typing import Any

from chassis import worktime
from chassis.evolving import replace
from workflow import events
from workflow.domain.parts import UNDONE, By, Spans, Task, TaskState
from workflow.domain.processes import SYSTEM, Process, Turn, noted, with_tasks
from workflow.inbound import Agency, AgencySucceeded


class Successions:
    """Who acts for whom, by day. There is a new one of these whenever catalog tells of another succession."""

    def __init__(self, known: Iterable[AgencySucceeded] = ()) -> None:
        self._by_predecessor = {id: each for each in known for id in each.predecessors}

    def acting(self, agency: str, day: date) -> str:
        """The agency that answers on this day for what was given to `agency`, which is mostly itself."""
        *_, last = [agency, *(each.takes_over for each in self.path(agency, day))]
        return last

    def path(self, agency: str, day: date) -> list[AgencySucceeded]:
        """The successions that lead from the agency to the one that acts for it on this day, in order."""
        passed: list[AgencySucceeded] = []
        while (each := self._by_predecessor.get(agency)) is not None and each.on <= day and each not in passed:
            passed.append(each)
            agency = each.takes_over
        return passed

    def ended(self, day: date) -> list[str]:
        """The agencies that others act for on this day."""
        return sorted(id for id, each in self._by_predecessor.items() if each.on <= day)


def hand_on(
    process: Process,
    successions: Successions,
    day: date,
    recorded_at: datetime,
    known: Callable[[str], Agency | None] = lambda _: None,
) -> Turn:
    """What is not done goes to the agencies that have taken over by that day; nothing is said when that is so already.

    A claim ends with the agency whose officer made it. A succession counts from the beginning of its day, or from the
    reception if that was later. `known`: an agency by its identifier; what is not open yet will run in its hours.
    """
    left = {task.agency for task in process.tasks if task.state in UNDONE}
    here = process.handled_by or process.agency
    paths = {agency: successions.path(agency, day) for agency in sorted({*left, here})} if left else {}
    if not any(paths.values()):
        return process, ()
    agencies, said = list(process.agencies), list[Any]()
    for agency, path in paths.items():
        if not path:
            continue
        to = path[-1].takes_over
        at = max(datetime.combine(path[-1].on, time(), worktime.ZONE).astimezone(UTC), process.received_at)
        note = f"{agency} → {to}: {'; '.join(each.decision for each in path)}"
        process = noted(process, "succeeded", None, By(SYSTEM, "", at, recorded_at), note)
        agencies += [to] if to not in agencies else []
        if agency in process.queues:
            said.append(
                events.DossierTransferred(
                    code=process.code, from_agency=agency, to_agency=to, transferred_at=at, basis="succession"
                )
            )
    tasks = []
    for task in process.tasks:
        to = successions.acting(task.agency, day)
        there = known(to) if to != task.agency else None
        tasks.append(given_to(task, to, task.hours if there is None else there.hours))
    process = replace(process, agencies=tuple(agencies), handled_by=successions.acting(here, day))
    return with_tasks(process, tuple(tasks)), said


def given_to(task: Task, agency: str, hours: Spans | None) -> Task:
    """The task as it is when the agency has it: with nobody, unless it had it already or the task is not to be done.
    `hours`: the agency's; the time of a task that is open stays as it was promised."""
    if task.state not in UNDONE or task.agency == agency:
        return task
    state = TaskState.OPEN if task.state is TaskState.CLAIMED else task.state
    hours = hours if task.state is TaskState.WAITING else task.hours
    return replace(task, agency=agency, hours=hours, state=state, assignee=None, assignee_name=None, co_handlers=())
