"""One request for many acts. Plain Python."""

from dataclasses import dataclass
from datetime import datetime

MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """What came: `acts` of `by` at `at`."""

    id: str
    by: str
    at: datetime
    acts: int
