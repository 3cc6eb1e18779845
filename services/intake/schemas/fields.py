"""The kinds of fields that bodies and queries are made of."""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import AfterValidator, AwareDatetime, StringConstraints

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._/-]+$")]
FormField = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
ResultReturn = Literal["collect", "post", "electronic"]


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


Phone = Annotated[str, StringConstraints(max_length=30), AfterValidator(e164)]
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FORM_DEPTH = 10


def storable(form: dict[str, Any]) -> dict[str, Any]:
    """A form is whatever the procedure's form asks for, as long as a document and a JSON answer can hold it."""
    _check_storable(form, FORM_DEPTH)
    return form


def _check_storable(value: Any, levels: int) -> None:
    if isinstance(value, (dict, list)) and levels == 0:
        raise ValueError(f"is nested deeper than {FORM_DEPTH} levels")
    if isinstance(value, dict):
        for name, item in value.items():
            if not _FIELD.fullmatch(name):
                raise ValueError("a field's name has 1 to 100 letters, digits, _ and -")
            _check_storable(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            _check_storable(item, levels - 1)
    elif isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("holds a control character")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("holds a number of more than 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("holds what is not a number")


def utc(instant: datetime) -> datetime:
    """The instant in UTC, as it is stored; at the ends of the calendar another zone's may not be one of its days."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


Instant = Annotated[AwareDatetime, AfterValidator(utc)]
