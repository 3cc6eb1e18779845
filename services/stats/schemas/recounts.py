"""The answer of a recount."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from stats.domain.facts import Channel, ServiceLevel
from stats.recount import Comparison


class RecountKey(BaseModel):
    """`month`: `YYYY-MM`, or "" for what is there now."""

    agency: str
    procedure: str
    channel: Channel
    service_level: ServiceLevel
    month: str


class RecountDifference(BaseModel):
    """The measures that differ: as stats counted them, and as intake's dossiers add up."""

    key: RecountKey
    counted: dict[str, int]
    recounted: dict[str, int]


class RecountAnswer(BaseModel):
    equal: bool
    compared: int
    differences: list[RecountDifference]


def comparison(found: Comparison) -> dict[str, Any]:
    """A comparison as it is shown, over HTTP and by the commands."""
    return {
        "equal": found.equal,
        "compared": found.compared,
        "differences": [asdict(item) for item in found.differences],
    }
