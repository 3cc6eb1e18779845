"""Several providers as one outlet: who is asked, who is left out, and who keeps a row that may be in their hands."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notify.domain import deliveries
from notify.domain.deliveries import Attempt, Delivery
from notify.failover import DOUBT, FEWEST, Failover
from notify.outlets import Accepted, Answer, Away, Deferred, Postponed, Refused, Stage, Uncertain
from tests.support.services import Clock

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
PROBE = 60.0
WINDOW = 10


class Timer:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Provider:
    """`does`: what it answers to a row, or raises; `reachable`: whether it can be opened."""

    lot = 1

    def __init__(self, name: str) -> None:
        self.name = name
        self.reachable = True
        self.does: Callable[[Delivery], Answer] = lambda _: Accepted("ok")
        self.took: list[str] = []
        self.opened = 0

    @contextmanager
    def open(self) -> Iterator["Provider"]:
        self.opened += 1
        if not self.reachable:
            raise Away("refused")
        yield self

    def send(self, rows: Sequence[Delivery]) -> list[Answer]:
        self.took += [row.id for row in rows]
        return [self.does(row) for row in rows]

    def news(self, *_: Any) -> Sequence[Any]:
        return ()

    def breaks(self, stage: Stage) -> None:
        def away(_: Delivery) -> Answer:
            raise Away("timeout", stage)

        self.does = away


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def first() -> Provider:
    return Provider("first")


@pytest.fixture
def second() -> Provider:
    return Provider("second")


@pytest.fixture
def failover(first: Provider, second: Provider, timer: Timer, clock: Clock) -> Failover[Delivery]:
    return Failover(
        "sms", [first, second], share=0.5, window=WINDOW, slow_seconds=2, probe_after=PROBE, clock=clock, timer=timer
    )


def row(id: str = "r1", *attempts: Attempt) -> Delivery:
    queued = Delivery(id=id, state="queued", attempts=attempts, next_at=NOW, lease=None, created_at=NOW, trace=None)
    return deliveries.take(queued, "worker-1", NOW + timedelta(minutes=5))


def send(failover: Failover[Delivery], *rows: Delivery) -> tuple[str, list[Answer]]:
    """Via whom, and the answers."""
    with failover.open() as line:
        return line.via, line.send(rows or [row()])


def test_the_first_one_takes_everything_while_it_works(
    failover: Failover[Delivery], first: Provider, second: Provider
) -> None:
    for _ in range(30):
        assert send(failover) == ("first", [Accepted("ok", via="first")])
    assert second.opened == 0


def test_who_cannot_be_reached_is_passed_over_at_once_and_left_alone_for_a_while(
    failover: Failover[Delivery], first: Provider, timer: Timer
) -> None:
    first.reachable = False
    assert [send(failover)[0] for _ in range(5)] == ["second"] * 5
    assert first.opened == 1
    timer.seconds += PROBE
    assert send(failover)[0] == "second"
    assert first.opened == 2
    first.reachable = True
    timer.seconds += PROBE - 0.1
    assert send(failover)[0] == "second"
    timer.seconds += 0.1
    assert [send(failover)[0] for _ in range(2)] == ["first"] * 2


def test_nobody_can_be_reached(failover: Failover[Delivery], first: Provider, second: Provider) -> None:
    first.reachable = second.reachable = False
    with pytest.raises(Away, match="refused") as raised:
        send(failover)
    assert not raised.value.elsewhere
    with pytest.raises(Away, match="every_side_is_out"):
        send(failover)
    assert (first.opened, second.opened) == (1, 1)


@pytest.mark.parametrize("answer", [Deferred("status_500"), Uncertain("timeout")])
def test_it_fails_over_at_the_share_and_not_before(
    failover: Failover[Delivery], first: Provider, answer: Answer
) -> None:
    for _ in range(WINDOW):
        send(failover)
    first.does = lambda _: answer
    # Of the last ten, five.
    assert [send(failover)[0] for _ in range(6)] == ["first"] * 5 + ["second"]


def test_a_few_failures_at_the_start_are_none_of_a_share(failover: Failover[Delivery], first: Provider) -> None:
    first.does = lambda _: Deferred("status_500")
    assert [send(failover)[0] for _ in range(FEWEST + 1)] == ["first"] * FEWEST + ["second"]


def test_slow_is_as_bad_as_failing(failover: Failover[Delivery], first: Provider, timer: Timer) -> None:
    def slow(seconds: float) -> Callable[[Delivery], Answer]:
        def does(_: Delivery) -> Answer:
            timer.seconds += seconds
            return Accepted("ok")

        return does

    first.does = slow(2)
    assert [send(failover)[0] for _ in range(10)] == ["first"] * 10
    first.does = slow(2.1)
    assert [send(failover)[0] for _ in range(6)] == ["first"] * 5 + ["second"]


@pytest.mark.parametrize("answer", [Refused("no such number"), Deferred("template_broken", ours=True), Postponed(NOW)])
def test_what_is_not_its_fault_is_not_counted(
    failover: Failover[Delivery], first: Provider, answer: Answer, second: Provider
) -> None:
    first.does = lambda _: answer
    for _ in range(3 * WINDOW):
        send(failover)
    assert second.opened == 0


def test_a_connection_that_breaks_before_anything_was_handed_over_lets_the_next_one_take_it_at_once(
    failover: Failover[Delivery], first: Provider
) -> None:
    first.breaks("connection")
    with pytest.raises(Away) as raised:
        send(failover)
    assert (raised.value.stage, raised.value.via, raised.value.elsewhere) == ("connection", "first", True)
    assert send(failover)[0] == "second"


def test_one_that_hangs_over_a_row_is_left_out_at_the_share(failover: Failover[Delivery], first: Provider) -> None:
    first.breaks("content")
    for _ in range(FEWEST):
        with pytest.raises(Away) as raised:
            send(failover)
        assert (raised.value.stage, raised.value.elsewhere) == ("content", True)
    assert send(failover)[0] == "second"


def test_an_open_line_stops_when_its_side_is_left_out_and_goes_on_when_there_is_no_other(
    failover: Failover[Delivery], first: Provider, second: Provider
) -> None:
    first.does = lambda _: Deferred("status_500")
    with failover.open() as line:
        for _ in range(FEWEST):
            line.send([row()])
        with pytest.raises(Away, match="fails_over") as raised:
            line.send([row("not-told")])
        assert (raised.value.stage, raised.value.elsewhere) == ("connection", True)
        assert "not-told" not in first.took
        second.reachable = False
        with pytest.raises(Away), failover.open():
            pass
        assert line.send([row("better-than-nothing")]) == [Deferred("status_500", via="first")]


def test_one_line_goes_to_see_while_the_others_stay_away(
    failover: Failover[Delivery], first: Provider, timer: Timer
) -> None:
    first.reachable = False
    send(failover)
    first.reachable = True
    timer.seconds += PROBE
    with failover.open() as probe, failover.open() as other:
        assert (probe.via, other.via) == ("first", "second")
        probe.send([row()])
        with failover.open() as third:
            assert third.via == "first"


def test_a_probe_that_fails_leaves_it_out_for_as_long_again(
    failover: Failover[Delivery], first: Provider, timer: Timer
) -> None:
    first.reachable = False
    send(failover)
    first.reachable = True
    first.does = lambda _: Deferred("status_500")
    timer.seconds += PROBE
    with failover.open() as line:
        assert line.send([row()]) == [Deferred("status_500", via="first")]
        with pytest.raises(Away, match="fails_over"):
            line.send([row()])
    timer.seconds += PROBE - 0.1
    assert send(failover)[0] == "second"
    timer.seconds += 0.1
    assert send(failover)[0] == "first"


def test_a_probe_that_had_nothing_to_send_leaves_it_to_another_line(
    failover: Failover[Delivery], first: Provider, timer: Timer
) -> None:
    first.reachable = False
    send(failover)
    first.reachable = True
    timer.seconds += PROBE
    with failover.open() as line:
        assert line.via == "first"
    assert send(failover)[0] == "first"


# -- rows in doubt -----------------------------------------------------------------------------------------------------


def doubtful(via: str | None = "first") -> Delivery:
    return row("in-doubt", Attempt(at=NOW, outcome="interrupted", detail="timeout", via=via))


def leave_out(failover: Failover[Delivery], provider: Provider) -> None:
    provider.reachable = False
    send(failover)
    provider.reachable = True


def test_a_row_that_the_first_may_have_is_not_given_to_the_second(
    failover: Failover[Delivery], first: Provider, second: Provider, clock: Clock
) -> None:
    leave_out(failover, first)
    via, answers = send(failover, doubtful(), row("new"))
    assert (via, answers) == ("second", [Postponed(clock() + timedelta(seconds=PROBE)), Accepted("ok", via="second")])
    assert "in-doubt" not in second.took + first.took


def test_it_goes_to_the_first_when_that_is_back_even_over_a_line_to_the_second(
    failover: Failover[Delivery], first: Provider, second: Provider, timer: Timer
) -> None:
    leave_out(failover, first)
    with failover.open() as line:
        timer.seconds += PROBE
        assert line.send([doubtful()]) == [Accepted("ok", via="first")]
    assert (first.took, second.took[1:]) == (["in-doubt"], [])


def test_it_stays_in_doubt_while_the_first_hangs_again(
    failover: Failover[Delivery], first: Provider, timer: Timer
) -> None:
    leave_out(failover, first)
    first.breaks("content")
    with failover.open() as line:
        timer.seconds += PROBE
        assert line.send([doubtful()]) == [Uncertain("timeout", via="first")]


def test_after_a_day_somebody_else_may_have_it(
    failover: Failover[Delivery], first: Provider, clock: Clock, timer: Timer
) -> None:
    clock.now += DOUBT
    leave_out(failover, first)
    assert send(failover, doubtful())[1] == [Accepted("ok", via="second")]


def test_what_was_answered_since_is_in_doubt_no_more(failover: Failover[Delivery], first: Provider) -> None:
    leave_out(failover, first)
    answered = replace(
        doubtful(), attempts=(*doubtful().attempts, Attempt(at=NOW, outcome="deferred", detail="", via="first"))
    )
    asked_for = replace(
        doubtful(), attempts=(*doubtful().attempts, Attempt(at=NOW, outcome="requested", detail="operator-1"))
    )
    assert send(failover, answered)[1] == [Accepted("ok", via="second")]
    assert isinstance(send(failover, asked_for)[1][0], Postponed), "an operator does not know either"


def test_a_row_of_nobody_known_is_anybodys(failover: Failover[Delivery], first: Provider) -> None:
    leave_out(failover, first)
    assert send(failover, doubtful(None), replace(doubtful("gone"), id="r2"))[1] == [Accepted("ok", via="second")] * 2
