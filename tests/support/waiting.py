"""Waiting for what other threads, processes and servers do: with a deadline, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(question: Callable[[], T], seconds: float = 120.0, every: float = 0.02) -> T:
    """The question's first true answer. Fails when there is none within `seconds`. They end a hang and measure nothing:
    the machine may do much else."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(every)
    return answer
