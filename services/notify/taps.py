"""Listeners beside the consumer's table: what hears every event of intake and workflow, whoever else is told of it."""

from collections.abc import Callable, Sequence

from chassis.consume import Done, Duplicate, Handler, Invalid, Later, Outcome, Received, Subscription, applied

EVERYTHING = ("intake.#", "workflow.#")
_WORST = (Invalid, Later, Done, Duplicate)


def tapped(table: Sequence[Subscription], taps: Sequence[Handler]) -> list[Subscription]:
    """The table, each of whose handlers for intake's and workflow's events is preceded by the `taps`; and they alone
    hear what nobody else takes. A message is Done when it is to all; when one of them wants it again, it comes to all
    again, which each of them knows to be harmless. One that breaks wants it again, and keeps it from no other."""
    if not taps:
        return list(table)
    found = [Subscription(_all([*taps, each.handler]), each.readings) if _is_heard(each) else each for each in table]
    return [*found, Subscription(_all(taps), dict.fromkeys(EVERYTHING, dict))]


def _is_heard(subscription: Subscription) -> bool:
    return any(event_type.startswith(("intake.", "workflow.")) for event_type in subscription.readings)


def _all(handlers: Sequence[Handler]) -> Handler:
    def handle(batch: Sequence[Received]) -> Sequence[Outcome]:
        outcomes = [applied(handler, batch) for handler in handlers]
        return [min(each, key=_badness) for each in zip(*outcomes, strict=True)]

    return handle


def _badness(outcome: Outcome) -> int:
    rank: Callable[[type], int] = _WORST.index
    return rank(type(outcome))
