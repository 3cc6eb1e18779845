"""What a courier needs of the other side: an outlet that can be opened, and one of these answers for each row."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from chassis import worker
from notify.domain.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken. `receipt`: the number under which the other side knows it, where it says one.

    `via`, here and below: which of several other sides answered, None where there is but one.
    """

    detail: str
    receipt: str | None = None
    via: str | None = None
    noted: Mapping[str, Any] = field(default_factory=dict)
    """What the row is to remember of how it was sent: its fields and their values, the version of its words, say."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side will never take it."""

    detail: str
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """The other side may take it later. `ours`: it was not even asked, since we could not make the row ready."""

    detail: str
    ours: bool = False
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody knows whether the other side took it; the same row may be given to it again, under the same id."""

    detail: str
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not tried, through no fault of the other side: nothing is counted, and it is due again at `until`."""

    until: datetime


Answer = Accepted | Refused | Deferred | Uncertain | Postponed
Stage = Literal["connection", "recipient", "content"]


class Away(worker.Away):
    """Nothing can be sent now, which is no row's fault: no connection, a timeout, a refused login.

    `stage`: how far the lot in hand had come. In "content" the other side may have taken it; over "recipient" it hung
    up. `reason` names no person. `via`: whose fault it is, where there are several other sides. `elsewhere`: another
    one may take what waits, so nobody need pause.
    """

    def __init__(
        self, reason: str, stage: Stage = "connection", *, via: str | None = None, elsewhere: bool = False
    ) -> None:
        super().__init__(reason)
        self.stage = stage
        self.via = via
        self.elsewhere = elsewhere


Row = TypeVar("Row", bound=Delivery, contravariant=True)  # noqa: PLC0105 (read as a word)


class Line(Protocol[Row]):
    """An open way to the other side, for one thread."""

    def send(self, rows: Sequence[Row]) -> Sequence[Answer]:
        """An answer for each, in their order; raises Away."""


class Outlet(Protocol[Row]):
    """Where rows of one kind go."""

    name: str
    lot: int
    """How many rows one call of `Line.send` takes."""

    def open(self) -> AbstractContextManager[Line[Row]]:
        """Raises Away."""

    def news(self, row: Row, at: datetime) -> Sequence[Any]:
        """The events that tell of a row in its new state."""
