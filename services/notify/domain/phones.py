"""Telephone numbers. Plain Python."""

from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumberType

Obstacle = Literal["not_a_number", "foreign", "not_mobile"]
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
_VIETNAM = 84


def e164(number: str) -> str:
    """A Vietnamese or international phone number as people write it → E.164 (ITU-T E.164); ValueError for no number."""
    try:
        parsed = phonenumbers.parse(number, "VN")
    except phonenumbers.NumberParseException:
        raise ValueError("is not a phone number") from None
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError("is not a phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def known_e164(number: str | None) -> str | None:
    """The number in E.164, None for none and for what is no number."""
    try:
        return e164(number) if number else None
    except ValueError:
        return None


def sms_obstacle(number: str) -> Obstacle | None:
    """Why no SMS can be sent there: brand names, under which an agency sends, reach Vietnamese mobile numbers only (?).
    None when one can."""
    try:
        parsed = phonenumbers.parse(number, "VN")
    except phonenumbers.NumberParseException:
        return "not_a_number"
    if not phonenumbers.is_valid_number(parsed):
        return "not_a_number"
    if parsed.country_code != _VIETNAM:
        return "foreign"
    return None if phonenumbers.number_type(parsed) in _MOBILE else "not_mobile"
