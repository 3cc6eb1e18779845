"""The arithmetic of indicators, and of what is made of them: ranks, the index of QĐ 766, early warning."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.worktime import Calendar
from stats import texts
from stats.domain.catalogue import Essential, Payable, Procedure
from stats.domain.index766 import EDITIONS, Edition, edition_on, points, score
from stats.domain.indicators import (
    INDICATORS,
    MAIN,
    Dossiers,
    Indicator,
    Population,
    Reading,
    cut,
    of_percent,
    reading,
    rounded,
)
from stats.domain.pace import Thresholds, foretell, thresholds_on, working_days
from stats.domain.ranking import ranked

LAST = date(2024, 8, 20)


def procedure(code: str, service_level: int | str, payable: bool = False) -> Procedure:
    pays = (Payable(valid_from=None, valid_to=None),) if payable else ()
    return Procedure(
        code=code, number=1, valid_from=LAST, valid_to=None, service_level=service_level, payable=pays  # type: ignore[arg-type]
    )  # fmt: skip


OFFERED = [
    procedure("p1", 1), procedure("p2", 2), procedure("p3", 3), procedure("p4", 4, payable=True),
    procedure("partial", "partial"), procedure("full", "full", payable=True), procedure("idle", "full"),
    procedure("paper", 2, payable=True),
]  # fmt: skip
POPULATION = Population(
    last_day=LAST,
    dossiers={
        ("online", "full"): {"received": 60, "digitised": 50, "reused": 30, "paid": 20, "paid_online": 15},
        ("counter", "full"): {"received": 10, "finished_late": 1, "finished_early": 6},
        ("online", "partial"): {"received": 5, "finished_on_time": 3, "electronic_results": 4},
        ("online", 3): {"received": 7, "rated": 8, "satisfied": 6},
        ("post", 4): {"received": 3, "digitised": 1},
        ("online", 4): {"received": 2},
        ("", ""): {"document_lookups": 11},  # type: ignore[dict-item]
    },
    levels={"open": 40, "overdue": 4, "open_asked_twice": 5, "overdue_asked_twice": 2},
    on_last_day=OFFERED,
    within=[*OFFERED, procedure("gone", 3)],
    by_procedure={
        ("full", "online"): {"received": 60},
        ("p3", "online"): {"received": 7},
        ("p4", "post"): {"received": 3},
        ("p4", "online"): {"received": 0},
        ("p1", "counter"): {"received": 1},
        ("unknown", "online"): {"received": 9},
    },
    agencies=["H56.14", "H56.15", "H56.16"],
    active=frozenset({"H56.14", "H56.99"}),
    sites=2,
    demands={"demand_level_3": 100, "demand_online": 1000},
    essentials=[
        Essential(list=name, id=str(n), number=1, name="", state=state, waiting_for=None)  # type: ignore[arg-type]
        for name, states in (("project06", ["deployed"] * 4), ("qd422", ["deployed", "waiting", "waiting", "national"]))
        for n, state in enumerate(states)
    ],
)
EXPECTED: dict[str, tuple[int, int | None]] = {
    "online_share": (74, 87),
    "online_share_level_3": (7, 7),
    "online_share_level_4": (2, 5),
    "online_share_partial": (5, 5),
    "online_share_full": (60, 70),
    "received_share_level_3": (7, 87),
    "received_share_level_4": (5, 87),
    "received_share_partial": (5, 87),
    "received_share_full": (70, 87),
    "online_mix_level_3": (7, 74),
    "online_mix_level_4": (2, 74),
    "online_mix_partial": (5, 74),
    "online_mix_full": (60, 74),
    "demand_online": (74, 1000),
    "demand_level_3": (7, 100),
    "demand_level_4": (2, None),
    "demand_partial": (5, None),
    "demand_full": (60, None),
    "in_time_share": (9, 10),
    "early_share": (6, 10),
    "late_share": (1, 10),
    "procedures_share_level_1": (1, 8),
    "procedures_share_level_2": (2, 8),
    "procedures_share_level_3": (1, 8),
    "procedures_share_level_4": (1, 8),
    "procedures_share_partial": (1, 8),
    "procedures_share_full": (2, 8),
    "procedures_online_share": (5, 8),
    "procedures_used_share_level_3": (1, 2),
    "procedures_used_share_level_4": (0, 1),
    "procedures_used_share_partial": (0, 1),
    "procedures_used_share_full": (1, 2),
    "procedures_online_used_share": (2, 6),
    "procedures_unused_share": (5, 9),
    "agencies_unused_share": (2, 3),
    "digitised_share": (51, 87),
    "reused_share": (30, 87),
    "document_lookups": (11, None),
    "paid_online_share": (15, 20),
    "electronic_result_share": (4, 10),
    "satisfied_share": (6, 8),
    "essential_deployed_share": (5, 7),
    "essential_deployed_share_project06": (4, 4),
    "essential_deployed_share_qd422": (1, 3),
    "essential_waiting_share_project06": (0, 4),
    "essential_waiting_share_qd422": (2, 3),
    "essential_services": (8, None),
    "sites": (2, None),
}


def test_every_indicator_of_a_population() -> None:
    found = {code: reading(each, POPULATION) for code, each in INDICATORS.items()}
    assert {code: (each.numerator, each.denominator) for code, each in found.items()} == EXPECTED


@pytest.mark.parametrize("code", INDICATORS)
def test_every_indicator_is_named_and_explained_in_both_languages(code: str) -> None:
    text = texts.INDICATORS[code]
    for each in (text.name, text.method):
        assert each.vi.strip()
        assert each.en.strip()
    assert text.method.vi.endswith(".")
    assert text.method.en.endswith(".")


def test_nothing_is_named_that_is_not_there() -> None:
    assert texts.INDICATORS.keys() == INDICATORS.keys()
    assert set(MAIN) <= INDICATORS.keys()


def share(numerator: int, denominator: int) -> Fraction:
    return Fraction(numerator, denominator)


@pytest.mark.parametrize(
    ("exact", "decimals", "up", "down"),
    [
        (share(75, 408), 0, 18, 18),
        (share(3500, 33680), 1, 10.4, 10.3),
        (share(452, 453), 2, 99.78, 99.77),
        (share(1, 8), 0, 13, 12),
        (share(1, 800), 2, 0.13, 0.12),
        (share(1, 2000), 1, 0.1, 0.0),
        (share(776, 776), 2, 100, 100),
        (share(3, 2), 2, 150, 150),
        (share(0, 7), 2, 0, 0),
    ],
)
def test_percentages_are_rounded_half_up_or_cut(exact: Fraction, decimals: int, up: float, down: float) -> None:
    assert (rounded(exact, decimals), cut(exact, decimals)) == (up, down)


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(0, 4))
def test_rounding_is_within_half_a_unit_and_cutting_below(numerator: int, denominator: int, decimals: int) -> None:
    exact = Fraction(numerator, denominator)
    unit = Fraction(1, 10**decimals)
    up, down = (Fraction(str(each)) for each in (rounded(exact, decimals), cut(exact, decimals)))
    assert 0 <= exact * 100 - down < unit
    assert -unit / 2 <= exact * 100 - up < unit / 2


def indicator(better: str | None = "more") -> Indicator:
    return Indicator("x", Dossiers(("a",)), Dossiers(("b",)), better)  # type: ignore[arg-type]


def test_a_target_is_met_by_the_exact_value() -> None:
    """4/5 is 80 % and one less in a million is not, although it is shown as 80.00."""
    assert Reading(indicator(), 4, 5).met(of_percent(80)) is True
    below = Reading(indicator(), 799_999, 1_000_000)
    assert rounded(below.share or Fraction(0), 2) == 80
    assert below.met(of_percent(80)) is False
    assert Reading(indicator("less"), 4, 5).met(of_percent(80)) is True
    assert Reading(indicator("less"), 800_001, 1_000_000).met(of_percent(80)) is False
    assert Reading(indicator(None), 4, 5).met(of_percent(1)) is None
    assert Reading(indicator(), 0, 0).met(of_percent(80)) is None
    assert Reading(indicator(), 1, None).share is None
    assert of_percent(82.08) == Fraction(8208, 10000)


def test_ties_share_a_rank_and_the_next_one_counts_them() -> None:
    readings = [
        ("c", Reading(indicator(), 1, 2)),
        ("a", Reading(indicator(), 2, 4)),
        ("d", Reading(indicator(), 0, 5)),
        ("b", Reading(indicator(), 9, 10)),
        ("e", Reading(indicator(), 0, 0)),
    ]
    assert [(each.agency, each.rank) for each in ranked(readings, "more")] == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]
    assert [(each.agency, each.rank) for each in ranked(readings, "less")] == [("d", 1), ("a", 2), ("c", 2), ("b", 4)]


# -- the index of QĐ 766 -----------------------------------------------------------------------------------------------


def scored() -> dict[str, tuple[int | None, int | None, float | None, float]]:
    found = score(EDITIONS[0], POPULATION)
    return {
        each.criterion.code: (
            each.numerator, each.denominator, None if each.points is None else points(each.points),
            points(each.maximum),
        )
        for each in found.criteria
    }  # fmt: skip


def test_the_index_of_a_population() -> None:
    assert scored() == {
        "1": (None, None, None, 18),
        # 9 in time, 36 open within, and of these 5 - 2 were asked twice: 42 of 10 finished and 40 open.
        "2.1": (42, 50, 16.8, 20),
        "2.2": (0, 10, None, 0),
        # 5 of 8 is 62.5 %, of the threshold of 80 %: 78.125 %.
        "3.1": (5, 8, 3.13, 4),
        "3.2": (2, 6, 1.33, 4),
        # 74 of 87 is more than the threshold of 50 %.
        "3.3": (74, 87, 4, 4),
        "3.5": (2, 3, 4.17, 5),
        "3.6": (15, 20, 3.75, 5),
        "4.1": (4, 10, 1.76, 4.4),
        "4.2": (0, 10, 0, 4.4),
        "4.3": (30, 87, 1.9, 4.4),
        "4.4": (None, None, None, 4.4),
        "4.5": (None, None, None, 4.4),
        "5.2": (None, None, None, 6),
        "5.3": (None, None, None, 6),
        "5.4": (6, 8, 5, 6),
    }
    found = score(EDITIONS[0], POPULATION)
    assert points(found.attainable) == 20 + 12 + 10 + 3 * 4.4 + 6
    assert found.maximum == 100
    exact = (
        20 * share(42, 50),
        4 * share(5, 8) / share(4, 5),
        4 * share(2, 6),
        share(4, 1),
        5 * share(2, 3) / share(4, 5),
        5 * share(15, 20),
        share(44, 10) * share(4, 10),
        share(44, 10) * share(30, 87) / share(4, 5),
        6 * share(6, 8) / share(9, 10),
    )
    assert found.total == sum(exact, Fraction(0))


def test_a_second_supplement_request_counts_as_late_once() -> None:
    """One that is late as well, open or finished, is not taken off twice."""
    population = Population(
        last_day=LAST,
        dossiers={("online", "full"): {"finished_on_time": 5, "finished_late": 2, "finished_asked_twice": 1}},
        levels={"open": 4, "overdue": 2, "open_asked_twice": 2, "overdue_asked_twice": 2},
    )
    [on_time] = [each for each in score(EDITIONS[0], population).criteria if each.criterion.code == "2.1"]
    assert (on_time.numerator, on_time.denominator) == (5 - 1 + 4 - 2, 7 + 4)


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: str(edition.valid_from))
def test_an_edition_has_100_points_and_says_what_is_provisional(edition: Edition) -> None:
    assert sum(maximum for _, maximum in edition.groups) == 100
    assert sum((edition.maximum(each) for each in edition.criteria), Fraction(0)) == 100
    for each in edition.criteria:
        assert set(edition.reasons(each)) <= texts.REASONS.keys()
        assert each.code in texts.CRITERIA
        assert each.group in texts.GROUPS
    provisional = {each.code: edition.reasons(each) for each in edition.criteria}
    assert provisional["5.2"] == ("no_source", "weight")
    assert provisional["2.2"] == ("no_formula",)
    assert provisional["2.1"] == ()


def test_the_edition_is_the_one_of_the_day() -> None:
    assert edition_on(date(2024, 1, 1)) is EDITIONS[0]
    assert edition_on(date(2018, 1, 1)) is EDITIONS[0]


# -- early warning -----------------------------------------------------------------------------------------------------

RULES = Thresholds(date.min, 10, Fraction(2, 100), Fraction(10, 100), "?")


def test_a_number_grows_with_the_days_and_a_share_does_not() -> None:
    demand = INDICATORS["demand_level_3"]
    assigned = foretell(Reading(demand, 40, 100), of_percent(100), 100, 200, RULES)
    assert assigned is not None
    assert assigned.projected == share(80, 100)
    assert (assigned.missed_by, assigned.missed_dossiers, assigned.severity) == (share(20, 100), 20, "alert")
    # 60 dossiers are to come in 100 working days.
    assert assigned.needed == share(60, 100)
    online = foretell(Reading(INDICATORS["online_share"], 70, 100), of_percent(80), 100, 200, RULES)
    assert online is not None
    assert (online.projected, online.missed_by, online.missed_dossiers) == (share(7, 10), share(1, 10), None)
    # Of the 100 that are still to come 90 have to be online.
    assert (online.needed, online.severity) == (share(9, 10), "alert")


@pytest.mark.parametrize(
    ("numerator", "severity"), [(80, None), (81, None), (79, "watch"), (78, "warning"), (73, "warning"), (72, "alert")]
)
def test_how_far_off_decides_how_loud(numerator: int, severity: str | None) -> None:
    found = foretell(Reading(INDICATORS["online_share"], numerator, 100), of_percent(80), 50, 250, RULES)
    assert found is not None
    assert found.severity == severity


def test_less_is_better_is_missed_upwards() -> None:
    found = foretell(Reading(INDICATORS["late_share"], 3, 100), of_percent(1), 50, 250, RULES)
    assert found is not None
    assert (found.missed_by, found.severity) == (share(2, 100), "alert")
    met = foretell(Reading(INDICATORS["late_share"], 1, 100), of_percent(1), 50, 250, RULES)
    assert met is not None
    assert met.severity is None


def test_the_last_day_of_the_year_has_nothing_left_to_be_needed() -> None:
    found = foretell(Reading(INDICATORS["demand_level_3"], 40, 100), of_percent(100), 250, 250, RULES)
    assert found is not None
    assert (found.projected, found.needed) == (share(40, 100), None)


@pytest.mark.parametrize(
    ("code", "numerator", "denominator", "passed"),
    [
        ("online_share", 1, 2, 9),  # too early
        ("online_share", 0, 0, 100),  # nothing came
        ("demand_level_3", 5, None, 100),  # nothing assigned
        ("procedures_online_share", 1, 2, 100),  # it does not grow with the days
        ("received_share_full", 1, 2, 100),  # neither way is better
    ],
)
def test_what_is_not_foretold(code: str, numerator: int, denominator: int | None, passed: int) -> None:
    assert foretell(Reading(INDICATORS[code], numerator, denominator), of_percent(80), passed, 250, RULES) is None


def test_working_days_are_those_of_the_calendar() -> None:
    calendar = Calendar([(date(2024, 1, 1), "off"), (date(2024, 1, 6), "working")], [2024])
    # Monday the first is off, Saturday the sixth is worked.
    assert working_days(date(2024, 1, 1), date(2024, 1, 8), calendar) == 5
    assert working_days(date(2024, 1, 1), date(2024, 1, 1), calendar) == 0
    assert thresholds_on(date(2024, 1, 1)).legal_basis == "?"


def test_the_sentence_says_by_how_much() -> None:
    found = foretell(Reading(INDICATORS["demand_level_3"], 100_000, 252_680), of_percent(100), 100, 200, RULES)
    assert found is not None
    said = texts.missed(100.0, found)
    assert said.vi == (
        "Với tiến độ này, cuối năm đạt 79,15% so với chỉ tiêu 100%: hụt 52.680 hồ sơ (20,85 điểm phần trăm)."
    )
    assert said.en == (
        "At this pace the year ends at 79.15% against the target of 100%: it is missed by 52,680 dossiers (20.85 "
        "percentage points)."
    )
    met = foretell(Reading(INDICATORS["online_share"], 85, 100), of_percent(82.5), 100, 200, RULES)
    assert met is not None
    assert texts.missed(82.5, met).vi == "Với tiến độ này, cuối năm đạt 85%: đạt chỉ tiêu 82,5%."


def test_a_warning_of_what_should_be_little_says_that_it_is_too_much() -> None:
    late = foretell(Reading(INDICATORS["late_share"], 10, 100), of_percent(2.5), 100, 200, RULES)
    assert late is not None
    assert texts.missed(2.5, late, "less").vi == (
        "Với tiến độ này, cuối năm là 10% so với mức không được quá 2,5%: vượt 7,5 điểm phần trăm."
    )


def test_a_large_number_is_written_in_full() -> None:
    assert (texts.plain(1234567.8), texts.comma(1234567.8)) == ("1,234,567.8", "1.234.567,8")
    assert (texts.plain(100.0), texts.comma(0.05)) == ("100", "0,05")
