"""What was offered on a day, by whom: procedures with their history, agencies with their validity."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.domain.catalogue import Agency, Offering, Payable, Procedure, is_payable, offered, subtree, top

DAY = timedelta(days=1)


def entry(number: int, start: str, end: str | None = None, code: str = "1.001193", **more: object) -> Procedure:
    valid_to = None if end is None else date.fromisoformat(end)
    return Procedure(
        code=code, number=number, valid_from=date.fromisoformat(start), valid_to=valid_to, **more  # type: ignore[arg-type]
    )  # fmt: skip


def on(history: list[Procedure], day: str) -> list[tuple[str, int]]:
    start = date.fromisoformat(day)
    return [(each.code, each.number) for each in offered(history, start, start + DAY)]


def test_the_version_that_counts_on_a_day() -> None:
    history = [
        entry(1, "2020-01-01"),
        entry(2, "2021-01-01"),
        entry(3, "2021-01-01"),
        entry(4, "2022-01-01", withdrawn=True),
        entry(5, "2023-01-01", "2024-01-01"),
        entry(1, "2022-06-01", code="2.000815"),
    ]
    assert on(history, "2019-12-31") == []
    assert on(history, "2020-12-31") == [("1.001193", 1)]
    # Of two that begin on one day the later number counts.
    assert on(history, "2021-01-01") == [("1.001193", 3)]
    assert on(history, "2022-01-01") == []
    assert on(history, "2022-12-31") == [("2.000815", 1)]
    assert on(history, "2023-12-31") == [("1.001193", 5), ("2.000815", 1)]
    assert on(history, "2024-01-01") == [("2.000815", 1)]


def test_within_a_period_each_is_as_it_was_last_there() -> None:
    history = [entry(1, "2020-01-01", service_level=3), entry(2, "2020-06-01", "2020-07-01", service_level=4)]
    [found] = offered(history, date(2020, 1, 1), date(2020, 6, 1))
    assert found.service_level == 3
    [found] = offered(history, date(2020, 1, 1), date(2021, 1, 1))
    assert found.service_level == 4
    # The first version does not come back when the second one expires.
    assert offered(history, date(2020, 7, 1), date(2021, 1, 1)) == []


DAYS = st.integers(0, 30)


@given(st.lists(st.tuples(DAYS, st.none() | DAYS, st.booleans()), max_size=6), DAYS, st.integers(1, 12))
def test_within_a_period_is_on_any_of_its_days(
    entries: list[tuple[int, int | None, bool]], start: int, many: int
) -> None:
    first = date(2024, 1, 1)
    history = [
        Procedure(
            code="1.001193", number=n, valid_from=first + begin * DAY,
            valid_to=None if end is None else first + (begin + end) * DAY, withdrawn=withdrawn,
        )
        for n, (begin, end, withdrawn) in enumerate(sorted(entries, key=lambda each: each[0]), 1)
    ]  # fmt: skip
    days = [first + (start + n) * DAY for n in range(many)]
    one_by_one = [found for day in days for found in offered(history, day, day + DAY)]
    assert offered(history, days[0], days[-1] + DAY) == one_by_one[-1:]
    for day in days:
        # As catalog has it: the highest number that has begun counts, if it is no withdrawal and has not ended.
        begun = [each for each in history if each.valid_from <= day]
        counting = max(begin_of, key=lambda each: each.number) if (begin_of := begun) else None
        there = counting is not None and not counting.withdrawn and day < (counting.valid_to or date.max)
        assert offered(history, day, day + DAY) == ([counting] if there else [])


PROCEDURES = [
    entry(1, "2020-01-01", code="named", agencies=("H56.14",), levels=("commune",)),
    entry(1, "2020-01-01", code="of communes", levels=("commune",)),
    entry(1, "2020-01-01", code="of two", levels=("district", "province")),
]


@pytest.mark.parametrize(
    ("agency", "codes"),
    [
        (Agency(id="H56.14", name="Sở", parent="H56", level="province"), ["named", "of two"]),
        (Agency(id="H56.30", name="Huyện", parent="H56", level="district"), ["of two"]),
        (Agency(id="H56.50", name="Xã", parent="H56", level="commune"), ["of communes"]),
        # It took over from a district, and offers what that one did.
        (Agency(id="H56.50", name="Xã", parent="H56", level="commune", inherited_levels=("district",)),
         ["of communes", "of two"]),
        (Agency(id="H56.50", name="Xã", parent="H56", level="commune", one_stop=False), []),
        # One that only dossiers name: its level is not known.
        (Agency(id="H56.99", name="Xã", parent="H56"), []),
    ],
)  # fmt: skip
def test_what_an_agency_offers(agency: Agency, codes: list[str]) -> None:
    assert [each.code for each in Offering(PROCEDURES).of([agency])] == codes


def test_what_a_subtree_and_the_province_offer() -> None:
    district = Agency(id="H56.30", name="Huyện", parent="H56", level="district")
    commune = Agency(id="H56.30.01", name="Xã", parent="H56.30", level="commune")
    offering = Offering(PROCEDURES)
    assert [each.code for each in offering.of([district, commune])] == ["of communes", "of two"]
    assert offering.of(None) == PROCEDURES
    assert offering.of([]) == []


def test_the_agencies_below_one() -> None:
    parents = {"H56": None, "H56.30": "H56", "H56.30.01": "H56.30", "H56.31": "H56", "a": "b", "b": "a"}
    agencies = {id: Agency(id=id, name=id, parent=parent) for id, parent in parents.items()}
    assert subtree(agencies, "H56.30") == ["H56.30", "H56.30.01"]
    assert sorted(subtree(agencies, "H56")) == ["H56", "H56.30", "H56.30.01", "H56.31"]
    assert subtree(agencies, "a") == ["a", "b"]
    assert subtree(agencies, "unknown") == ["unknown"]
    assert top(agencies) == "H56"
    assert top({}) is None


def test_what_is_paid_for() -> None:
    none = Payable(valid_from=None, valid_to=None)
    later = Payable(valid_from=date(2024, 7, 1), valid_to=date(2025, 1, 1))
    assert is_payable(entry(1, "2020-01-01", payable=(none,)), date(2020, 1, 1))
    assert not is_payable(entry(1, "2020-01-01"), date(2020, 1, 1))
    days = [date(2024, 6, 30), date(2024, 7, 1), date(2024, 12, 31), date(2025, 1, 1)]
    assert [is_payable(entry(1, "2020-01-01", payable=(later,)), day) for day in days] == [False, True, True, False]
