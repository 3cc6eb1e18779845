"""The client of the population database: every way in which the platform can be wrong, and how long that may take."""

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from intake import population
from intake.domain.population import State
from intake.population import FAILURES, MOST_AT_ONCE, PAUSE_SECONDS, Asked, Breaker, Malformed, Population, read
from tests.doubles.population import DUC, HOA, KEY, Fault, PopulationServer
from tests.support.waiting import until

ASKED = Asked("038185001234", "Nguyễn Thị Hoa", date(1985, 3, 12))
QUICK = 0.4
"""For a platform that does not answer; one that does is waited for."""


@pytest.fixture
def platform() -> Iterator[PopulationServer]:
    with PopulationServer() as server:
        yield server


def client(platform: PopulationServer, timeout: float | None = None) -> Population:
    silent = platform.fault in (Fault.SILENT, Fault.DRIPPING)
    return Population(platform.url, KEY, timeout or (QUICK if silent else 60))


def look_up(platform: PopulationServer, asked: Asked = ASKED) -> tuple[State, Any]:
    return client(platform).look_up(asked, "yc-1", "H56.30")


def test_what_the_database_shares_is_read(platform: PopulationServer) -> None:
    assert look_up(platform) == (
        State.OK,
        {
            "name": "Nguyễn Thị Hoa",
            "identity": "038185001234",
            "sex": "Nữ",
            "birth_date": "1985-03-12",
            "birth_registration_place": "Xã Hoằng Lộc, huyện Hoằng Hóa, tỉnh Thanh Hóa",
            "nationality": "Việt Nam",
            "hometown": "Xã Hoằng Lộc, huyện Hoằng Hóa, tỉnh Thanh Hóa",
            "permanent_address": "Thôn 3, xã Hoằng Lộc, tỉnh Thanh Hóa",
            "present_address": "12 Lê Lợi, phường Hạc Thành, tỉnh Thanh Hóa",
            "father_name": "Nguyễn Văn Bình",
            "father_identity": "038060001111",
            "mother_name": "Lê Thị Mận",
            "mother_identity": "170111222",
        },
    )
    assert platform.asked == [
        {
            "MaYeuCau": "yc-1",
            "MaDonVi": "H56.30",
            "SoDinhDanh": "038185001234",
            "HoVaTen": "Nguyễn Thị Hoa",
            "NgayThangNamSinh": "19850312",
        }
    ]


def test_the_old_cards_number_finds_the_same_person(platform: PopulationServer) -> None:
    state, person = look_up(platform, Asked("171234567", "nguyễn  thị hoa".replace("  ", " "), ASKED.birth_date))
    assert (state, person["name"]) == (State.OK, "Nguyễn Thị Hoa")


@pytest.mark.parametrize(
    "asked",
    [
        Asked("038185001235", "Nguyễn Thị Hoa", ASKED.birth_date),
        Asked("038185001234", "Nguyễn Thị Huệ", ASKED.birth_date),
        Asked("038185001234", "Nguyễn Thị Hoa", date(1985, 3, 13)),
    ],
    ids=["number", "name", "birth date"],
)
def test_whoever_does_not_know_all_three_finds_nobody(platform: PopulationServer, asked: Asked) -> None:
    assert look_up(platform, asked) == (State.NOT_FOUND, {})
    # Nor when the platform itself is careless.
    citizen = {**HOA, "SoDinhDanh": asked.identity}
    if asked.identity == ASKED.identity:
        assert read({"Body": {"CongdanCollection": {"CongDan": citizen}}}, asked) == (State.NOT_FOUND, {})


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.EMPTY, State.MALFORMED),
        (Fault.HTML, State.MALFORMED),
        (Fault.LIST, State.MALFORMED),
        (Fault.NUMBER, State.MALFORMED),
        (Fault.NAMELESS, State.MALFORMED),
        (Fault.SEVERAL, State.MALFORMED),
        (Fault.ENDLESS, State.MALFORMED),
        (Fault.STRANGER, State.MALFORMED),
        (Fault.ERROR_500, State.UNAVAILABLE),
        (Fault.DENIED, State.UNAVAILABLE),
        (Fault.BUSY, State.UNAVAILABLE),
        (Fault.REDIRECT, State.UNAVAILABLE),
        (Fault.HANG_UP, State.UNAVAILABLE),
        (Fault.SILENT, State.UNAVAILABLE),
        (Fault.DRIPPING, State.UNAVAILABLE),
    ],
)
def test_whatever_is_wrong_has_a_state_and_gives_nothing_away(
    platform: PopulationServer, fault: Fault, expected: State
) -> None:
    platform.fault = fault
    assert look_up(platform) == (expected, {})
    assert len(platform.asked) == 1, "a redirect is not followed"


def test_a_platform_that_is_down_is_unavailable(platform: PopulationServer) -> None:
    platform.stop()
    assert look_up(platform) == (State.UNAVAILABLE, {})


def test_a_wrong_key_is_unavailable(platform: PopulationServer) -> None:
    assert Population(platform.url, "khác", QUICK).look_up(ASKED, "yc-1", None) == (State.UNAVAILABLE, {})


def test_without_an_address_nobody_is_asked() -> None:
    nobody = Population(None, None, QUICK)
    assert not nobody.configured
    assert nobody.look_up(ASKED, "yc-1", None) == (State.NOT_CONFIGURED, {})


def test_a_dead_platform_is_asked_a_few_times_and_then_left_alone(platform: PopulationServer) -> None:
    platform.fault = Fault.ERROR_500
    tired = client(platform)
    states = [tired.look_up(ASKED, "yc", None)[0] for _ in range(FAILURES + 5)]
    assert set(states) == {State.UNAVAILABLE}
    assert len(platform.asked) == FAILURES


def test_a_malformed_answer_is_no_reason_not_to_ask_again(platform: PopulationServer) -> None:
    platform.fault = Fault.HTML
    patient = client(platform)
    for _ in range(FAILURES + 2):
        patient.look_up(ASKED, "yc", None)
    platform.fault = None
    assert patient.look_up(ASKED, "yc", None)[0] is State.OK


def test_after_a_pause_one_goes_to_see_and_the_others_follow_when_it_was_well() -> None:
    now = [1_000.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.lets_through()
        breaker.note(success=False)
    assert not breaker.lets_through()
    now[0] += PAUSE_SECONDS - 1
    assert not breaker.lets_through()
    now[0] += 2
    assert [breaker.lets_through() for _ in range(4)] == [True, False, False, False]
    breaker.note(success=False)
    now[0] += PAUSE_SECONDS - 1
    assert not breaker.lets_through()
    now[0] += 2
    assert breaker.lets_through()
    breaker.note(success=True)
    assert [breaker.lets_through() for _ in range(4)] == [True] * 4


def test_a_success_in_between_begins_the_count_anew() -> None:
    breaker = Breaker()
    for success in [False] * (FAILURES - 1) + [True] + [False] * (FAILURES - 1):
        breaker.note(success=success)
    assert breaker.lets_through()


def test_a_slow_platform_holds_only_some_of_the_threads(platform: PopulationServer) -> None:
    platform.fault = Fault.SILENT
    # It is stopped long before.
    slow = client(platform, timeout=120)
    waiting = [threading.Thread(target=slow.look_up, args=(ASKED, "yc", None)) for _ in range(MOST_AT_ONCE)]
    for thread in waiting:
        thread.start()
    until(lambda: len(platform.asked) == MOST_AT_ONCE)
    assert slow.look_up(ASKED, "yc", None) == (State.UNAVAILABLE, {})
    assert len(platform.asked) == MOST_AT_ONCE, "the one more was not sent"
    platform.stop()
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"GioiTinh": "0"}, "sex", None),
        ({"GioiTinh": 1}, "sex", "Nam"),
        ({"GioiTinh": {"x": 1}}, "sex", None),
        ({"QuocTich": "Lào"}, "nationality", "Lào"),
        ({"QueQuan": "Nga Sơn"}, "hometown", "Nga Sơn"),
        ({"QueQuan": {"ChiTiet": "x" * 301}}, "hometown", None),
        ({"QueQuan": {"ChiTiet": " Nga\n\tSơn\x00 "}}, "hometown", "Nga Sơn"),
        ({"QueQuan": ["Nga Sơn"]}, "hometown", None),
        ({"Cha": []}, "father_name", None),
        ({"VoChong": {"HoVaTen": "Trần Văn An"}}, "spouse_name", "Trần Văn An"),
        ({"NgayThangNamSinh": {"Nam": "1985"}}, "birth_date", None),
        ({"NgayThangNamSinh": "19850312"}, "birth_date", "1985-03-12"),
    ],
    ids=str,
)
def test_a_field_that_is_odd_is_left_out_and_the_rest_is_read(changes: Any, key: str, expected: str | None) -> None:
    state, person = read({"Body": {"CongdanCollection": {"CongDan": {**HOA, **changes}}}}, ASKED)
    assert (state, person.get(key), person["name"]) == (State.OK, expected, "Nguyễn Thị Hoa")


@pytest.mark.parametrize(
    "found",
    [
        DUC,
        {**HOA, "SoDinhDanh": None, "SoCMND": None},
        {**HOA, "HoVaTen": None},
        {**HOA, "NgayThangNamSinh": "19851399"},
    ],
    ids=["another", "numberless", "nameless", "no day of the calendar"],
)
def test_an_answer_about_nobody_in_particular_is_malformed(found: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read({"Body": {"CongdanCollection": {"CongDan": found}}}, ASKED)


@pytest.mark.parametrize(
    "answer",
    [{}, {"Body": None}, {"Body": {"CongdanCollection": ""}}, {"Body": {"CongdanCollection": {"CongDan": []}}}],
)
def test_an_empty_collection_is_nobody(answer: Any) -> None:
    assert read(answer, ASKED) == (State.NOT_FOUND, {})


def test_nothing_personal_is_logged(platform: PopulationServer, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, Any]] = []
    monkeypatch.setattr(population.log, "warning", lambda name, **given: lines.append((name, given)))
    for fault in (Fault.STRANGER, Fault.HTML, Fault.ERROR_500):
        platform.fault = fault
        look_up(platform)
    assert [name for name, _ in lines] == ["population_malformed", "population_malformed", "population_away"]
    assert not any(secret in str(lines) for secret in ("038", "Hoa", "Đức", KEY))
