"""What catalog's events say of agencies."""

from dataclasses import dataclass

from stats.inbound.codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    id: Code
    name: str
    parent: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyChanged:
    agency: Agency
