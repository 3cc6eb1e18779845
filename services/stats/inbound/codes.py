"""What every reading is made of: codes and instants as they come in.

What is read is archived, and counted from there again and again. So whatever could not be counted is not read.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[^|\s\x00]{1,100}$")]
"""Names of fields are made of codes: parted by `|`, and without the NUL that the store's names cannot hold."""
Instant = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]  # fmt: skip
"""Where no zone's day lies outside of the calendar, and a month is always written with four digits of its year."""
