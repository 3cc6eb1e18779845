"""The plan is the same every time, and has of everything something."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest

from sample import plan, province
from sample.plan import ENDED, MIGRATION, Fate, Incident, Planned
from sample.province import Days, Province, at, local_day

TODAY = date(2026, 11, 22)
AGENCIES = {"counter_officer": "H56.30", "officer": "H56.30", "other_officer": "H56.02", "office": "H56.30"}


@pytest.fixture(scope="module")
def thanh_hoa() -> Province:
    return province.read()


@pytest.fixture(scope="module")
def planned(thanh_hoa: Province) -> list[Planned]:
    return plan.draw(thanh_hoa, TODAY, 320, AGENCIES, "sample")


def test_same_day_and_seed_draw_the_same_plan(thanh_hoa: Province, planned: list[Planned]) -> None:
    assert plan.draw(thanh_hoa, TODAY, 320, AGENCIES, "sample") == planned


def test_another_seed_draws_another_plan(thanh_hoa: Province, planned: list[Planned]) -> None:
    assert plan.draw(thanh_hoa, TODAY, 320, AGENCIES, "another") != planned


@pytest.mark.parametrize("count", [plan.FEWEST, 320, 999])
def test_as_many_as_asked_for_each_with_its_number(thanh_hoa: Province, count: int) -> None:
    drawn = plan.draw(thanh_hoa, TODAY, count, AGENCIES, "sample")

    assert [one.number for one in drawn] == list(range(count))


def test_every_level_and_many_procedures_of_all_three_levels_of_agencies(
    thanh_hoa: Province, planned: list[Planned]
) -> None:
    assert {one.procedure.service_level for one in planned} == {1, 2, 3, 4, "partial", "full"}
    assert len({one.procedure.code for one in planned}) >= 40
    assert {thanh_hoa.agencies[one.agency].level for one in planned} == {"province", "district", "commune"}


def test_every_channel_and_kind_of_applicant(planned: list[Planned]) -> None:
    assert {one.channel for one in planned} == {"online", "counter", "post"}
    assert {one.applicant["kind"] for one in planned} == {"citizen", "enterprise", "state_body", "organisation"}


@pytest.mark.parametrize("count", [plan.FEWEST, 320])
def test_every_fate_timing_and_outcome(thanh_hoa: Province, count: int) -> None:
    drawn = plan.draw(thanh_hoa, TODAY, count, AGENCIES, "sample")

    assert {(one.fate, one.timing) for one in drawn} >= set(plan.SHARES)
    assert {one.outcome for one in drawn} == {"approved", "rejected"}


def test_every_incident_in_the_past_and_today_answered_and_not(planned: list[Planned]) -> None:
    assert {(one.now, one.incident) for one in planned} == set(product((True, False), [None, *Incident]))
    unanswered = {one.incident for one in planned if one.is_unanswered}
    assert unanswered == {Incident.SUPPLEMENT, Incident.FEE}
    assert any(one.incident is Incident.SUPPLEMENT and one.fate in ENDED for one in planned)


def test_most_are_handed_over(planned: list[Planned]) -> None:
    assert Counter(one.fate for one in planned)[Fate.RETURNED] > len(planned) / 2


def test_steps_of_other_agencies_occur_in_the_past_and_today(planned: list[Planned]) -> None:
    joint = [one for one in planned if one.procedure.is_joint]

    assert {one.now for one in joint} == {True, False}
    assert any("@parent" in one.procedure.steps for one in joint)


def test_each_agency_offers_the_procedure_and_each_channel_is_open(thanh_hoa: Province, planned: list[Planned]) -> None:
    for one in planned:
        assert one.agency in thanh_hoa.offering(one.procedure)
        assert one.applicant["kind"] in one.procedure.applicants
        assert one.channel != "online" or one.procedure.service_level not in (1, 2)
        assert one.channel == "online" or one.fate not in (Fate.WAITING, Fate.REFUSED)


def test_the_past_spreads_over_every_month_of_a_year_and_ends_before_today(planned: list[Planned]) -> None:
    instants = [at for one in planned for at in (one.filed_at, one.received_at) if at is not None]
    months = Counter(f"{local_day(instant):%Y-%m}" for instant in instants)

    assert len(months) >= 13
    assert max(map(local_day, instants)) < TODAY
    assert all(count >= 5 for month, count in months.items() if month >= "2025-11")


def test_past_receptions_lie_in_working_hours_and_behind_the_filing(
    thanh_hoa: Province, planned: list[Planned]
) -> None:
    past = [one for one in planned if not one.now]

    for one in past:
        assert one.filed_at is not None
        assert one.received_at is not None
        assert one.filed_at <= one.received_at == thanh_hoa.days.working(one.received_at)
        assert (one.filed_at == one.received_at) == (one.channel != "online")
        assert one.actors == plan.Actors(MIGRATION, MIGRATION, MIGRATION)


def test_today_the_persons_themselves_act(planned: list[Planned]) -> None:
    today = [one for one in planned if one.now]

    assert {one.actors.files for one in today} == {"citizen", "volunteer", "counter_officer", "office"}
    assert {one.actors.receives for one in today} == {"counter_officer", "other_officer", "office"}
    assert {one.actors.works for one in today} == {"officer", "other_officer", "office"}
    assert {one.fate for one in today} == {Fate.RETURNED, Fate.PROCESSED, Fate.REFUSED, Fate.WAITING, Fate.OPEN}


def test_required_components_are_handed_in(planned: list[Planned]) -> None:
    for one in planned:
        given = {component["code"] for component in one.body["components"]}
        rows = one.procedure.components
        assert given >= {row["code"] for row in rows if row["required"] and not row["replaced_by_database"]}
        assert given <= {row["code"] for row in rows}


# -- when the steps are done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timing", ["early", "on_time", "late"])
def test_a_dossier_is_finished_as_wished(thanh_hoa: Province, planned: list[Planned], timing: str) -> None:
    last = date(2026, 11, 20)
    received_at = at(date(2026, 9, 8), time(8, 0))
    due_at = at(date(2026, 9, 15), time(8, 0))

    for one in (one for one in planned if one.timing == timing):
        finished = plan.finish(one, thanh_hoa, received_at, due_at, last)
        day = local_day(finished)
        assert finished == thanh_hoa.days.working(finished) > received_at
        assert (day < local_day(due_at), day > local_day(due_at)) == (timing == "early", timing == "late")


def test_nothing_is_finished_after_the_last_day(thanh_hoa: Province, planned: list[Planned]) -> None:
    last = date(2026, 9, 10)
    received_at = at(date(2026, 9, 10), time(15, 20))

    for one in (one for one in planned if one.fate in ENDED):
        for due_at in (None, at(date(2026, 9, 30), time(9))):
            assert local_day(plan.finish(one, thanh_hoa, received_at, due_at, last)) == last


def test_steps_follow_each_other_at_working_hours_until_the_end(thanh_hoa: Province) -> None:
    start, end = at(date(2026, 4, 24), time(15, 0)), at(date(2026, 5, 6), time(16, 45))

    moments = plan.steps_between(thanh_hoa, start, end, 6)

    assert len(moments) == 6
    assert moments == sorted(moments)
    assert start < moments[0]
    assert moments[-1] == end
    assert all(thanh_hoa.days.working(moment) == moment for moment in moments)


# -- days --------------------------------------------------------------------------------------------------------------


def test_working_days_know_days_off_and_make_up_days() -> None:
    listed = [{"date": "2026-04-27", "kind": "off"}, {"date": "2026-04-25", "kind": "working"}]
    days = Days([{"days": listed}])

    assert days.between(date(2026, 4, 24), date(2026, 4, 28)) == [
        date(2026, 4, 24),
        date(2026, 4, 25),
        date(2026, 4, 28),
    ]
    assert days.add(date(2026, 4, 24), 2) == date(2026, 4, 28)
    assert days.add(date(2026, 4, 28), -1) == date(2026, 4, 25)


@pytest.mark.parametrize(
    ("clock", "working"),
    [
        (time(6), (21, time(7, 30))),
        (time(9), (21, time(9))),
        (time(11, 30), (21, time(13, 30))),
        (time(17), (22, time(7, 30))),
    ],
)
def test_working_moves_on_to_the_next_working_minute(clock: time, working: tuple[int, time]) -> None:
    moment = at(date(2026, 7, 21), clock)

    assert Days().working(moment.astimezone(UTC)) == at(date(2026, 7, working[0]), working[1])


def test_the_local_day_is_that_of_thanh_hoa() -> None:
    assert local_day(datetime(2026, 3, 31, 17, tzinfo=UTC)) == date(2026, 4, 1)
    assert local_day(datetime(2026, 3, 31, 17, tzinfo=UTC) - timedelta(seconds=1)) == date(2026, 3, 31)
