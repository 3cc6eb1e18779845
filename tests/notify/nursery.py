"""Starts notify's worker again and again, each time to kill itself, as `kill -9` would, at one exact point of its life.

`python -m tests.notify.nursery` reads lines `<point> <nth> <before|after>` and answers each with the status with which
that worker ended. `point` names a function; the worker dies when it is entered, or left, for the nth time. A process
that has loaded everything is forked for each, which takes a tenth of the time that a start from nothing does.
"""

import functools
import os
import signal
import sys
from importlib import import_module
from typing import Any

import notify.main

MOST_SECONDS = 30
"""A worker that never comes to its point is ended, with another status."""


def arm(point: str, nth: int, when: str) -> None:
    """Makes the function at `point` kill this process."""
    parts = point.split(".")
    owner: Any = None
    for length in range(len(parts) - 1, 0, -1):
        try:
            owner = import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:-1]:
            owner = getattr(owner, name)
        break
    function = getattr(owner, parts[-1])
    entered = 0

    @functools.wraps(function)
    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal entered
        entered += 1
        last = entered >= nth
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, parts[-1], dying)


def main() -> None:
    for line in sys.stdin:
        point, nth, when = line.split()
        pid = os.fork()
        if not pid:
            # What it logs is none of our answers.
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            signal.alarm(MOST_SECONDS)
            arm(point, int(nth), when)
            sys.argv = ["notify", "worker"]
            os._exit(notify.main.main())
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
