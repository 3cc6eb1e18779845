"""The national portal is away for a day and wavers, while dossiers live: afterwards it holds what we do."""

import random
from datetime import timedelta

import pytest

from chassis.consume import Done, Duplicate, Later
from notify.outlets import Away
from tests.doubles.national_portal import Fault, NationalPortal
from tests.notify.national_portal_parts import GO, Parts
from tests.notify.portal_lives import Life, a_life, shuffled


def check_equal(double: NationalPortal, lived: list[Life]) -> None:
    """What the portal holds is what the lives were, field by field, and what it was told was so at the time."""
    assert double.problems == []
    assert set(double.held) == {life.portal_number for life in lived}, "none lost, none made up"
    for life in lived:
        held = double.held[life.portal_number]
        assert held.adds == 1
        assert held.record == {"MaHoSo": life.portal_number, **life.expected}
        assert held.statuses == life.statuses
        progress = [(each["ThoiDiemXuLy"], each["NoiDungXuLy"]) for each in held.progress]
        assert sorted(progress) == sorted(life.progress), "none lost, none doubled"
        rating = None if held.rating is None else held.rating["MucDoHaiLong"]
        assert rating == life.rating


def a_day(made: Parts, double: NationalPortal, lived: list[Life], drawn: random.Random) -> None:
    """Everything is told while the portal is down; then it wavers, in every way that it knows."""
    double.down_until = made.clock() + timedelta(hours=24)
    bodies = shuffled(lived, drawn)
    courier = made.courier()
    size = max(1, len(bodies) // 44)
    while bodies:
        batch, bodies = bodies[:size], bodies[size:]
        outcomes = made.hear(batch)
        # Others than the portal wait for what they need; then it hears of it twice.
        bodies += [body for body, outcome in zip(batch, outcomes, strict=True) if isinstance(outcome, Later)]
        assert {type(outcome) for outcome in outcomes} <= {Done, Duplicate, Later}
        with pytest.raises(Away):
            courier.once(GO)
        made.following.look()
        made.clock.move(minutes=30)
    made.clock.now = max(made.clock(), double.down_until)
    assert double.held == {}
    wavering = [Fault.ERROR_500, Fault.HTML, Fault.LIST, Fault.HANG_UP, Fault.OVER, Fault.WHOLE, Fault.TAKEN]

    def faulty(_: dict[str, object]) -> Fault | None:
        return drawn.choice(wavering) if drawn.random() < 0.1 else None

    double.faulty = faulty
    made.send_all(most=timedelta(days=30))


def test_after_a_day_without_the_portal_it_holds_what_we_do(made: Parts, double: NationalPortal) -> None:
    drawn = random.Random(5)  # noqa: S311 (repeatable, not secret)
    lived = [a_life(n, drawn) for n in range(30)]
    a_day(made, double, lived, drawn)
    check_equal(double, lived)
    assert not made.rows(state={"$ne": "sent"})


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "number", [pytest.param(1_000, marks=pytest.mark.thorough), pytest.param(10_000, marks=pytest.mark.whole)]
)
def test_after_a_day_without_the_portal_it_holds_what_we_do_of_thousands(
    made: Parts, double: NationalPortal, number: int
) -> None:
    drawn = random.Random(6)  # noqa: S311 (repeatable, not secret)
    lived = [a_life(n, drawn) for n in range(number)]
    a_day(made, double, lived, drawn)
    check_equal(double, lived)
    assert not made.store.rows.collection.find_one({"state": {"$ne": "sent"}})
