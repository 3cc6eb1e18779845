"""The process that looks into one file: `python -m intake.inspection.child KIND LIMITS OUT` (see `chassis.confined`).

`OUT` is the number of an open file that a new encoding is written to.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import IO

from chassis import confined
from intake.inspection.findings import Found, Limits

MEMORY = 512 * 1024 * 1024
WRITTEN = 64 * 1024 * 1024
IMAGES = frozenset({"JPEG", "PNG", "WEBP"})


def look(file: IO[bytes], kind: str, limits: Limits, out: int) -> Found:
    """Raises Refused, and anything at all that a parser raises."""
    # Each library is loaded only by who needs it: pypdf takes most of a second.
    if kind == "PDF":
        from chassis import pdf  # noqa: PLC0415

        return Found("application/pdf", pdf.checked(file, limits.pages))
    if kind in IMAGES:
        from intake.inspection import image  # noqa: PLC0415

        with os.fdopen(out, "wb", closefd=False) as written:
            return image.check(file, kind, written, limits)
    from intake.inspection import office  # noqa: PLC0415

    return office.check(file, limits)


def main(arguments: list[str]) -> None:
    kind, limits, out = arguments
    allowed = Limits(**json.loads(limits))
    confined.answer(lambda file: asdict(look(file, kind, allowed, int(out))), memory=MEMORY, written=WRITTEN)


if __name__ == "__main__":
    main(sys.argv[1:])
