"""The shapes that numbers have in Vietnam: telephones, people's and organisations' identifiers. Plain Python."""

import re
from datetime import date
from typing import Any

import phonenumbers

PERSON = re.compile(r"\d{9}|\d{12}", re.ASCII)
"""A citizen's identity number: 12 digits, or the 9 of the old card (Luật Căn cước 26/2023/QH15, điều 12 and 46)."""
ORGANISATION = re.compile(r"\d{10}|\d{13}|\d{10}-\d{3}", re.ASCII)
"""A tax code: 10 digits, 13 for a dependent unit, with or without its hyphen (Thông tư 105/2020/TT-BTC, điều 5)."""
_VIETNAM: Any = phonenumbers.PhoneMetadata.metadata_for_region("VN")
_MOBILE = re.compile(f"0({_VIETNAM.mobile.national_number_pattern})", re.ASCII)


def e164(number: str) -> str:
    """A Vietnamese or international phone number as people write it → E.164 (ITU-T E.164)."""
    if plain := _MOBILE.fullmatch(number):
        # Nearly all numbers look like this, and the library's whole way takes as long as the rest of the body.
        return f"+84{plain[1]}"
    try:
        parsed = phonenumbers.parse(number, "VN")
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number") from None
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError("is not a phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def is_phone(number: str) -> bool:
    """Whether `e164` understands it."""
    try:
        return bool(e164(number))
    except ValueError:
        return False


def dossier_code(agency: str, day: date, sequence: int) -> str:
    """`H56.14-240823-0001`; past 9,999 the number just gets longer."""
    return f"{agency}-{day:%y%m%d}-{sequence:04d}"
