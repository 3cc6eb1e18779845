"""The kinds of fields that bodies and queries are made of."""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    EmailStr,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from intake.domain.formats import e164

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._/-]+$")]
FormField = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
ResultReturn = Literal["collect", "post", "electronic"]
_PLAIN_EMAIL = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:vn|com|net|org)", re.ASCII)


def _email(given: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    # Nearly all addresses look like this, and the library's whole way takes as long as the rest of the body.
    if isinstance(given, str) and len(given) <= 60 and _PLAIN_EMAIL.fullmatch(given):
        return given
    return validate(given)


Email = Annotated[EmailStr, Field(max_length=254), WrapValidator(_email)]
Phone = Annotated[str, StringConstraints(max_length=30), AfterValidator(e164)]
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FORM_DEPTH = 10


def storable(form: dict[str, Any]) -> dict[str, Any]:
    """A form is whatever the procedure's form asks for, as long as a document and a JSON answer can hold it."""
    check_storable(form, FORM_DEPTH)
    return form


def check_storable(value: Any, levels: int) -> None:
    """ValueError when a document or a JSON answer cannot hold it; `levels` of objects and lists in each other."""
    if isinstance(value, (dict, list)) and levels == 0:
        raise ValueError(f"is nested deeper than {FORM_DEPTH} levels")
    if isinstance(value, dict):
        for name, item in value.items():
            if not _FIELD.fullmatch(name):
                raise ValueError("a field's name has 1 to 100 letters, digits, _ and -")
            check_storable(item, levels - 1)
    elif isinstance(value, list):
        for item in value:
            check_storable(item, levels - 1)
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
