"""What a follower keeps: how far it has read, and the latest counts of each agency and month, in one file.

Both are replaced together, in one step (a new file, then a rename), so that whoever kills the follower finds it either
before a batch or after it, never between.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COUNTS = "stats.counts.v1"


@dataclass
class Totals:
    """`cursor`: the last entry of the feed that is in the counts. `offset`: where the RabbitMQ stream had it; None when
    it came another way. `months`: by "agency/month", the revision and the counts."""

    cursor: int = 0
    offset: int | None = None
    months: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Totals":
        """As they were saved last; from nothing when there is no such file."""
        if not path.exists():
            return cls()
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        draft = path.with_name(path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"cursor": self.cursor, "offset": self.offset, "months": self.months}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def misses(self, event: Mapping[str, Any]) -> bool:
        """Whether there are entries between the last one and this one."""
        return int(event["cursor"]) > self.cursor + 1

    def take(self, event: Mapping[str, Any]) -> bool:
        """Takes the feed's next entry in; False for one that was taken already (an entry may come twice)."""
        if int(event["cursor"]) <= self.cursor:
            return False
        if self.misses(event):
            raise ValueError(f"entry {event['cursor']} came after {self.cursor}: fetch what is between")
        self.cursor = int(event["cursor"])
        if event["type"] == COUNTS:
            data = event["data"]
            # Counts replace what was said of the same agency and month before, so nothing is ever added twice.
            self.months[f"{data['agency']}/{data['month']}"] = {"revision": data["revision"], **data["counts"]}
        return True

    def by_agency(self) -> dict[str, dict[str, int]]:
        """Received and finished over all months, and open at the end of the last one."""
        found: dict[str, dict[str, int]] = {}
        for place in sorted(self.months):
            counts = self.months[place]
            agency = found.setdefault(place.rpartition("/")[0], {"received": 0, "finished": 0, "open": 0})
            agency["received"] += counts["received"]["total"]
            agency["finished"] += counts["finished"]["total"]
            agency["open"] = counts["open"]["total"]
        return found

    def lines(self) -> Iterable[str]:
        for agency, numbers in self.by_agency().items():
            yield f"{agency}: received {numbers['received']}, finished {numbers['finished']}, open {numbers['open']}"


def tell(event: Mapping[str, Any]) -> None:
    """Prints what is for people: alerts, and published reports."""
    data = event["data"]
    if event["type"] == "stats.alert.raised.v1":
        print(f"{data['agency'] or '-'}: {data['words']['vi']}", flush=True)
    elif event["type"] == "stats.report.published.v1":
        print(f"{data['agency']}: {data['form']} {data['month']} {data['url']}", flush=True)
