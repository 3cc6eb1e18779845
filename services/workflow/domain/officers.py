"""Who works at which agency, as far as workflow has met them. Plain Python.

No service owns the officers: their tokens say who they are. Work is given by name only to officers who have been here,
so that a misspelt name or somebody of another agency gets none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.errors import FieldError, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """`id`: the token's subject; the rest is what it said last, at `seen_at`."""

    id: str
    name: str
    agency: str
    roles: tuple[str, ...]
    seen_at: datetime


class NotAnOfficer(Invalid):
    code = "not_an_officer_of_the_agency"
    title = "Người được chọn không phải cán bộ của cơ quan này"


def require(
    ids: Iterable[str],
    known: Mapping[str, Officer],
    agencies: Iterable[str],
    acting: Callable[[str], str],
    pointer: str,
) -> None:
    """NotAnOfficer unless each of these is an officer of one of the agencies, or of who acts for one of them. Of
    another agency's officer it says the same as of somebody who is not known."""
    allowed = {acting(agency) for agency in agencies}
    wrong = [
        FieldError(pointer, "not_an_officer", "is not known as an officer of the agency")
        for id in ids
        if id not in known or acting(known[id].agency) not in allowed
    ]
    if wrong:
        raise NotAnOfficer("not an officer of the agency", errors=wrong[:1])
