"""Acts that draw a number of a series: a dossier's code, a receipt's number."""

from collections.abc import Callable
from typing import TypeVar

from chassis import acts
from chassis.errors import Unavailable

T = TypeVar("T")
DRAWS = 20


def with_free_number(act: Callable[[int], T]) -> T:
    """An act that draws a number, using up the given count of them.

    When the number was given already (`act` raises Taken), a failover has set the counter back, nobody knows how far:
    twice as many numbers are used up each time, so that it is soon ahead again.
    """
    for attempt in range(DRAWS):
        try:
            return act(2**attempt)
        except acts.Taken:
            continue
    raise Unavailable("no free number could be drawn", retry_after=1)
