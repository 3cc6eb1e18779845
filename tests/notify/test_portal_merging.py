"""The order in which a dossier's life is told, whatever order its events come in."""

import random
from datetime import datetime, timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chassis.envelope import read
from notify.national_portal.domain import merging, rows
from notify.national_portal.domain.life import Fact
from notify.national_portal.domain.merging import Merged, Step, Waits
from notify.national_portal.domain.records import PERSONAL, Names
from notify.national_portal.domain.rows import Said
from notify.national_portal.inbound import fact_of
from tests.notify.portal_lives import FIELD, FIELD_NAME, NAMES, Life, a_life

WAITS = Waits(hold=timedelta(hours=6), settle=timedelta(minutes=2))
ALL_NAMES = Names(agencies=NAMES, fields={FIELD: FIELD_NAME})
START = datetime.fromisoformat("2026-03-10T02:00:00+00:00")


def facts(life: Life) -> list[Fact]:
    return [fact_of(read(body), lambda _: b"") for body in life.bodies]


def told(life: Life, arriving: list[Fact], *, sizes: list[int] | None = None) -> tuple[Merged, list[Step], list[Said]]:
    """Everything that is told when facts arrive in this order, in batches of these sizes, and time passes then."""
    merged, steps, now = Merged(), [], START
    left = list(arriving)
    drawn = iter(sizes or [])
    while left:
        size = next(drawn, 1)
        merged, _ = merging.hear(merged, left[:size], now)
        left = left[size:]
        merged, more = merging.release(life.id, merged, now, WAITS)
        steps += more
        now += timedelta(milliseconds=10)
    while merged.look_at is not None:
        now = merged.look_at
        merged, more = merging.release(life.id, merged, now, WAITS)
        steps += more
    said: list[Said] = []
    for step in steps:
        said += rows.said_of(merged.number or "", step, first=not said, before={}, after={}, names=ALL_NAMES)
    return merged, steps, said


def statuses(said: list[Said]) -> list[str]:
    found: list[str] = []
    for each in said:
        if each.kind in ("dossier", "status") and (not found or found[-1] != each.status):
            found.append(each.status)
    return found


LIVES = st.integers(0, 10_000).map(lambda seed: a_life(seed, random.Random(seed)))  # noqa: S311 (repeatable)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_in_any_order_of_arrival_the_same_statuses_are_told_in_the_same_order(data: st.DataObject) -> None:
    life = data.draw(LIVES)
    known = facts(life)
    arriving = data.draw(st.permutations(known))
    again = data.draw(st.lists(st.sampled_from(known), max_size=3))
    sizes = data.draw(st.lists(st.integers(1, 6), max_size=10))
    merged, steps, said = told(life, [*arriving, *again], sizes=sizes)
    assert statuses(said) == life.statuses
    assert sorted((step.fact.source, step.fact.sequence) for step in steps) == sorted(
        (fact.source, fact.sequence) for fact in known
    ), "each once"
    assert merged.waiting == ()
    assert merged.number == life.portal_number
    assert [each.adding for each in said] == [True, *[False] * (len(said) - 1)]
    record = next(each.record for each in reversed(said) if each.kind == "dossier")
    wanted = {name: value for name, value in life.expected.items() if name not in {"TrangThaiHoSo", *PERSONAL}}
    assert {name: record[name] for name in wanted} == wanted
    assert merged.life.status == life.expected["TrangThaiHoSo"]


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_without_one_event_no_false_step_is_told_and_when_it_comes_it_is_no_step_back(data: st.DataObject) -> None:
    """A predecessor that is missing for longer than is waited for, and comes after all."""
    life = data.draw(LIVES)
    known = facts(life)
    missing = data.draw(st.sampled_from(known))
    arriving = [*(fact for fact in known if fact is not missing)]
    merged, _, said = told(life, arriving)
    order = life.statuses
    places = [order.index(status) for status in statuses(said) if status in order]
    assert set(statuses(said)) <= set(order)
    if len(set(order)) == len(order):
        assert places == sorted(places), "no step back"
    before = statuses(said)
    merged, fresh = merging.hear(merged, [missing], START + timedelta(days=2))
    merged, late = merging.release(life.id, merged, START + timedelta(days=3), WAITS)
    assert fresh == [True]
    more: list[Said] = []
    for step in late:
        more += rows.said_of(merged.number or "", step, first=not (said or more), before={}, after={}, names=ALL_NAMES)
    if before:
        assert not [each for each in more if each.kind == "status" and each.status != merged.life.status]
        assert {each.status for each in more if each.kind == "dossier"} <= set(life.statuses)
    assert merged.life.status == life.expected["TrangThaiHoSo"], "in the end the same is known"
    again, fresh = merging.hear(merged, [missing], START + timedelta(days=4))
    assert fresh == [False]
    assert again == merged
