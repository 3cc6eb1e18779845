"""What a decree may change, with the day from which it counts. Plain Python."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`most` of something, from a day on, and who says so."""

    valid_from: date
    most: int
    legal_basis: str


SUPPLEMENT_REQUESTS = (
    Limit(
        valid_from=date(2018, 6, 21),
        most=3,
        legal_basis="Nghị định 61/2018/NĐ-CP, Nghị định 118/2025/NĐ-CP: hướng dẫn đầy đủ, một lần. The decrees say no "
        "number that a system could refuse by; 3 is the province's own, and Quyết định 766/QĐ-TTg counts the second as "
        "late",
    ),
)
"""How often the one-stop unit may ask for a supplement before it receives a dossier or refuses it."""


def most(limits: tuple[Limit, ...], day: date) -> int:
    """What counts on the day; before the first limit it is the first."""
    begun = [limit for limit in limits if limit.valid_from <= day]
    return (begun[-1] if begun else limits[0]).most
