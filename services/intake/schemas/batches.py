"""A batch of dossiers: a JSON text a line (NDJSON), in and out."""

from typing import Annotated

from pydantic import Field

from intake.schemas.dossiers import FileBody


class BatchLine(FileBody):
    """A dossier as it is filed by itself. `occurred_at`: when it was handed in at an office that was offline, as an
    RFC 3339 time, for callers with the scope `backdate`; without it, what the batch's `Occurred-At` says."""

    occurred_at: Annotated[str, Field(max_length=40)] | None = None
