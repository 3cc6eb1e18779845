"""What a dossier counts for: whatever is known of it, in whatever order it came, its numbers add up."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.domain.cells import FLOWS, LEVELS, Measure, contributions, place
from stats.domain.facts import NOTHING, Fact, Statements, merge
from stats.domain.numbers import LEAVES, NUMBERS, SUMS, value
from tests.stats.making import Halt, Life, Payment, at, event, many, message, naive_cells, naive_stock

DAY = at("2024-08-20 09:00")
FAR = date(2030, 1, 1)


def said(life: Life) -> list[Statements]:
    return [each.data.says(each.event.sequence) for each in map(message, life.events()) if hasattr(each.data, "says")]


def fact_of(life: Life) -> Fact:
    return merge(NOTHING, said(life))


def flows(life: Life) -> dict[tuple[Any, ...], dict[str, int]]:
    """As `naive_cells` has them; what is said of days to come is left to the levels' tests."""
    fact = fact_of(life)
    where = place(fact) or ()
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for day, sums in contributions(fact).items():
        for measure, number in sums.items():
            if measure in FLOWS and not measure.startswith("falling_due"):
                found.setdefault((*where, day), {})[measure] = number
    return found


def level(facts: Iterable[Fact], name: str, moment: date, today: date) -> int:
    return sum(value(NUMBERS[name], contributions(fact), moment, moment, today) for fact in facts)


LIVES = many(240, at("2024-06-01 08:00"), 160, ("H56.14", "H56.15"), ("1.001193", "1.012784", "2.000815"))


def test_every_flow_is_as_counted_by_hand() -> None:
    for life in LIVES:
        assert flows(life) == naive_cells([life]), life
    counted = Counter(measure for life in LIVES for row in flows(life).values() for measure in row)
    assert set(FLOWS) - set(counted) == {"document_lookups", "falling_due", "falling_due_asked_twice"} | NEVER_IN_MANY


NEVER_IN_MANY = {"second_supplements", "finished_asked_twice"}


@pytest.mark.parametrize("day", ["2024-06-01", "2024-06-20", "2024-08-01", "2024-09-15", "2024-11-20", "2024-12-31"])
def test_every_level_is_as_counted_by_hand(day: str) -> None:
    facts, moment, today = [fact_of(life) for life in LIVES], date.fromisoformat(day), date(2024, 11, 20)
    by_hand = naive_stock(LIVES, day, str(today))
    assert level(facts, "open", moment, today) == by_hand.open
    assert level(facts, "overdue", moment, today) == by_hand.overdue
    assert level(facts, "waiting", moment, today) == by_hand.waiting
    assert level(facts, "supplement", moment, today) == by_hand.supplement
    assert level(facts, "paused", moment, today) == by_hand.paused
    assert level(facts, "within", moment, today) == by_hand.open - by_hand.overdue


# -- whatever comes ----------------------------------------------------------------------------------------------------

EVENTS = [fact for life in LIVES[:1] for fact in said(life)]
INSTANTS = st.integers(0, 20).map(lambda n: DAY + timedelta(hours=7 * n))


@st.composite
def wild_lives(draw: st.DrawFn) -> Life:
    """Nothing is in its order: clocks differ, and an office may say that something happened long ago."""
    maybe = st.none() | INSTANTS
    halts = [
        Halt(kind=kind, begin=begin, end=end)
        for kind, begin, end in draw(
            st.lists(st.tuples(st.sampled_from(["supplement", "fee", "other"]), INSTANTS, maybe), max_size=4)
        )
    ]
    received = draw(maybe)
    return Life(
        id="d",
        channel=draw(st.sampled_from(["online", "counter", "post"])),
        filed_at=draw(INSTANTS),
        received_at=received,
        due_at=draw(maybe),
        digitised=draw(st.booleans()),
        refused_at=draw(maybe) if received is None else None,
        finished_at=draw(maybe),
        withdrawn_at=draw(maybe),
        stopped_at=draw(maybe),
        handed_over_at=draw(maybe),
        halts=tuple(halts),
        reuses=tuple(draw(st.lists(st.booleans(), max_size=2))),
        payments=tuple(
            Payment(at=paid, channel=channel, reversed=back)
            for paid, channel, back in draw(
                st.lists(st.tuples(INSTANTS, st.sampled_from(["online", "counter"]), st.booleans()), max_size=3)
            )
        ),
        results=tuple(draw(st.lists(st.sampled_from(["signed", "unsigned", "recalled"]), max_size=2))),
        rated_at=draw(maybe),
        score=draw(st.integers(1, 5)),
    )


def row(fact: Fact, start: date, end: date, today: date = FAR) -> dict[str, int]:
    counted = contributions(fact)
    return {name: value(number, counted, start, end, today) for name, number in NUMBERS.items()}


@settings(max_examples=150, deadline=None)
@given(wild_lives(), st.data())
def test_the_identities_hold_for_any_life_any_period_and_whatever_part_of_it_is_known(
    life: Life, data: st.DataObject
) -> None:
    """domain.md, "Indicators", for each dossier, so for any set of them."""
    known = data.draw(st.lists(st.sampled_from(said(life)), max_size=12)) if said(life) else []
    fact = merge(NOTHING, known)
    start = DAY.date() + timedelta(days=data.draw(st.integers(-1, 8)))
    end = start + timedelta(days=data.draw(st.integers(1, 9)))
    found = row(fact, start, end)
    ended = found["finished"] + found["stopped"] + found["withdrawn"] - found["withdrawn_waiting"]
    assert found["carried_over"] + found["received"] == ended + found["open"]
    assert found["finished"] == found["finished_early"] + found["finished_on_time"] + found["finished_late"]
    assert found["open"] == found["within"] + found["overdue"]
    assert found["within"] in (0, 1)
    for name in LEVELS:
        assert found[name] in (0, 1), name
    assert found["supplement"] + found["paused"] <= found["open"]
    assert found["overdue_asked_twice"] <= min(found["overdue"], found["open_asked_twice"])
    assert found["open_asked_twice"] <= found["open"]
    since_ever = row(fact, date(2000, 1, 1), end)
    all_of_them = (
        since_ever["waiting"] + since_ever["open"] + since_ever["finished"] + since_ever["stopped"]
        + since_ever["withdrawn"] + since_ever["refused"]
    )  # fmt: skip
    if since_ever["filed"] or (life.channel != "online" and since_ever["received"]):
        assert all_of_them == 1
    for part, whole in (
        ("digitised", "received"),
        ("reused", "received"),
        ("electronic_results", "finished"),
        ("digitised_results", "electronic_results"),
        ("paid_online", "paid"),
        ("satisfied", "rated"),
        ("withdrawn_waiting", "withdrawn"),
        ("apologies", "extensions"),
        ("second_supplements", "supplement_requests"),
    ):
        assert 0 <= found[part] <= found[whole], part


@settings(max_examples=60, deadline=None)
@given(wild_lives(), st.randoms(use_true_random=False), st.data())
def test_any_order_repetition_and_batching_give_the_same(
    life: Life, shuffled: random.Random, data: st.DataObject
) -> None:
    once = said(life)
    whole = merge(NOTHING, once)
    again = [*once, *data.draw(st.lists(st.sampled_from(once), max_size=5))] if once else []
    shuffled.shuffle(again)
    cut = data.draw(st.integers(0, len(again)))
    parts = (again[:cut], again[cut:])
    for merged in (merge(NOTHING, again), *(merge(merge(NOTHING, a), b) for a, b in (parts, parts[::-1]))):
        assert merged == whole
        assert contributions(merged) == contributions(whole)
        assert place(merged) == place(whole)


@settings(max_examples=60, deadline=None)
@given(wild_lives())
def test_all_that_a_dossier_adds_ends_where_it_ends(life: Life) -> None:
    """Whoever came goes: of what is over, no level stays for ever."""
    fact = fact_of(life)
    found = row(fact, date(2000, 1, 1), date(2100, 1, 1), date(2100, 1, 1))
    if found["finished"] + found["stopped"] + found["withdrawn"] + found["refused"]:
        assert not any(found[name] for name in LEVELS)


# -- one by one --------------------------------------------------------------------------------------------------------


def days_of(life: Life, measure: Measure) -> list[str]:
    found = contributions(fact_of(life)).items()
    return sorted(day for day, sums in found for _ in range(sums.get(measure, 0)))


def plain(**changes: Any) -> Life:
    return Life(**{"id": "d", "filed_at": DAY, "received_at": DAY, "due_at": at("2024-08-22 17:00"), **changes})


def asked(*days: str) -> tuple[Halt, ...]:
    return tuple(Halt(kind="supplement", begin=at(f"{day} 10:00"), end=at(f"{day} 15:00")) for day in days)


@pytest.mark.parametrize(
    ("reuses", "replaced", "counts"),
    [((), False, 0), ((True,), False, 1), ((False,), False, 0), ((False, True), False, 1), ((True,), True, 0)],
)
def test_a_component_that_somebody_chose_and_that_is_still_there_is_reused(
    reuses: tuple[bool, ...], replaced: bool, counts: int
) -> None:
    assert len(days_of(plain(reuses=reuses, replaced=replaced), "reused")) == counts


@pytest.mark.parametrize(
    ("payments", "paid", "online"),
    [
        ((Payment(at=DAY),), ["2024-08-20"], ["2024-08-20"]),
        ((Payment(at=DAY, reversed=True),), [], []),
        ((Payment(at=DAY, channel="counter"),), ["2024-08-20"], []),
        ((Payment(at=DAY), Payment(at=at("2024-08-21 09:00"), channel="counter")), ["2024-08-20"], []),
        (
            (Payment(at=DAY, channel="counter", reversed=True), Payment(at=at("2024-08-21 09:00"))),
            ["2024-08-21"],
            ["2024-08-21"],
        ),
    ],
)
def test_what_is_paid_counts_while_it_stands_and_online_when_all_of_it_was(
    payments: tuple[Payment, ...], paid: list[str], online: list[str]
) -> None:
    life = plain(payments=payments)
    assert (days_of(life, "paid"), days_of(life, "paid_online")) == (paid, online)


def test_a_second_supplement_request_makes_it_late_for_the_index_alone() -> None:
    finished = at("2024-08-22 09:00")
    twice = plain(halts=asked("2024-08-20", "2024-08-21"), finished_at=finished)
    assert days_of(twice, "supplement_requests") == ["2024-08-20", "2024-08-21"]
    assert days_of(twice, "second_supplements") == ["2024-08-21"]
    assert days_of(twice, "finished_on_time") == days_of(twice, "finished_asked_twice") == ["2024-08-22"]
    once = plain(halts=asked("2024-08-20"), finished_at=finished)
    assert days_of(once, "finished_asked_twice") == days_of(once, "second_supplements") == []
    late = plain(halts=asked("2024-08-20", "2024-08-21"), finished_at=at("2024-08-23 09:00"))
    assert days_of(late, "finished_asked_twice") == [], "it is late already"


@pytest.mark.parametrize(("moment", "open_", "overdue"), [(21, 0, 0), (22, 1, 0), (23, 1, 1), (26, 1, 1)])
def test_who_was_asked_twice_is_told_apart_among_the_open(moment: int, open_: int, overdue: int) -> None:
    fact = fact_of(plain(halts=asked("2024-08-20", "2024-08-21")))
    today = date(2024, 8, moment)
    assert level([fact], "open_asked_twice", today, today) == open_
    assert level([fact], "overdue_asked_twice", today, today) == overdue


@pytest.mark.parametrize(
    ("results", "electronic", "counts"),
    [
        ((), False, 0),
        (("unsigned",), False, 0),
        (("signed",), False, 1),
        (("recalled",), False, 0),
        (("recalled", "signed"), False, 1),
        ((), True, 1),
    ],
)
def test_a_result_exists_electronically_while_a_signed_one_is_in_force(
    results: tuple[str, ...], electronic: bool, counts: int
) -> None:
    finished = {"finished_at": at("2024-08-21 09:00"), "handed_over_at": at("2024-08-22 09:00")}
    life = plain(results=results, electronic=electronic, **finished)
    assert days_of(life, "electronic_results") == ["2024-08-21"] * counts
    assert days_of(life, "digitised_results") == []
    scanned = plain(results=results, electronic=electronic, digitised=True, **finished)
    assert days_of(scanned, "digitised_results") == ["2024-08-21"] * counts


def test_the_days_of_the_process_leave_out_those_on_which_the_clock_stood_still() -> None:
    halts = (Halt(kind="fee", begin=at("2024-08-21 09:00"), end=at("2024-08-26 09:00")),)
    life = plain(halts=halts, finished_at=at("2024-08-30 09:00"))
    assert contributions(fact_of(life))["2024-08-30"]["process_days"] == 10 - 5


@pytest.mark.parametrize(("score", "satisfied"), [(1, 0), (3, 0), (4, 1), (5, 1)])
def test_a_rating_counts_on_its_day_with_its_score(score: int, satisfied: int) -> None:
    life = plain(rated_at=at("2024-09-02 09:00"), score=score)
    found = contributions(fact_of(life))["2024-09-02"]
    assert (found["rated"], found["score_sum"], found.get("satisfied", 0)) == (1, score, satisfied)


def test_an_extension_counts_and_one_with_form_04_is_an_apology() -> None:
    extended = plain(promised_at=at("2024-08-21 09:00"))
    assert (len(days_of(extended, "extensions")), len(days_of(extended, "apologies"))) == (1, 0)
    with_form = plain(promised_at=at("2024-08-21 09:00"), apology=True)
    assert (len(days_of(with_form, "extensions")), len(days_of(with_form, "apologies"))) == (1, 1)


def test_what_ended_before_it_came_ended_when_it_came() -> None:
    """Clocks differ, and Occurred-At is a person's word."""
    life = plain(finished_at=DAY - timedelta(days=3))
    assert days_of(life, "received") == ["2024-08-20"] == days_of(life, "finished_early")
    assert not any("open" in sums for sums in contributions(fact_of(life)).values())


def look_up(agency: str | None, procedure: str | None) -> Statements:
    data = {"agency": agency, "procedure": procedure, "by": "self", "act": "listed", "documents": 2, "at": DAY}
    read = message(event("intake.document.looked_up.v1", "look-up", 1, DAY, data)).data
    said: Statements = read.says(1)
    return said


def test_a_look_up_counts_once_at_a_place_of_its_own() -> None:
    fact = merge(NOTHING, [look_up("H56.14", "1.001193")])
    assert contributions(fact) == {"2024-08-20": {"document_lookups": 1}}
    assert place(fact) == ("H56.14", "", "1.001193", "", "")
    assert merge(fact, [look_up("H56.14", "1.001193")]) is fact
    assert place(merge(NOTHING, [look_up(None, None)])) == ("", "", "", "", "")


def test_what_falls_due_today_is_not_overdue_yet() -> None:
    fact, due = fact_of(plain()), date(2024, 8, 22)
    year = date(2025, 1, 1)
    assert level([fact], "overdue", year, due) == 0
    assert level([fact], "overdue", year, due + timedelta(days=1)) == 1
    assert level([fact], "overdue", due, year) == 0
    assert level([fact], "overdue", due + timedelta(days=1), year) == 1


def test_every_measure_can_be_counted_and_listed_but_sums_and_what_corrects() -> None:
    unlisted = {*SUMS, "falling_due", "falling_due_asked_twice"}
    assert {*FLOWS, *LEVELS} - set(NUMBERS) == unlisted
    assert set(LEAVES.values()) <= set(NUMBERS)
