"""Intake, workflow and stats together: what intake's dossiers are and what stats counted is the same in every state
that a dossier can be in, whatever order the news came in."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from chassis import store
from chassis.worktime import local_day
from native.access import Persona
from stats.consumer import table
from stats.inbound.states import State
from stats.store import StatsStore
from stats.usecases.events import Taking
from stats.usecases.recounts import Recounting
from tests.intake.making import body, paper
from tests.support.services import Clock, Running, database_url, hear

RECOUNTER = Persona("Đối chiếu số liệu", ("dossiers.recount",))
STATES = TypeAdapter(list[State])
WHY = {"reason": "Phải xác minh", "basis": "Nghị định 118/2025/NĐ-CP"}


class Province:
    """Intake and workflow, and everything that they said."""

    def __init__(self, intake: Running, workflow: Running, clock: Clock) -> None:
        self.intake, self.workflow, self.clock = intake, workflow, clock
        self.said: list[bytes] = []
        self.untold: list[bytes] = []
        """Of workflow's, what intake has not heard yet."""

    def states(self) -> list[State]:
        return STATES.validate_python(self.intake.get("dossiers/states", RECOUNTER).get_json()["items"])

    def tell_workflow(self) -> None:
        news = self.intake.publish()
        self.said += news
        self.workflow.hear(news)

    def tell_intake(self) -> None:
        news = self.workflow.publish()
        self.said += news
        self.untold += news

    def begin(self) -> str:
        """A dossier that was filed online and received, and that workflow works on."""
        made = self.intake.post("dossiers", "citizen", body())
        assert made.status_code == 201, made.text
        id = str(made.get_json()["id"])
        self.at_intake(id, "reception", "counter_officer", {})
        self.tell_intake()
        return id

    def at_intake(self, id: str, act: str, who: str, sent: dict[str, Any]) -> None:
        self.clock.move(hours=1)
        answer = self.intake.post(f"dossiers/{id}/{act}", who, sent)
        assert answer.status_code in (200, 201), answer.text
        self.tell_workflow()

    def act(self, path: str, **sent: Any) -> None:
        self.clock.move(hours=1)
        answer = self.workflow.post(path, "officer", sent)
        assert answer.status_code == 200, answer.text
        self.tell_intake()

    def ask(self, id: str) -> None:
        self.act(f"tasks/{id}.s1/supplement-request", components=["TP2"], reason="Thiếu hợp đồng")

    def give(self, id: str) -> None:
        self.intake.hear(self.untold)
        self.at_intake(id, "supplement", "citizen", {"components": [paper("TP2")]})
        self.tell_intake()

    def charge(self, id: str) -> None:
        self.act(f"tasks/{id}.s1/fee-request", amount=80_000, **WHY)

    def remit(self, id: str) -> None:
        self.intake.hear(self.untold)
        number = len(self.intake.get(f"dossiers/{id}/fee", "counter_officer").get_json()["bills"])
        self.at_intake(id, f"bills/{number}/cancellation", "counter_officer", {"reason": "Hộ nghèo được miễn"})
        self.tell_intake()

    def pause(self, id: str) -> None:
        self.act(f"dossiers/{id}/pause", **WHY)

    def resume(self, id: str) -> None:
        self.act(f"dossiers/{id}/resumption", reason="Đã xác minh")

    def extend(self, id: str) -> None:
        self.act(f"dossiers/{id}/extension", amount=2, reason="Chờ ý kiến", apology=True)

    def stop(self, id: str) -> None:
        self.act(f"dossiers/{id}/stop", reason="Đất có tranh chấp")

    def refuse(self, id: str) -> None:
        self.act(f"dossiers/{id}/refusal", **WHY)

    def withdraw(self, id: str) -> None:
        self.at_intake(id, "withdrawal", "citizen", {"reason": "Thôi"})


WAYS: tuple[tuple[Callable[[Province, str], None], ...], ...] = (
    (),
    (Province.ask,),
    (Province.ask, Province.give),
    (Province.ask, Province.resume, Province.ask),
    (Province.charge,),
    (Province.charge, Province.resume),
    (Province.charge, Province.remit),
    (Province.pause,),
    (Province.pause, Province.resume, Province.extend),
    (Province.extend, Province.pause),
    (Province.stop,),
    (Province.ask, Province.stop),
    (Province.refuse,),
    (Province.pause, Province.refuse),
    (Province.withdraw,),
    (Province.charge, Province.withdraw),
    # Intake has not heard of the end yet.
    (Province.stop, Province.withdraw),
    (Province.refuse, Province.withdraw),
)


@pytest.fixture
def province(intake: Running, workflow: Running, clock: Clock) -> Province:
    """A dossier that went each of these ways, and one that nobody has received."""
    province = Province(intake, workflow, clock)
    for way in WAYS:
        id = province.begin()
        for step in way:
            step(province, id)
    assert intake.post("dossiers", "citizen", body()).status_code == 201
    province.tell_workflow()
    return province


@pytest.fixture
def stats(mongo_url: str, emptied_prefix: str) -> Iterator[StatsStore]:
    kept = StatsStore(store.connect(database_url(mongo_url, f"{emptied_prefix}stats")))
    kept.ensure_indexes()
    yield kept
    kept.database.client.close()


def test_the_numbers_equal_a_recount_in_every_state_and_order(
    province: Province, stats: StatsStore, clock: Clock
) -> None:
    taking, recounting = Taking(stats, clock), Recounting(stats, province, clock)
    rng = random.Random(20260304)  # noqa: S311 (the same order each time)

    def shuffled(bodies: list[bytes]) -> Iterator[list[bytes]]:
        news = [*bodies, *rng.choices(bodies, k=20)]
        rng.shuffle(news)
        while news:
            size = rng.randint(1, 25)
            yield news[:size]
            del news[:size]

    for batch in shuffled(province.untold):
        province.intake.hear(batch)
    # A message of intake's own that this caused is heard too.
    province.tell_workflow()
    for batch in shuffled(province.said):
        hear(table(taking), batch)
    found = [state for state in province.states() if state.received_at is not None]
    assert len(found) == len(WAYS)
    assert sum(state.stopped_at is not None for state in found) == 3
    assert sum(state.finished_at is not None for state in found) == 3
    now = ("waiting", "open", "supplement", "paused")
    for days in (0, 3, 30):
        clock.now += timedelta(days=days)
        comparison = recounting.recount()
        assert comparison.differences == ()
        [(_, stocks)] = stats.current().now(local_day(clock()))
        assert {name: stocks[name] for name in now} == {"waiting": 1, "open": 10, "supplement": 2, "paused": 3}
    # In a month all but those are over time whose clock stands still.
    assert stocks["overdue"] == 5


WAITED: dict[str, tuple[Callable[[Province, str], None], ...]] = {
    "supplemented": (Province.ask, Province.give),
    "resumed": (Province.pause, Province.resume),
    "cancelled": (Province.charge, Province.remit),
    "refused": (Province.pause, Province.refuse),
}


@pytest.mark.parametrize("way", WAITED)
def test_intake_has_the_due_date_of_workflows_clock_whatever_ends_a_pause(
    intake: Running, workflow: Running, clock: Clock, way: str
) -> None:
    province = Province(intake, workflow, clock)
    id = province.begin()
    begin, end = WAITED[way]
    begin(province, id)
    clock.move(days=1)
    end(province, id)
    intake.hear(province.untold)
    ((dossier,), (process,)) = intake.rows("dossiers"), workflow.rows("dossiers")
    assert dossier["due_at"] == process["due_at"] > process["promised_due_at"]
    view = intake.get(f"tracking/{dossier['code']}?secret={dossier['secret']}").get_json()
    assert (view["status"], view["fee_asked"], view["paused_since"]) == (
        "processed" if way == "refused" else "in_process", 0, None,
    )  # fmt: skip
    assert [change["text"] for change in view["due_changes"]] == ["Không tính thời gian tạm dừng"]
    assert process["state"] == ("finished" if way == "refused" else "running")
    said = {"cancelled": "Hộ nghèo được miễn", "resumed": "Đã xác minh"}
    assert way not in said or process["journal"][-1]["note"] == said[way]
