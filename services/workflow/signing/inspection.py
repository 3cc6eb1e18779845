"""Asks a process of its own what is inside a PDF that somebody sent: parsers of strangers' files must take neither all
memory nor all time, whatever is in them."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from chassis import logs
from chassis.errors import Invalid, Unavailable
from workflow.signing.verifying import Signature

log = logs.get()
SECONDS = 25.0
WAIT_SECONDS = 20.0
"""Together less than the gateway waits for an answer."""
_SOURCES = Path(__file__).resolve().parents[2]


class PdfRefused(Invalid):
    """`code` says for what: see `chassis.pdf.Refused`; "file_type_refused" for what is no PDF at all."""

    code = "file_damaged"
    title = "Tệp PDF không dùng được"


class Busy(Unavailable):
    code = "inspection_busy"
    title = "Hệ thống đang kiểm tra nhiều tệp, xin thử lại sau ít giây"


@dataclass(frozen=True, slots=True)
class Inspected:
    pages: int
    signatures: tuple[Signature, ...]


class Inspector:
    """One file at a time in each process of the service. `certificates`: whose signatures are trusted (PEM)."""

    def __init__(self, most_pages: int, certificates: Path | None) -> None:
        self._arguments = [str(most_pages), *([] if certificates is None else [str(certificates)])]
        self._free = threading.Semaphore()

    def inspected(self, file: IO[bytes]) -> Inspected:
        """`file` is a real one, or becomes one (`tempfile`). Raises PdfRefused, Busy."""
        file.seek(0)
        if file.read(5) != b"%PDF-":
            raise PdfRefused("not a PDF", code="file_type_refused")
        answer = self._ask(file)
        if "refused" in answer:
            log.info("file_refused", reason=answer["refused"])
            raise PdfRefused(answer["detail"], code=answer["refused"])
        return Inspected(
            answer["pages"],
            tuple(
                Signature(**{**each, "at": None if each["at"] is None else datetime.fromisoformat(each["at"])})
                for each in answer["signatures"]
            ),
        )

    def _ask(self, file: IO[bytes]) -> dict[str, Any]:
        command = [sys.executable, "-m", "workflow.signing.child", *self._arguments]
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise Busy("too many files are being inspected", retry_after=5)
        try:
            ended = subprocess.run(
                command, stdin=file.fileno(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(_SOURCES)}, timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            log.warning("inspection_timed_out")
            return {"refused": "file_too_complex", "detail": "it took too long to look into the file"}
        finally:
            self._free.release()
            # The other process moved the place in the file that both share; what is buffered here does not know.
            file.seek(0, os.SEEK_END)
            file.seek(0)
        if ended.returncode != 0 or not ended.stdout:
            log.warning("inspection_died", status=ended.returncode)
            return {"refused": "file_too_complex", "detail": "the file could not be looked into"}
        found: dict[str, Any] = json.loads(ended.stdout)
        return found
