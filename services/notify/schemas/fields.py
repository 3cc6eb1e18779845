"""Fields that several bodies and queries have."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")
]


def _utc(instant: datetime) -> datetime:
    """The instant in UTC, as it is stored; at the ends of the calendar another zone's may not be one of its days."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
