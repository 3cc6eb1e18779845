"""The process that looks into a stranger's PDF: `python -m workflow.signing.child PAGES [CERTIFICATES]` (see
`chassis.confined`). It finds `{"pages": …, "signatures": […]}`.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

from chassis import confined

MEMORY = 768 * 1024 * 1024


def look(file: IO[bytes], pages: int, certificates: Path | None) -> dict[str, object]:
    from chassis import pdf  # noqa: PLC0415 (see `confined.answer`)

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
    pages, certificates = int(arguments[0]), Path(arguments[1]) if arguments[1:] else None
    confined.answer(lambda file: look(file, pages, certificates), memory=MEMORY, written=0)


if __name__ == "__main__":
    main(sys.argv[1:])
