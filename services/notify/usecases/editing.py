"""What editors change: the rules and the words. Each change is a new version, and the newest one counts."""

from collections.abc import Callable
from typing import TypeVar

from chassis import acts
from chassis.errors import Stale, Unavailable
from chassis.web import Answer, Call
from notify.store.series import Series, Version

V = TypeVar("V", bound=Version)


def append(
    series: Series[V], name: str, call: Call, *, decide: Callable[[V | None], V], render: Callable[[V], Answer]
) -> Answer:
    """Adds what `decide` makes of the newest version, and answers. Raises KeyReused, Stale, and whatever `decide` does.

    `decide` is called again when somebody else was faster.
    """
    for _ in range(acts.RACES):
        newest = series.newest(name)
        # Looked for after the newest version was read: what the same key made before that is found here, and what it
        # makes after that takes the number that this call would take.
        if (first := acts.first_answer(series.answered(name, call), call)) is not None:
            return first
        seen = newest.number if newest else 0
        if call.if_match is not None and call.if_match != seen:
            raise Stale(f"the version is {seen} now")
        version = decide(newest)
        answer = acts.final(render(version), version.number)
        if series.add(version, trace=call.trace, answer=acts.kept(call, answer)):
            return answer
    raise Unavailable("too many changes of the same thing at once", retry_after=1)
