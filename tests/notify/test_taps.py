"""Listeners beside the table hear everything once, and a message ends as its worst listener says."""

from collections.abc import Sequence

import pytest

from chassis.consume import Done, Duplicate, Invalid, Later, Outcome, Received, Subscription
from notify.taps import tapped
from tests.support.samples import sample
from tests.support.services import hear

FILED, STARTED, AGENCY = "intake.dossier.filed.v1", "workflow.dossier.started.v1", "catalog.agency.changed.v1"


class Listener:
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.heard: list[str] = []

    def __call__(self, batch: Sequence[Received]) -> list[Outcome]:
        self.heard += [item.event.type for item in batch]
        return [self.outcome] * len(batch)


def test_a_tap_hears_what_others_take_and_what_nobody_takes_but_no_other_services_news() -> None:
    own, tap = Listener(Done()), Listener(Done())
    table = tapped([Subscription(own, {FILED: dict}), Subscription(own, {AGENCY: dict})], [tap])
    assert hear(table, [sample(FILED), sample(STARTED), sample(AGENCY)]) == [Done()] * 3
    assert own.heard == [FILED, AGENCY]
    assert tap.heard == [FILED, STARTED]


@pytest.mark.parametrize(
    ("own", "tap", "ends"),
    [
        (Done(), Duplicate(), Done()),
        (Duplicate(), Duplicate(), Duplicate()),
        (Later("contact_unknown"), Done(), Later("contact_unknown")),
        (Done(), Invalid("unreadable"), Invalid("unreadable")),
        (Later("x"), Invalid("unreadable"), Invalid("unreadable")),
    ],
)
def test_a_message_ends_as_its_worst_listener_says(own: Outcome, tap: Outcome, ends: Outcome) -> None:
    table = tapped([Subscription(Listener(own), {FILED: dict})], [Listener(tap)])
    assert hear(table, [sample(FILED)]) == [ends]


def test_without_taps_the_table_stays_as_it_is() -> None:
    table = [Subscription(Listener(Done()), {FILED: dict})]
    assert tapped(table, []) == table
