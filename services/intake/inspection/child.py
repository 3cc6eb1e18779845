"""The process that looks into one file: `python -m intake.inspection.child KIND LIMITS OUT`.

The file is the standard input, `OUT` the number of an open file that a new encoding is written to. It prints one JSON
object: `{"found": …}` or `{"refused": code, "detail": …}`. Whatever else becomes of it, the file is refused.
"""

import json
import logging
import os
import resource
import sys
from dataclasses import asdict

from intake.inspection.findings import Found, Limits, Refused

MEMORY = 512 * 1024 * 1024
CPU_SECONDS = 20
WRITTEN = 64 * 1024 * 1024
IMAGES = frozenset({"JPEG", "PNG", "WEBP"})


def limit() -> None:
    """From here on the kernel ends this process when it wants too much."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def look(kind: str, limits: Limits, out: int) -> Found:
    """Raises Refused, and anything at all that a parser raises."""
    # Each library is loaded only by who needs it: pypdf takes most of a second.
    with os.fdopen(0, "rb", closefd=False) as file:
        file.seek(0)
        if kind == "PDF":
            from intake.inspection import pdf  # noqa: PLC0415

            return pdf.check(file, limits)
        if kind in IMAGES:
            from intake.inspection import image  # noqa: PLC0415

            with os.fdopen(out, "wb", closefd=False) as written:
                return image.check(file, kind, written, limits)
        from intake.inspection import office  # noqa: PLC0415

        return office.check(file, limits)


def main(arguments: list[str]) -> None:
    kind, limits, out = arguments
    limit()
    # Parsers tell of each flaw that they make up for.
    logging.disable(logging.CRITICAL)
    try:
        answer: dict[str, object] = {"found": asdict(look(kind, Limits(**json.loads(limits)), int(out)))}
    except Refused as refused:
        answer = {"refused": refused.code, "detail": refused.detail}
    except (MemoryError, RecursionError):
        answer = {"refused": "file_too_complex", "detail": "it took too much memory"}
    except Exception as error:
        answer = {"refused": "file_damaged", "detail": f"it cannot be read: {type(error).__name__}"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
