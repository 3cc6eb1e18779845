"""The process that looks into a stranger's PDF: `python -m workflow.signing.child PAGES [CERTIFICATES]`, the file being
its standard input.

It prints one JSON object: `{"pages": …, "signatures": […]}` or `{"refused": code, "detail": …}`.
"""

import json
import logging
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from chassis import pdf

MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 20


def look(pages: int, certificates: Path | None) -> dict[str, object]:
    with os.fdopen(0, "rb", closefd=False) as file:
        found = pdf.checked(file, pages)
        file.seek(0)
        data = file.read()
    # What is signed says which bytes are, in plain words, since these words are not signed themselves.
    if b"/ByteRange" not in data:
        return {"pages": found, "signatures": []}
    # It takes most of a second to load.
    from workflow.signing import verifying  # noqa: PLC0415

    signatures = verifying.signatures(data, verifying.roots(certificates))
    return {
        "pages": found,
        "signatures": [{**asdict(each), "at": each.at and each.at.isoformat()} for each in signatures],
    }


def main(arguments: list[str]) -> None:
    # From here on the kernel ends this process when it wants too much.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Parsers tell of each flaw that they make up for.
    logging.disable(logging.CRITICAL)
    try:
        answer = look(int(arguments[0]), Path(arguments[1]) if arguments[1:] else None)
    except pdf.Refused as refused:
        answer = {"refused": refused.code, "detail": refused.detail}
    except (MemoryError, RecursionError):
        answer = {"refused": "file_too_complex", "detail": "it took too much memory"}
    except Exception as error:
        answer = {"refused": "file_damaged", "detail": f"it cannot be read: {type(error).__name__}"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
