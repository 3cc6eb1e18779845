"""What a decree may change about pauses and extensions, with the day from which it counts. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """`most` of something, from a day on, and who says so."""

    valid_from: date
    most: int
    legal_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decree:
    """What an act that names no legal basis of its own rests on, from a day on."""

    valid_from: date
    name: str


Dated = TypeVar("Dated", Limit, Decree)

SUPPLEMENT_REQUESTS = (
    Limit(
        valid_from=date(2018, 6, 21),
        most=3,
        legal_basis="Nghị định 61/2018/NĐ-CP, Nghị định 118/2025/NĐ-CP: hướng dẫn đầy đủ, một lần. No primary source "
        "was found for a number that a system could refuse by; 3 is the province's own, and Quyết định 766/QĐ-TTg "
        "counts the second as late",
    ),
)
"""How often the agencies may ask for a supplement after the reception (form 02)."""

EXTENSIONS = (
    Limit(
        valid_from=date(2018, 6, 21),
        most=2,
        legal_basis="Nghị định 61/2018/NĐ-CP, Nghị định 118/2025/NĐ-CP: văn bản xin lỗi và đề nghị gia hạn (form 04). "
        "No primary source was found for a number; 2 is the province's own",
    ),
)
"""How often a dossier may get more time."""

ONE_STOP = (
    Decree(valid_from=date(2018, 6, 21), name="Nghị định 61/2018/NĐ-CP"),
    Decree(valid_from=date(2025, 7, 1), name="Nghị định 118/2025/NĐ-CP"),
)
"""The decree on the one-stop mechanism."""


def most(limits: Sequence[Limit], day: date) -> int:
    """What counts on the day; before the first limit it is the first."""
    return _in_force(limits, day).most


def one_stop_decree(day: date) -> str:
    """The name of the decree in force on the day; before the first it is the first."""
    return _in_force(ONE_STOP, day).name


def _in_force(known: Sequence[Dated], day: date) -> Dated:
    begun = [each for each in known if each.valid_from <= day]
    return begun[-1] if begun else known[0]
