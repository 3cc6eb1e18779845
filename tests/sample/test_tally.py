"""The drive's own count, and that a planted difference is found."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from sample import plan, province
from sample.plan import Actors, Planned
from sample.province import at
from sample.report import Report, summary
from sample.tally import STOCKS, Difference, Key, Record, compare, counted, minus, tally

TODAY = date(2026, 11, 22)
AGENCIES = {"counter_officer": "H56.30", "officer": "H56.30", "other_officer": "H56.02", "office": "H56.30"}


@pytest.fixture(scope="module")
def one() -> Planned:
    drawn = plan.draw(province.read(), TODAY, plan.FEWEST, AGENCIES, "sample")
    found = next(each for each in drawn if each.channel == "online" and each.body["components"])
    return replace(found, chance=0.0, actors=Actors())


def moment(month: int, day: int, clock: time = time(9)) -> datetime:
    return at(date(2026, month, day), clock)


def key(one: Planned, month: str) -> Key:
    return Key(one.agency, one.procedure.code, one.channel, one.procedure.service_level, month)


def test_an_applicants_own_word_is_no_digitisation(one: Planned) -> None:
    theirs = replace(one, actors=Actors(files="citizen"))
    counts = tally([Record(theirs, filed_at=moment(3, 30), received_at=moment(4, 1))], TODAY)
    assert "digitised" not in counts[key(one, "2026-04")]
    assert not any(component["digitised"] for component in theirs.body["components"])


def test_what_happens_counts_in_the_month_in_which_it_happens(one: Planned) -> None:
    record = Record(
        one,
        filed_at=moment(3, 30),
        received_at=moment(4, 1),
        due_at=moment(5, 4),
        finished_at=moment(5, 5),
        handed_over_at=moment(6, 1),
    )

    assert tally([record, record], TODAY) == {
        key(one, "2026-04"): {"received.online": 2, "received.total": 2, "digitised": 2},
        key(one, "2026-05"): {"finished.late": 2, "finished.total": 2},
        key(one, "2026-06"): {"handed_over": 2},
    }


def test_what_happens_on_the_way_counts_too(one: Planned) -> None:
    received = Record(one, filed_at=moment(3, 30), received_at=moment(4, 1), due_at=moment(12, 1))
    asked = replace(received, supplements_asked=[moment(4, 2), moment(5, 2)], waits="supplement")
    stopped = replace(received, stopped_at=moment(6, 1), fees_asked=1)

    counts = tally([asked, stopped, replace(received, waits="paused")], TODAY)

    assert counts[key(one, "2026-05")] == {"supplement_requests": 1}
    assert counts[key(one, "2026-06")] == {"stopped": 1}
    assert counts[key(one, "")] == {"open.within": 2, "open.total": 2, "supplement": 1, "paused": 1}


def test_months_are_local(one: Planned) -> None:
    record = Record(one, filed_at=moment(3, 31), refused_at=at(date(2026, 4, 1), time(0, 30)))

    assert tally([record], TODAY) == {key(one, "2026-04"): {"refused": 1}}


@pytest.mark.parametrize(
    ("finished_at", "timing"),
    [
        (moment(5, 3, time(23, 59)), "early"),
        (moment(5, 4, time(0, 0)), "on_time"),
        (moment(5, 4, time(23, 59)), "on_time"),
        (moment(5, 5, time(0, 0)), "late"),
    ],
)
def test_timing_goes_by_local_days(one: Planned, finished_at: datetime, timing: str) -> None:
    assert Record(one, due_at=moment(5, 4, time(11)), finished_at=finished_at).timing == timing


def test_without_a_due_date_it_is_on_time(one: Planned) -> None:
    assert Record(one, due_at=None, finished_at=moment(5, 4)).timing == "on_time"


def test_what_is_there_now(one: Planned) -> None:
    received = Record(one, filed_at=moment(11, 2), received_at=moment(11, 2))
    due_today = replace(received, due_at=at(TODAY, time(0, 1)))
    due_yesterday = replace(received, due_at=at(TODAY - timedelta(days=1), time(23)))
    waiting = Record(one, filed_at=moment(11, 20))

    counts = tally([received, due_today, due_yesterday, waiting, Record(one)], TODAY)

    assert counts[key(one, "")] == {"open.within": 2, "open.overdue": 1, "open.total": 3, "waiting": 1}


def row(**numbers: Any) -> dict[str, Any]:
    zeros: dict[str, Any] = {
        "received": dict.fromkeys(("online", "counter", "post", "total"), 0),
        "finished": dict.fromkeys(("early", "on_time", "late", "total"), 0),
        "open": dict.fromkeys(("within", "overdue", "total"), 0),
    } | dict.fromkeys((*MORE, "waiting", "carried_over"), 0)
    dimensions = {"agency": "H56.30", "procedure": "1.001612", "channel": "online", "service_level": "full"}
    return dimensions | zeros | numbers


MORE = ("refused", "handed_over", "digitised", "stopped", "supplement_requests", "supplement", "paused")
HERE = Key("H56.30", "1.001612", "online", "full", "2026-04")
NOW = HERE._replace(month="")


def test_rows_by_month_give_what_happened_and_others_what_is_there() -> None:
    finished = {"early": 2, "on_time": 0, "late": 1, "total": 3}
    opened = {"within": 1, "overdue": 0, "total": 1}
    rows = [
        row(month="2026-04", finished=finished, open=opened, carried_over=4),
        row(month="2026-05", open=opened),
        row(finished=finished, open=opened),
    ]

    assert counted(rows) == {
        HERE: {"finished.early": 2, "finished.late": 1, "finished.total": 3},
        NOW: {"open.within": 1, "open.total": 1},
    }
    assert set(counted(rows)[NOW]) <= set(STOCKS)


def test_equal_counts_have_no_difference() -> None:
    assert compare({HERE: Counter(refused=1)}, {HERE: {"refused": 1, "handed_over": 0}, NOW: {}}) == []


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ({HERE: {"refused": 2}}, [Difference(HERE, "refused", 1, 2)]),
        ({}, [Difference(HERE, "refused", 1, 0)]),
        ({HERE: {"refused": 1, "handed_over": 1}}, [Difference(HERE, "handed_over", 0, 1)]),
        (
            {HERE._replace(month="2026-05"): {"refused": 1}},
            [Difference(HERE, "refused", 1, 0), Difference(HERE._replace(month="2026-05"), "refused", 0, 1)],
        ),
    ],
)
def test_a_planted_difference_is_found(shown: dict[Key, dict[str, int]], found: list[Difference]) -> None:
    assert compare({HERE: Counter(refused=1)}, shown) == found


def test_what_was_there_before_is_taken_off() -> None:
    before = {HERE: {"refused": 1}, NOW: {"open.total": 2}}
    after = {HERE: {"refused": 4}, NOW: {"open.total": 1}}

    assert minus(after, before) == {HERE: {"refused": 3}, NOW: {"open.total": -1}}
    assert compare({}, minus(after, after)) == []


# -- what is said of it ------------------------------------------------------------------------------------------------


def report(**changes: Any) -> Report:
    usual: dict[str, Any] = {
        "run": "sample",
        "did": {"filed": 1},
        "procedures": 1,
        "agencies": 1,
        "by_month": [row(month="2026-04")],
        "by_channel": [row()],
        "recount": {"equal": True, "compared": 1, "differences": []},
        "differences": [],
        "compared": 1,
        "broken": [],
        "seconds": {"drive": 1.0},
        "requests": 1,
    }
    return Report(**usual | changes)


def test_a_report_is_good_when_everything_matched() -> None:
    assert report().ok
    assert report(differences=None, did=None).ok


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"differences": [Difference(HERE, "refused", 1, 2)]}, "refused is 2, and 1 were done"),
        ({"recount": {"equal": False, "compared": 1, "differences": [{"key": "k"}]}}, "NOT equal"),
        ({"broken": ["another answer"]}, "NOT KEPT: another answer"),
    ],
)
def test_a_report_is_bad_when_anything_did_not_and_says_what(changes: dict[str, Any], said: str) -> None:
    bad = report(**changes)

    assert not bad.ok
    assert said in bad.text()
    assert bad.as_json()["ok"] is False


def test_a_report_without_a_drive_says_that_nothing_was_compared() -> None:
    assert "not compared" in report(differences=None, did=None).text()


def test_the_summary_counts_how_far_dossiers_got(one: Planned) -> None:
    late = Record(
        one,
        filed_at=moment(4, 1),
        received_at=moment(4, 1),
        due_at=moment(4, 2),
        finished_at=moment(4, 3),
        steps_done=5,
    )
    counts = summary([late, Record(one, filed_at=moment(11, 20)), Record(one)], TODAY)

    assert {name: count for name, count in counts.items() if count} == {
        "filed": 2,
        "received": 1,
        "steps completed": 5,
        "finished late": 1,
        "waiting for reception": 1,
    }
