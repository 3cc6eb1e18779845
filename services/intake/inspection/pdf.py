"""PDF: see `chassis.pdf`, which says what is refused."""

from typing import IO

from chassis import pdf
from intake.inspection.findings import Found, Limits, Refused


def check(file: IO[bytes], limits: Limits) -> Found:
    """Raises Refused."""
    try:
        return Found("application/pdf", pdf.checked(file, limits.pages))
    except pdf.Refused as refused:
        raise Refused(refused.code, refused.detail) from refused
