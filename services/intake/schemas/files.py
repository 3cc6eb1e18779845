"""The bodies and answers of the routes about files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from chassis.web import Body
from intake.domain.files import Scan, StoredFile, Upload


class UploadBody(Body):
    """`name`: as the sender calls it. `sha256`: of the whole, in hexadecimal digits; checked when all are there."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    size: Annotated[int, Field(ge=1, le=2**40)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)] | None = None


class CompletionBody(Body):
    """Nothing is asked: the chunks say it all."""


class FileView(BaseModel):
    """`sha256` and `size` are of what is kept: images are encoded anew. `pages`: null where they are not counted."""

    id: str
    name: str
    sha256: str
    media_type: str
    size: int
    pages: int | None
    scan: Scan

    @classmethod
    def of(cls, file: StoredFile) -> "FileView":
        return cls(**{name: getattr(file, name) for name in cls.model_fields})


class FileState(FileView):
    """`threat`: what the virus scanner calls what it found."""

    uploaded_at: datetime
    scanned_at: datetime | None
    threat: str | None


class UploadView(BaseModel):
    """`received`: numbers of the chunks that are there, of 0 to `chunks` - 1. Each has `chunk_size` bytes, the last one
    what is left. `file`: what it became.
    """

    id: str
    size: int
    chunk_size: int
    chunks: int
    received: list[int]
    expires_at: datetime
    file: str | None

    @classmethod
    def of(cls, upload: Upload, received: Sequence[int]) -> "UploadView":
        same = {name: getattr(upload, name) for name in cls.model_fields if name != "received"}
        return cls(**same, received=list(received))


class ChunkView(BaseModel):
    n: int
    size: int
    sha256: str
