"""Asks a process of its own what is inside a file, and keeps what it answers."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from chassis import logs
from intake.domain.files import REFUSALS, Busy, FileEmpty, FileTypeRefused, TooComplex
from intake.inspection.findings import Limits

log = logs.get()
SECONDS = 25.0
WAIT_SECONDS = 20.0
"""Together less than the gateway waits for an answer."""
COMMAND = ("-m", "intake.inspection.child")
_PIECE = 1024 * 1024
_SOURCES = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be kept. `content`: what is kept, from its beginning."""

    media_type: str
    pages: int | None
    content: IO[bytes]
    size: int
    sha256: str


class Inspector:
    """One file at a time in each process of the service: parsers of strangers' files must not take all its memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.free = threading.Semaphore()

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
                _rewind(file)
                yield Inspected(found["media_type"], found["pages"], file, size, sha256)
                return
            digest = hashlib.sha256()
            _rewind(out)
            while piece := out.read(_PIECE):
                digest.update(piece)
            kept = out.tell()
            out.seek(0)
            yield Inspected(found["media_type"], found["pages"], out, kept, digest.hexdigest())

    def _ask(self, kind: str, file: IO[bytes], out: IO[bytes]) -> dict[str, Any]:
        command = [sys.executable, *COMMAND, kind, json.dumps(asdict(self._limits)), str(out.fileno())]
        if not self.free.acquire(timeout=WAIT_SECONDS):
            raise Busy("too many files are being inspected", retry_after=5)
        try:
            ended = subprocess.run(
                command, stdin=file.fileno(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                pass_fds=(out.fileno(),), env={**os.environ, "PYTHONPATH": str(_SOURCES)}, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            log.warning("inspection_timed_out", kind=kind)
            raise TooComplex("it took too long to look into the file") from None
        finally:
            self.free.release()
        if ended.returncode != 0 or not ended.stdout:
            log.warning("inspection_died", kind=kind, status=ended.returncode)
            raise TooComplex("the file could not be looked into")
        answer = json.loads(ended.stdout)
        if "refused" in answer:
            log.info("file_refused", kind=kind, reason=answer["refused"])
            raise REFUSALS[answer["refused"]](answer["detail"])
        return cast(dict[str, Any], answer["found"])


def _rewind(file: IO[bytes]) -> None:
    """The other process moved the place in the file that both share; what is buffered here does not know."""
    file.seek(0, os.SEEK_END)
    file.seek(0)


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
