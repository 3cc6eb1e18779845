"""Who stands where. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stats.domain.indicators import Reading


@dataclass(frozen=True, slots=True)
class Placed:
    """`rank` from 1; agencies of the same exact value share it, and the next one's counts them all (1, 2, 2, 4)."""

    agency: str
    rank: int
    reading: Reading


def ranked(readings: Iterable[tuple[str, Reading]], better: Literal["more", "less"] | None) -> list[Placed]:
    """Those that have a share, the best first and alike ones by identifier; who has none has no place."""
    with_share = [(agency, each, each.share) for agency, each in readings if each.share is not None]
    sign = 1 if better == "less" else -1
    with_share.sort(key=lambda item: (sign * (item[2] or 0), item[0]))
    placed: list[Placed] = []
    for number, (agency, each, share) in enumerate(with_share, 1):
        same = bool(placed) and placed[-1].reading.share == share
        placed.append(Placed(agency, placed[-1].rank if same else number, each))
    return placed
