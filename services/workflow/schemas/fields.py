"""Fields that several bodies have."""

from typing import Annotated

from pydantic import StringConstraints

Note = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$")]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
