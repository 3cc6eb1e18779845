"""What catalog's events say of agencies."""

from dataclasses import dataclass
from datetime import date

from stats.domain.catalogue import Level
from stats.inbound.codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: Code
    name: str
    parent: Code | None
    level: Level | None = None
    inherited_levels: tuple[Level, ...] = ()
    one_stop: bool = True
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency
