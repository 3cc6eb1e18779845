"""Asks a process of its own what is inside a file, and keeps what it answers."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

from chassis.confined import Confined, Refused
from intake.domain.files import REFUSALS, FileEmpty, FileTypeRefused
from intake.inspection.findings import Limits

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be kept. `content`: what is kept, from its beginning."""

    media_type: str
    pages: int | None
    content: IO[bytes]
    size: int
    sha256: str


class Inspector:
    """One file at a time in each process of the service."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.confined = Confined(("-m", "intake.inspection.child"))

    @contextmanager
    def inspected(self, file: IO[bytes], size: int, sha256: str) -> Iterator[Inspected]:
        """What the file is, by its content. Raises one of REFUSALS, or Busy. `file` must be a real one, or become one
        (`tempfile`); `sha256` is its hash.
        """
        if not size:
            raise FileEmpty("the file is empty")
        file.seek(0)
        kind = kind_of(file.read(16))
        if kind is None:
            raise FileTypeRefused("not a PDF, a JPEG, PNG or WEBP image, a DOCX or an XLSX")
        with tempfile.TemporaryFile() as out:
            found = self._ask(kind, file, out)
            if not found["rewritten"]:
                yield Inspected(found["media_type"], found["pages"], file, size, sha256)
                return
            digest = hashlib.sha256()
            while piece := out.read(_PIECE):
                digest.update(piece)
            kept = out.tell()
            out.seek(0)
            yield Inspected(found["media_type"], found["pages"], out, kept, digest.hexdigest())

    def _ask(self, kind: str, file: IO[bytes], out: IO[bytes]) -> dict[str, Any]:
        try:
            return self.confined.ask([kind, json.dumps(asdict(self._limits))], file, out)
        except Refused as refused:
            raise REFUSALS[refused.code](refused.detail) from None


def kind_of(head: bytes) -> str | None:
    """Which parser reads what begins like this; None, when none of ours does."""
    if head.startswith(b"%PDF-"):
        return "PDF"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    return "OFFICE" if head.startswith(b"PK\x03\x04") else None
