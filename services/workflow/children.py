"""What workflow makes of its own news of child dossiers: they begin, and they are called off.

The parent's document and the child's are two, so what one means for the other goes over the bus. Each handler looks at
both as they are, so a repetition, or another order, gives the same. (What an end means for the parent is in `consumer`,
with the other news of dossiers.)
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from chassis.clock import Clock
from chassis.consume import Done, Duplicate, Later, Outcome, Received
from chassis.store import Change, New
from chassis.worktime import local_day
from workflow import inbound
from workflow.domain import children
from workflow.domain.parts import OPEN, Task
from workflow.domain.processes import Process
from workflow.store import WorkflowStore

ROUNDS = 5
"""How often a batch's processes are loaded anew when others changed them in between."""
WAIT = timedelta(minutes=5)
"""For so long a child waits for its procedure; then the step is done by hand. It is less than what the retries come to
before the last one, so that the message is not parked."""


class Children:
    def __init__(self, store: WorkflowStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def open(self, batch: Sequence[Received]) -> list[Outcome]:
        """Begins the processes that do steps of others; a repeated event finds the `_id` taken."""
        outcomes: dict[int, Outcome] = {}
        begun: list[tuple[int, New[Process]]] = []
        by_hand: list[tuple[int, Change[Process]]] = []
        now, catalogue = self._clock(), self._store.catalogue
        calendar, successions = catalogue.calendar(), catalogue.successions()
        parents = self._store.processes.load_many({children.dossier_of(item.data.task) for item in batch})
        for n, item in enumerate(batch):
            opened: inbound.ChildOpened = item.data
            parent = parents.get(children.dossier_of(opened.task))
            task = None if parent is None else _waiting(parent.state, opened)
            if parent is None or task is None:
                # Without its process it came before what caused it, which only a restored backup does.
                outcomes[n] = Later("process_not_here_yet") if parent is None else Duplicate()
                continue
            day = local_day(opened.opened_at)
            acting: Callable[[str], str] = partial(successions.acting, day=day)
            procedure, agency = catalogue.newest(opened.procedure, day), catalogue.agency(acting(task.agency))
            if procedure is not None and agency is not None:
                child = children.begin(parent.state, task, procedure, agency, calendar, now, acting, catalogue.agency)
                begun.append((n, New(opened.child, child, (), opened.opened_at, item.event.traceparent)))
            elif now - opened.recorded_at < WAIT:
                outcomes[n] = Later("procedure_not_here_yet" if procedure is None else "agency_not_here_yet")
            else:
                why = f"there is no procedure {opened.procedure}" if procedure is None else "its agency is not known"
                state = children.by_hand(parent.state, task, why, now)
                by_hand.append((n, Change(parent, state, (), now, item.event.traceparent)))
        refused = self._store.processes.add([new for _, new in begun])
        outcomes.update(
            (n, Done() if field is None else Duplicate()) for (n, _), field in zip(begun, refused, strict=True)
        )
        for n, change in by_hand:
            # One by one: of two steps of the same dossier the second is tried again by itself.
            outcomes[n] = Done() if self._store.processes.save([change])[0] else Later("contended")
        return [outcomes[n] for n in range(len(batch))]

    def call_off(self, batch: Sequence[Received]) -> list[Outcome]:
        """Ends the children that nobody waits for any more. In the place of one that has not begun, one is kept that
        has ended already, so that it never begins."""
        outcomes: dict[int, Outcome] = {}
        waiting = dict(enumerate(batch))
        for _ in range(ROUNDS):
            now = self._clock()
            loaded = self._store.processes.load_many(
                {id for item in waiting.values() for id in (item.data.child, item.event.subject)}
            )
            changes: dict[str, tuple[int, Change[Process]]] = {}
            unborn: dict[str, tuple[int, New[Process]]] = {}
            for n, item in waiting.items():
                called_off: inbound.ChildCalledOff = item.data
                at, trace, child = called_off.called_off_at, item.event.traceparent, loaded.get(called_off.child)
                if called_off.child in changes or called_off.child in unborn:
                    outcomes[n] = Duplicate()
                elif child is not None:
                    after = children.call_off(child.state, at, called_off.reason, now)
                    if after is child.state:
                        outcomes[n] = Duplicate()
                    else:
                        changes[called_off.child] = n, Change(child, after, (), at, trace)
                elif (parent := loaded.get(item.event.subject)) is None:
                    outcomes[n] = Later("process_not_here_yet")
                else:
                    never = children.never_begun(parent.state, called_off, now)
                    unborn[called_off.child] = n, New(called_off.child, never, (), at, trace)
            refused = self._store.processes.add([new for _, new in unborn.values()])
            # When it has begun at this very moment, the next round calls it off.
            outcomes.update(
                (n, Done()) for (n, _), field in zip(unborn.values(), refused, strict=True) if field is None
            )
            written = self._store.processes.save([change for _, change in changes.values()])
            outcomes.update((n, Done()) for (n, _), saved in zip(changes.values(), written, strict=True) if saved)
            waiting = {n: item for n, item in waiting.items() if n not in outcomes}
            if not waiting:
                break
        return [outcomes.get(n, Later("contended")) for n in range(len(batch))]


def _waiting(parent: Process, opened: inbound.ChildOpened) -> Task | None:
    """The parent's task, when it still waits for this child."""
    task = parent.task(opened.task)
    if task is None or task.kind != "child" or task.state not in OPEN or parent.state in children.ENDED:
        return None
    return task if children.child_of(task) == opened.child else None
