"""How long a text message is: its segments, for each of which a provider is paid (3GPP TS 23.038 and 23.040).

A text of the GSM 7-bit default alphabet and its extension table has 160 characters in one segment and 153 in each of
several; an extension character counts twice and is not torn apart. Any other text is UCS-2: 70 and 67 UTF-16 units.
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038, 6.2.1: in the order of their codes, without the escape (0x1B)."""
EXTENSION = "\f^{}\\[~]|€"
"""3GPP TS 23.038, 6.2.1.1: each takes two codes, the escape before it."""
_WIDTHS = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENSION, 2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """`units`: septets or UTF-16 units, without what a divided text has besides."""

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int


def length(text: str) -> Length:
    """How much of the wire the text takes; an empty one is one segment."""
    gsm7 = all(character in _WIDTHS for character in text)
    widths = [_WIDTHS[character] if gsm7 else 1 + (ord(character) > 0xFFFF) for character in text]
    whole, part = (160, 153) if gsm7 else (70, 67)
    units = sum(widths)
    return Length(
        encoding="gsm7" if gsm7 else "ucs2", units=units, segments=1 if units <= whole else _divided(widths, part)
    )


def _divided(widths: list[int], size: int) -> int:
    segments, used = 1, 0
    for width in widths:
        if used + width > size:
            segments, used = segments + 1, 0
        used += width
    return segments


_FOLDED = {
    "đ": "d", "Đ": "D", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "\u00a0": " ",
}  # fmt: skip


def unaccented(text: str) -> str:
    """The text as it was written before phones knew accents: `đường` → `duong`. What has no such form stays."""
    plain = "".join(_FOLDED.get(character, character) for character in text)
    marked = unicodedata.normalize("NFD", plain)
    return unicodedata.normalize("NFC", "".join(c for c in marked if not unicodedata.combining(c)))
