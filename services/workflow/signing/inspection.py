"""What is inside a PDF that somebody sent: `child` looks, in a process of its own (see `chassis.confined`)."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from chassis.confined import Confined, Refused
from chassis.errors import Invalid
from workflow.signing.verifying import Signature


class PdfRefused(Invalid):
    """`code` says for what: see `chassis.pdf.checked`; "file_type_refused" for what is no PDF at all."""

    code = "file_damaged"
    title = "Tệp PDF không dùng được"


@dataclass(frozen=True, slots=True)
class Inspected:
    pages: int
    signatures: tuple[Signature, ...]


class Inspector:
    """One file at a time in each process of the service. `certificates`: whose signatures are trusted (PEM)."""

    def __init__(self, most_pages: int, certificates: Path | None) -> None:
        self._arguments = [str(most_pages), *([] if certificates is None else [str(certificates)])]
        self._confined = Confined(("-m", "workflow.signing.child"))

    def inspected(self, file: IO[bytes]) -> Inspected:
        """`file` is a real one, or becomes one (`tempfile`). Raises PdfRefused, Busy."""
        file.seek(0)
        if file.read(5) != b"%PDF-":
            raise PdfRefused("not a PDF", code="file_type_refused")
        try:
            found = self._confined.ask(self._arguments, file)
        except Refused as refused:
            raise PdfRefused(refused.detail, code=refused.code) from None
        return Inspected(
            found["pages"],
            tuple(
                Signature(**{**each, "at": None if each["at"] is None else datetime.fromisoformat(each["at"])})
                for each in found["signatures"]
            ),
        )
