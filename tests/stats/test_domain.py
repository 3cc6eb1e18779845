"""Facts merge in any order, and count on the right local day."""

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.domain.cells import FLOWS, Measure, contributions, place
from stats.domain.facts import NOTHING, Fact, Scanning, Statements, merge
from stats.domain.privacy import impersonal
from tests.stats.making import PERSON, Life, at, message

DAY = at("2024-08-20 09:00")
SHOWN = set(FLOWS) - {"process_days", "falling_due", "falling_due_asked_twice"}


def statements(life: Life) -> list[Statements]:
    said = [message(made) for made in life.events()]
    return [each.data.says(each.event.sequence) for each in said if hasattr(each.data, "says")]


def by_day(fact: Fact) -> dict[str, tuple[Measure, ...]]:
    """As what the dossier counts on which day, without levels and sums of days."""
    found: dict[str, tuple[Measure, ...]] = {}
    for day, sums in contributions(fact).items():
        shown = tuple(measure for measure, number in sums.items() if measure in SHOWN for _ in range(number))
        if shown:
            found[day] = shown
    return found


WHOLE = Life(
    id="d1",
    filed_at=DAY,
    received_at=at("2024-08-20 10:00"),
    due_at=at("2024-08-22 17:00"),
    digitised=False,
    scans=(False, True),
    finished_at=at("2024-08-23 08:00"),
    handed_over_at=at("2024-08-26 08:00"),
)


def test_every_order_gives_the_same_fact() -> None:
    ordered = statements(WHOLE)
    whole = merge(NOTHING, ordered)
    assert all(merge(NOTHING, order) == whole for order in permutations(ordered))


@given(st.lists(st.sampled_from(statements(WHOLE)), max_size=12), st.data())
def test_grouping_and_repeating_change_nothing(said: list[Statements], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(said)))
    whole = merge(NOTHING, said)
    assert merge(merge(NOTHING, said[:cut]), said[cut:]) == whole
    assert merge(merge(NOTHING, said[cut:]), said[:cut]) == whole
    assert merge(whole, said) is whole, "nothing of it is new"


def test_the_later_statement_stands() -> None:
    moved = Life(id="d1", filed_at=DAY, agency="H56.15", received_at=DAY)
    before, after = statements(Life(id="d1", filed_at=DAY))[0], statements(moved)[1]
    assert before["dimensions"].agency == "H56.14"
    for merged in (merge(NOTHING, [before, after]), merge(NOTHING, [after, before])):
        assert merged.dimensions is not None
        assert merged.dimensions.agency == "H56.15"


WITHDRAWN_AT = at("2024-08-22 09:00")


def withdrawn(**changes: Any) -> Life:
    plain: dict[str, Any] = {"id": "d1", "filed_at": DAY, "received_at": DAY, "withdrawn_at": WITHDRAWN_AT}
    return Life(**{**plain, **changes})


@pytest.mark.parametrize(
    ("finished", "measures"),
    [
        (None, ("withdrawn",)),
        (at("2024-08-22 09:00"), ("finished_on_time",)),
        (at("2024-08-22 08:59"), ("finished_on_time",)),
        (at("2024-08-22 09:01"), ("withdrawn",)),
    ],
)
def test_of_a_withdrawal_and_an_end_the_earlier_one_counts_in_any_order(
    finished: datetime | None, measures: tuple[Measure, ...]
) -> None:
    said = statements(withdrawn(finished_at=finished))
    for order in permutations(said):
        days = by_day(merge(NOTHING, order))
        assert days.pop("2024-08-22") == measures
        assert days == {"2024-08-20": ("filed", "received")}


def test_a_withdrawal_before_the_reception_is_counted_as_such() -> None:
    life = withdrawn(received_at=None)
    assert days_of(life)["2024-08-22"] == ("withdrawn", "withdrawn_waiting")


def test_a_withdrawal_counts_once_the_reception_is_known() -> None:
    filed, received, *_, last = statements(withdrawn())
    assert list(by_day(merge(NOTHING, [filed, last])).values()) == [("filed",)], "until then it waits"
    assert ("withdrawn",) in by_day(merge(NOTHING, [filed, received, last])).values()


def days_of(life: Life) -> dict[str, tuple[Measure, ...]]:
    return by_day(merge(NOTHING, statements(life)))


def test_a_whole_life_counts_once_for_each_thing() -> None:
    assert days_of(WHOLE) == {
        "2024-08-20": ("filed", "received", "digitised"),
        "2024-08-23": ("finished_late",),
        "2024-08-26": ("handed_over",),
    }


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2024-08-31T16:59:59Z", "2024-08-31"),
        ("2024-08-31T17:00:00Z", "2024-09-01"),
        ("2024-08-31T17:30:00Z", "2024-09-01"),
        ("2024-12-31T17:00:00Z", "2025-01-01"),
        ("2024-09-01T06:59:00+07:00", "2024-09-01"),
    ],
)
def test_days_are_local(instant: str, day: str) -> None:
    received = datetime.fromisoformat(instant)
    assert days_of(Life(id="d", channel="counter", filed_at=received, received_at=received)) == {day: ("received",)}


def test_only_online_dossiers_are_filed_before_they_are_received() -> None:
    assert days_of(Life(id="d", channel="post", filed_at=DAY, received_at=DAY)) == {"2024-08-20": ("received",)}
    assert days_of(Life(id="d", filed_at=DAY)) == {"2024-08-20": ("filed",)}
    refused = Life(id="d", filed_at=DAY, refused_at=at("2024-08-21 08:00"))
    assert days_of(refused) == {"2024-08-20": ("filed",), "2024-08-21": ("refused",)}


@pytest.mark.parametrize("digitised", [True, False])
@pytest.mark.parametrize("scans", [(), (True,), (False,), (True, False), (False, True)])
def test_paper_that_is_scanned_later_counts_and_a_scan_taken_back_does_not(
    digitised: bool, scans: tuple[bool, ...]
) -> None:
    """On the day of the reception, whatever is heard of first."""
    life = Life(id="d", channel="counter", filed_at=DAY, received_at=DAY, digitised=digitised, scans=scans)
    counted: tuple[Measure, ...] = ("received", "digitised") if life.scanned else ("received",)
    for order in permutations(statements(life)):
        assert list(by_day(merge(NOTHING, order)).values()) == [counted]


def test_a_scan_before_the_reception_is_what_the_reception_tells() -> None:
    [received] = [
        each for each in statements(Life(id="d", filed_at=DAY, received_at=DAY, digitised=False)) if "received" in each
    ]
    before = Statements(dimensions=received["dimensions"], scanned=Scanning(sequence=1, whole=True))
    assert list(by_day(merge(NOTHING, [before])).values()) == []
    assert list(by_day(merge(NOTHING, [received, before])).values()) == [("filed", "received")]


def test_what_is_finished_counts_when_its_reception_is_known() -> None:
    finished = next(each for each in statements(WHOLE) if "finished" in each)
    alone = merge(NOTHING, [finished])
    assert contributions(alone) == {}
    assert place(alone) is None
    filed = statements(WHOLE)[0]
    assert list(by_day(merge(NOTHING, [filed, finished])).values()) == [("filed",)]


def test_what_identifies_a_person_is_dropped_wherever_it_stands() -> None:
    assert impersonal({"a": [{"personal": PERSON, "b": 1}], "personal": PERSON, "c": {"personal": "x"}}) == {
        "a": [{"b": 1}],
        "c": {},
    }
