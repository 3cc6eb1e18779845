"""What every course of a dossier needs: who acts, under which key, and how it waits for what comes later."""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sample.client import Api, Refused
from sample.load import Failed
from sample.plan import MIGRATION, Planned
from sample.province import Province
from sample.tally import Record

NEXT = 0.0
POLL_SECONDS = 0.4
WAIT_SECONDS = 120

Steps = Generator[float, None, None]
"""Yields whenever another dossier may go first: how many seconds it has to wait."""


@dataclass(slots=True)
class Drive:
    """What all courses share. `run`: the name that keys are made from; `last`: the last working day before today."""

    api: Api
    run: str
    province: Province
    last: date
    agencies: Mapping[str, str]
    broken: list[str] = field(default_factory=list)
    """Promises that the system did not keep, besides counts."""

    def key(self, record: Record, act: str) -> str:
        return f"{self.run}:{record.planned.number}:{act}"

    def who_works(self, planned: Planned, agency: str) -> str:
        """Who is to act on a task of the agency."""
        return planned.actors.works if self.agencies.get(planned.actors.works) == agency else MIGRATION


def wait(drive: Drive, who: str, path: str, good: Callable[[Any], bool], what: str) -> Generator[float, None, Any]:
    """Until what is found there is `good`; it comes back. Raises Failed with `what` after WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (seen := found(drive, who, path)) is None or not good(seen):
        if time.monotonic() > deadline:
            raise Failed(f"{what} after {WAIT_SECONDS} s")
        yield POLL_SECONDS
    return seen


def found(drive: Drive, who: str, path: str) -> Any:
    """None while it is not there."""
    try:
        return drive.api.get(who, path)
    except Refused as refused:
        if refused.status != 404:
            raise
        return None


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
