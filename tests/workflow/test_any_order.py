"""Whatever order the news come in, repeated, late, in whatever batches, to however many workers, a dossier ends alike.

Dossiers are brought into every state that can still change by what others tell; then all that is told of them comes in
an order that hypothesis makes up: receptions, withdrawals, supplements, fees, another calendar, a succession of the
agency that works on them; and the worker's timers run in between.

What is compared is all that counts: states, ends, the ledger of the clock, tasks, whose they are, due dates, the lists
that a dossier is on, and the journal's entries without their order and the moment at which each was learnt of. Left out
are, since they tell what was known when:

- which due dates were moved by which change of the calendar, on the way to the one that holds in the end;
- of a withdrawn dossier, what was promised, and by whom, at the moment at which the withdrawal was learnt of.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from catalog.domain import CalendarDay
from chassis import store
from chassis.consume import Duplicate, Invalid, Later, Outcome, Subscription
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE, LAND
from tests.support.effort import THOROUGH, examples
from tests.support.samples import sample
from tests.support.services import Clock, Running, hear, local
from tests.workflow.test_consumer import versioned
from tests.workflow.test_successions import NEW, new_agency, succeeded
from tests.workflow.test_transitions_api import BODIES, news
from workflow import consumer
from workflow.domain.processes import Process, first_broken_entry
from workflow.following import SETTLE, Following
from workflow.store import WorkflowStore

RECEIVED_AT = local("2026-03-04 09:00")
"""A Wednesday."""
RESTARTING = 2
"""The version of BUSINESS by which a supplement lets the clock begin anew."""
NOW = local("2026-03-10 10:00")
"""When the news come: the day after the succession."""
ON_THE_WAY = {"rescheduled", "tasks_rescheduled", "due_date_differs"}
"""What the journal says of due dates between the first and the last."""


def at(hours: float) -> datetime:
    return RECEIVED_AT + timedelta(hours=hours)


def received(id: str, version: int = 1, procedure: str = BUSINESS) -> bytes:
    event = json.loads(sample("intake.dossier.received.v1"))
    event |= {"id": f"intake.dossier:{id}:2", "subject": id}
    times = {"received_at": at(0).isoformat(), "clock_at": at(0).isoformat(), "due_at": "2026-03-18T02:00:00Z"}
    budget = {"budget": {"amount": 10, "unit": "working_day"}}
    event["data"] |= {"code": f"{HERE}-260304-{sum(id.encode()) % 9000 + 1000}", **times, **budget}
    event["data"] |= versioned(version, procedure)
    return json.dumps(event).encode()


def withdrawn(id: str, hours: float) -> bytes:
    return news("dossier.withdrawn", id, at(hours), received_at=at(0).isoformat())


@dataclass
class Told:
    """One event of intake's or catalog's; `kind`: what it is about."""

    kind: str
    body: bytes


@dataclass
class World:
    """The dossiers as they were before the news, and the news."""

    workflow: Running
    rows: list[dict[str, Any]] = field(default_factory=list)
    news: list[Told] = field(default_factory=list)

    def act(self, id: str, path: str, hours: float) -> None:
        (full,) = [each for each in BODIES if each.endswith(path)]
        when = {"Occurred-At": at(hours).isoformat()}
        answer = self.workflow.post(full.format(id=id), "backdate", BODIES[full], headers=when)
        assert answer.status_code == 200, answer.text

    def told(self, kind: str, *bodies: bytes) -> None:
        self.news += [Told(kind, body) for body in bodies]

    def begin(self, id: str, version: int = 1, procedure: str = BUSINESS) -> None:
        self.workflow.hear([received(id, version, procedure)])
        self.told("received", received(id, version, procedure))


def not_yet_received(world: World, id: str) -> None:
    world.told("received", received(id))


def running(world: World, id: str) -> None:
    world.begin(id)


def at_the_province(world: World, id: str) -> None:
    world.begin(id, procedure=LAND)
    answer = world.workflow.post(f"tasks/{id}.s1/completion", "backdate", {"outcome": "completed"})
    assert answer.status_code == 200, answer.text


def supplement(world: World, id: str) -> None:
    world.begin(id)
    world.act(id, "supplement-request", 10)
    world.told("supplemented", news("dossier.supplemented", id, at(30)))


def restart(world: World, id: str) -> None:
    world.begin(id, RESTARTING)
    world.act(id, "supplement-request", 10)
    world.told("supplemented", news("dossier.supplemented", id, at(30)))


def fee(world: World, id: str) -> None:
    world.begin(id)
    world.act(id, "fee-request", 10)
    world.told("fee", news("fee.paid", id, at(12)), news("fee.paid", id, at(30), requested_at=at(10).isoformat()))


def remitted(world: World, id: str) -> None:
    world.begin(id)
    world.act(id, "fee-request", 10)
    remission = news("fee.cancelled", id, at(30), requested_at=at(10).isoformat())
    world.told("fee", news("fee.cancelled", id, at(12)), remission)


def asked_again(world: World, id: str) -> None:
    """An officer went on by hand and asked again before the news of the first supplement came."""
    world.begin(id)
    world.act(id, "supplement-request", 10)
    world.act(id, "resumption", 14)
    world.act(id, "supplement-request", 15)
    world.told("supplemented", news("dossier.supplemented", id, at(13)), news("dossier.supplemented", id, at(31)))


def paused(world: World, id: str) -> None:
    world.begin(id)
    world.act(id, "pause", 10)


def extended(world: World, id: str) -> None:
    world.begin(id)
    world.act(id, "extension", 10)


def stopped(world: World, id: str) -> None:
    supplement(world, id)
    world.act(id, "/stop", 40)


DOSSIERS: dict[str, Callable[[World, str], None]] = {
    made.__name__: made
    for made in (
        not_yet_received, running, at_the_province, supplement, restart, fee, remitted, asked_again, paused, extended,
        stopped,
    )
}  # fmt: skip
ALL = tuple(DOSSIERS)
WITHDRAWN = ("not_yet_received", "supplement", "fee", "remitted", "stopped")


def world_of(workflow: Running) -> World:
    """Every dossier by the name of what it was brought to; some also as `<name>-early` and `<name>-late`, which are
    withdrawn before and after what else is told of them."""
    world = World(workflow)
    restarting = catalogue.procedure(version=RESTARTING, supplement_rule="restart")
    workflow.hear([catalogue.published(restarting), catalogue.changed(new_agency())])
    workflow.clock.now = NOW
    for suffix, hours in (("", None), ("-early", 20.0), ("-late", 60.0)):
        made = {name: f"{name}{suffix}" for name in (ALL if hours is None else WITHDRAWN)}
        for name, id in made.items():
            DOSSIERS[name](world, id)
        if hours is not None:
            world.told("withdrawn", *(withdrawn(id, hours) for id in made.values()))
    off = [CalendarDay(date=date(2026, 3, 12), kind="off", name="Nghỉ bù")]
    world.told("calendar", catalogue.calendar(2026, off, 2), catalogue.calendar(2026, [], 1))
    world.told("succession", succeeded(HERE))
    world.rows = workflow.rows("dossiers")
    return world


class Workers:
    """Processes of the service on the world's database, as it was before the news; they remember what they read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = world.workflow.database
        for name in ("dossiers", "calendars", "successions", "calendar_settlings"):
            self.database[name].delete_many({})
        self.database["dossiers"].insert_many(deepcopy(world.rows))
        self.clock = Clock(NOW)
        self.pending = list(world.news)
        self.tables: list[Sequence[Subscription]] = []
        self.tell([catalogue.calendar()])

    def fresh(self) -> WorkflowStore:
        return WorkflowStore(self.database, store.Carrier(self.clock))

    def tell(self, bodies: Sequence[bytes], *, to: int | None = None) -> list[Outcome | None]:
        """To a worker that has just started, or to one that was there already."""
        if to is None or not self.tables:
            self.tables.append(consumer.table(self.fresh(), self.clock))
        table = self.tables[-1 if to is None else to % len(self.tables)]
        outcomes = hear(table, bodies)
        assert not any(isinstance(each, Invalid) for each in outcomes)
        return outcomes

    def deliver(self, chosen: Sequence[Told], *, to: int | None = None) -> None:
        """What cannot be applied yet stays pending, as in the queue that it waits in."""
        outcomes = self.tell([each.body for each in chosen], to=to)
        settled = [each for each, outcome in zip(chosen, outcomes, strict=True) if not isinstance(outcome, Later)]
        self.pending = [each for each in self.pending if each not in settled]

    def tick(self) -> None:
        following = Following(self.fresh(), self.clock)
        following.agencies()
        following.calendars()

    def finish(self) -> dict[str, Any]:
        """All that was not heard of is; the timers have nothing left to do. What counts of each dossier."""
        for _ in range(5):
            if not self.pending:
                break
            self.deliver(list(self.pending))
        assert not self.pending
        for _ in range(2):
            following = Following(self.fresh(), self.clock)
            while following.agencies() or following.calendars():
                pass
            self.clock.now += SETTLE
        ids = [row["_id"] for row in self.database["dossiers"].find({}, {"_id": 1})]
        processes = {id: each.state for id, each in self.fresh().processes.load_many(ids).items()}
        assert {first_broken_entry(each) for each in processes.values()} == {None}
        return {id: what_counts(each) for id, each in processes.items()}


def what_counts(process: Process) -> dict[str, Any]:
    """See the top of this file."""
    found: dict[str, Any] = {
        "state": process.state,
        "ends": (process.withdrawn_at, process.stopped_at, process.finished_at, process.outcome, process.timing),
        "pauses": [(each.kind, each.begin, each.end, each.restarts, each.number) for each in process.pauses],
        "extensions": [(each.at, each.amount, each.tasks) for each in process.extensions],
        "tasks": [(each.id, each.state, each.opened_at, each.completed_at, each.outcome) for each in process.tasks],
        "lists": (process.queues, process.involved, process.next_due_at, process.last_due_at),
    }
    entries = {(each.act, each.task, each.at, each.by, each.behalf) for each in process.journal}
    if process.withdrawn_at is None:
        found["due"] = (process.due_at, [each.due_at for each in process.tasks])
        found["agencies"] = (process.handled_by, set(process.agencies), [each.agency for each in process.tasks])
        found["journal"] = {each for each in entries if each[0] not in ON_THE_WAY}
    else:
        found["journal"] = {each for each in entries if each[0] not in {*ON_THE_WAY, "succeeded"}}
    return found


@pytest.fixture
def world(workflow: Running) -> Iterator[World]:
    found = world_of(workflow)
    yield found
    for name in ("dossiers", "calendars", "successions", "calendar_settlings"):
        workflow.database[name].delete_many({})


def in_order(world: World) -> dict[str, Any]:
    """What counts when each kind of news comes after the other, in the order of their times."""
    workers = Workers(world)
    for kind in ("received", "calendar", "succession", "supplemented", "fee", "withdrawn"):
        for each in [told for told in world.news if told.kind == kind]:
            workers.deliver([each])
        workers.tick()
    return workers.finish()


def test_every_order_of_the_kinds_of_news_ends_alike(world: World) -> None:
    """Each of the 24 orders of a dossier's own news, with the timers' before, between or behind them; by `./test` every
    seventh, so that each kind comes first once, and the timers' at different places."""
    expected = in_order(world)
    assert {id: found["state"] for id, found in expected.items()} == {
        **dict.fromkeys(ALL, "running"),
        "paused": "paused",
        "stopped": "stopped",
        **{f"{name}-{when}": "withdrawn" for name in WITHDRAWN for when in ("early", "late")},
        "stopped-late": "stopped",
    }
    assert [end for *_, end, _, _ in expected["asked_again"]["pauses"]] == [at(14), at(31)]
    kinds = ("received", "supplemented", "fee", "withdrawn")
    for n, order in list(enumerate(permutations(kinds)))[:: 1 if THOROUGH else 7]:
        workers = Workers(world)
        whole = list(order)
        whole.insert(n % 5, "calendar")
        whole.insert(n % 6, "succession")
        for kind in whole:
            workers.deliver([told for told in world.news if told.kind == kind][:: 1 if n % 2 else -1])
        assert workers.finish() == expected, whole


def test_any_sequence_of_news_repetitions_and_timers_ends_alike(world: World) -> None:
    expected = in_order(world)

    class Sequences(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.workers = Workers(world)

        @rule(data=st.data(), to=st.none() | st.integers(0, 3))
        def some_news_come(self, data: st.DataObject, to: int | None) -> None:
            if self.workers.pending:
                chosen = data.draw(
                    st.lists(st.integers(0, len(self.workers.pending) - 1), min_size=1, max_size=12, unique=True)
                )
                self.workers.deliver([self.workers.pending[n] for n in chosen], to=to)

        @rule(kind=st.sampled_from(sorted({told.kind for told in world.news})))
        def all_of_a_kind_come(self, kind: str) -> None:
            self.workers.deliver([told for told in self.workers.pending if told.kind == kind])

        @rule(chosen=st.lists(st.integers(0, len(world.news) - 1), min_size=1, max_size=12))
        def what_came_or_will_come_is_repeated(self, chosen: list[int]) -> None:
            self.workers.deliver([world.news[n] for n in chosen])

        @rule()
        def the_timers_run(self) -> None:
            self.workers.tick()

        @rule(seconds=st.integers(1, 15))
        def time_passes(self, seconds: int) -> None:
            self.workers.clock.move(seconds=seconds)

        def teardown(self) -> None:
            assert self.workers.finish() == expected

    run_state_machine_as_test(
        Sequences,
        settings=settings(max_examples=examples(4, 10), stateful_step_count=10, deadline=None, print_blob=True),
    )


def test_all_of_it_again_changes_nothing(world: World) -> None:
    workers = Workers(world)
    workers.deliver(world.news)
    workers.finish()
    before = workers.database["dossiers"].find().sort("_id").to_list()
    assert set(workers.tell([told.body for told in world.news if told.kind == "received"])) == {Duplicate()}
    workers.tell([told.body for told in reversed(world.news)])
    workers.finish()
    assert workers.database["dossiers"].find().sort("_id").to_list() == before
    assert {agency for row in before for agency in row["queues"]} <= {NEW, "H56"}
