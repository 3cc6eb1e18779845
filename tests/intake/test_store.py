"""Intake's store on a real MongoDB: codes that many draw at once, and which version of a procedure is in force."""

import multiprocessing
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from catalog.domain import Alias, CalendarDay
from chassis import worktime
from chassis.clock import system_clock
from chassis.consume import Done, Duplicate
from chassis.store import Carrier
from intake.domain import dossiers as domain
from intake.store import IntakeStore
from intake.store.counters import Counters
from tests.intake import drawing
from tests.intake.making import body
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE
from tests.support.services import Clock, Running

DAY = date(2026, 3, 4)


@pytest.fixture
def store(intake: Running) -> IntakeStore:
    """As a process has it that has read nothing yet."""
    return IntakeStore(intake.database, Carrier(intake.clock))


def file(intake: Running, key: str, channel: str = "counter") -> dict[str, Any]:
    answer = intake.post("dossiers", "counter_officer", body(channel=channel), key=key)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


# --- codes ------------------------------------------------------------------------------------------------------------

PROCESSES, EACH = 4, 25


def test_what_is_drawn_together_is_each_ones_own(intake: Running) -> None:
    counters = Counters(intake.database)
    counters.draw("b", 10)
    assert counters._draw_all([("a", 1), ("b", 2), ("a", 3), ("b", 1), ("a", 1)]) == [1, 11, 2, 13, 5]
    assert [counters.draw("a", 1), counters.draw("b", 1)] == [6, 14]
    with ThreadPoolExecutor(16) as pool:
        drawn = list(pool.map(lambda _: counters.draw("c", 2), range(100)))
    assert sorted(drawn) == list(range(1, 201, 2))


@pytest.mark.parametrize("drawn", [0, 9_950], ids=["from the first", "past 9,999"])
def test_processes_that_draw_at_once_give_each_code_once_and_leave_no_gap(
    intake: Running, clock: Clock, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its server does not get our path, and leaves what it cannot load to each of the processes, without a word.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    clock.now = system_clock()
    if drawn:
        Counters(intake.database).draw(f"{HERE}-{worktime.local_day(clock.now):%y%m%d}", drawn)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([drawing.__name__])
    ready, queue = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=drawing.draw, args=(intake.url, f"officer-{n}", EACH, ready, queue))
        for n in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    codes = [code for _ in processes for code in queue.get(timeout=240)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert len(codes) == PROCESSES * EACH
    assert all(domain.CODE.fullmatch(code) for code in codes)
    numbers = sorted(int(code.rpartition("-")[2]) for code in codes)
    assert numbers == list(range(drawn + 1, drawn + PROCESSES * EACH + 1))
    assert {row["code"] for row in intake.rows("dossiers")} == set(codes)


@pytest.mark.parametrize("channel", ["counter", "online"])
@pytest.mark.parametrize("lost", [1, 3, 60])
def test_a_counter_that_a_failover_set_back_gives_no_code_twice(intake: Running, channel: str, lost: int) -> None:
    given = {file(intake, f"before-{n}")["code"] for n in range(lost)}
    waiting = [file(intake, f"online-{n}", "online")["id"] for n in range(2)]
    intake.database["counters"].update_one({}, {"$set": {"drawn": 0}})
    if channel == "counter":
        after = [file(intake, f"after-{n}")["code"] for n in range(2)]
    else:
        answers = [intake.post(f"dossiers/{id}/reception", "counter_officer", {}) for id in waiting]
        assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
        after = [answer.get_json()["code"] for answer in answers]
    assert len({*given, *after}) == lost + 2
    assert all(int(code.rpartition("-")[2]) <= 4 * lost + 2 for code in after), "it is soon ahead, and not far"


def test_a_lost_counter_begins_again_without_harm(intake: Running) -> None:
    first = file(intake, "a")["code"]
    intake.database["counters"].delete_many({})
    assert file(intake, "b")["code"] != first


def test_each_agency_and_each_day_count_for_themselves(intake: Running, store: IntakeStore) -> None:
    days = [DAY, date(2026, 3, 5)]
    drawn = {
        (agency, day): [store.dossiers.draw(agency, day, 1) for _ in range(2)]
        for agency in (HERE, ELSEWHERE)
        for day in days
    }
    assert set(map(tuple, drawn.values())) == {(1, 2)}
    assert store.dossiers.draw(HERE, DAY, 5) == 3
    assert store.dossiers.draw(HERE, DAY, 1) == 8


def test_the_same_key_at_once_makes_one_dossier(intake: Running) -> None:
    """A client that lost patience sends again while the first request is still being worked on."""
    with ThreadPoolExecutor(8) as at_once:
        answers = list(
            at_once.map(
                lambda _: intake.post("dossiers", "counter_officer", body(channel="counter"), key="k"), range(8)
            )
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert len(intake.rows("dossiers")) == 1


def test_an_act_at_once_is_done_once(intake: Running) -> None:
    """Two officers press the button at the same moment: one receives, the other learns that it was received."""
    id = file(intake, "k", "online")["id"]
    with ThreadPoolExecutor(6) as at_once:
        answers = list(at_once.map(lambda _: intake.post(f"dossiers/{id}/reception", "counter_officer", {}), range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    (dossier,) = intake.rows("dossiers")
    assert [entry["act"] for entry in dossier["journal"]] == ["filed", "received"]


# --- the copies of catalog's data -------------------------------------------------------------------------------------


def tell(intake: Running, *events: bytes) -> None:
    assert set(map(type, intake.hear(events))) == {Done}


def version_in_force(store: IntakeStore, day: date) -> int | None:
    found = store.catalogue.in_force(BUSINESS, day)
    return None if found is None else found.version


@pytest.mark.parametrize(
    ("day", "version"),
    [
        (date(2018, 12, 31), None),
        (date(2019, 1, 1), 1),
        (date(2026, 2, 28), 1),
        (date(2026, 3, 1), 2),
        (date(2026, 3, 31), 2),
        (date(2026, 4, 1), 4),
        (date(2026, 5, 31), 4),
        (date(2026, 6, 1), None),
        (date(2026, 6, 30), None),
        (date(2026, 7, 1), 6),
        (date(2026, 7, 31), 6),
        (date(2026, 8, 1), None),
    ],
)
def test_the_version_in_force_is_that_of_the_day(
    intake: Running, store: IntakeStore, day: date, version: int | None
) -> None:
    """2 from 1 March; 3 and its correction 4 from 1 April; withdrawn (5) on 1 June; 6 for the month of July."""
    tell(
        intake,
        catalogue.published(catalogue.procedure(version=4, valid_from=date(2026, 4, 1))),
        catalogue.published(catalogue.procedure(version=3, valid_from=date(2026, 4, 1))),
        catalogue.withdrawn(BUSINESS, 5, date(2026, 6, 1)),
        catalogue.published(catalogue.procedure(version=6, valid_from=date(2026, 7, 1), valid_to=date(2026, 8, 1))),
        catalogue.published(catalogue.procedure(version=2, valid_from=date(2026, 3, 1))),
    )
    assert version_in_force(store, day) == version


def test_a_version_is_found_by_its_number_even_when_it_is_over(intake: Running, store: IntakeStore) -> None:
    tell(
        intake,
        catalogue.published(catalogue.procedure(version=2, name="Tên mới", valid_from=date(2026, 3, 1))),
        catalogue.withdrawn(BUSINESS, 3, date(2026, 3, 2)),
    )
    found = [store.catalogue.version(BUSINESS, number) for number in (1, 2, 3, 4)]
    assert [version and version.name for version in found] == [catalogue.procedure().name, "Tên mới", None, None]
    assert store.catalogue.in_force("9.999999", DAY) is None


def test_the_newest_copy_wins_whatever_the_order(intake: Running, store: IntakeStore) -> None:
    names = [f"Tên {n}" for n in range(2, 6)]
    events = [catalogue.changed(catalogue.agency(name=name), n) for n, name in enumerate(names, 2)]
    assert intake.hear([events[1], events[3], events[0]]) == [Duplicate(), Done(), Duplicate()], "one write, the newest"
    assert intake.hear([events[2], events[3]]) == [Duplicate(), Duplicate()]
    found = store.catalogue.agency(HERE, DAY)
    assert found is not None
    assert found.name == "Tên 5"


def test_an_agency_is_found_by_an_alias(intake: Running, store: IntakeStore) -> None:
    tell(intake, catalogue.changed(catalogue.agency(aliases=(Alias(id="000.30.H56"), Alias(id="H56.99"))), 2))
    for id in (HERE, "000.30.H56", "H56.99"):
        found = store.catalogue.agency(id, DAY)
        assert found is not None
        assert found.id == HERE
    assert store.catalogue.agency("H56.98", DAY) is None


@pytest.mark.parametrize(
    ("day", "agency"),
    [(date(2019, 1, 1), ELSEWHERE), (date(2025, 6, 30), HERE), (date(2025, 7, 1), ELSEWHERE), (DAY, ELSEWHERE)],
)
def test_an_alias_is_the_agencys_that_bears_it_on_the_day(
    intake: Running, store: IntakeStore, day: date, agency: str
) -> None:
    """A commune was merged into another one, which took over its identifier."""
    before = Alias(id="H56.99", valid_from=date(2019, 6, 1), valid_to=date(2025, 7, 1))
    since = Alias(id="H56.99", valid_from=date(2025, 7, 1), valid_to=date(2026, 1, 1))
    other = Alias(id="H56.98")
    tell(
        intake,
        catalogue.changed(catalogue.agency(HERE, aliases=(other, before)), 2),
        catalogue.changed(catalogue.agency(ELSEWHERE, aliases=(since,)), 2),
    )
    found = store.catalogue.agency("H56.99", day)
    assert found is not None
    assert found.id == agency, "when nobody bears it, the one that bore it last"


def test_the_calendar_is_all_years_together(intake: Running, store: IntakeStore) -> None:
    new_year = [CalendarDay(date=date(2027, 1, 1), kind="off", name="Tết Dương lịch")]
    tell(intake, catalogue.calendar(2027, new_year), catalogue.calendar(2026, [], 2))
    calendar = store.catalogue.calendar()
    assert calendar.years == {2026, 2027}
    assert not calendar.is_working(date(2027, 1, 1))
    assert calendar.is_working(date(2026, 4, 30)), "the second news of 2026 lists no day"


def test_a_process_sees_news_a_few_seconds_later_at_most(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [1000.0]
    monkeypatch.setattr("chassis.cache.time.monotonic", lambda: seconds[0])
    store = IntakeStore(intake.database, Carrier(intake.clock))
    assert version_in_force(store, DAY) == 1
    tell(intake, catalogue.published(catalogue.procedure(version=2)))
    assert version_in_force(store, DAY) == 1
    seconds[0] += 3.1
    assert version_in_force(store, DAY) == 2
