"""What a batch of events changes in the sums: by place and local day, how much is added to each measure."""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from stats.domain.cells import Adds, Place


class Deltas:
    """Sums of changes, none of them 0 once `entries` gives them out."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], dict[str, int]] = {}

    def add(self, place: Place, adds: Adds, sign: int = 1) -> None:
        for day, measures in adds.items():
            sums = self._found.get((place, day))
            if sums is None:
                sums = self._found[place, day] = {}
            for measure, number in measures.items():
                sums[measure] = sums.get(measure, 0) + sign * number

    def entries(self) -> Iterator[tuple[Place, str, dict[str, int]]]:
        """Place, day, and what is added there to each measure."""
        for (place, day), sums in self._found.items():
            changed = {measure: number for measure, number in sums.items() if number}
            if changed:
                yield place, day, changed

    def __len__(self) -> int:
        return len(self._found)


def pack(entries: Iterable[tuple[Any, ...]]) -> bytes:
    """Entries of JSON's types and tuples, small: in a log of a million rows most of it repeats."""
    return zlib.compress(json.dumps(list(entries), ensure_ascii=False, separators=(",", ":")).encode(), 1)


def unpack(packed: bytes) -> list[list[Any]]:
    found: list[list[Any]] = json.loads(zlib.decompress(packed))
    return found
