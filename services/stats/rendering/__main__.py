"""The process that makes one file: the content is its standard input, the file its standard output."""

import os
import resource
import sys
from typing import BinaryIO

from stats.domain.content import read
from stats.domain.reports import FORMATS

MEMORY = 1_000_000_000
CPU_SECONDS = 600
WRITTEN = 1_000_000_000


def main(format: str, source: BinaryIO, out: BinaryIO) -> None:
    head, rows = read(source)
    match format:
        case "xlsx":
            from stats.rendering.workbook import write  # noqa: PLC0415 (each process needs but one)
        case "csv":
            from stats.rendering.separated import write  # noqa: PLC0415
        case "pdf":
            from stats.rendering.paper import write  # noqa: PLC0415
        case _:
            from stats.rendering.plain import write  # noqa: PLC0415
    write(head, rows, out)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in FORMATS:
        sys.exit(2)
    # The worker counts while this runs: it goes first.
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.buffer.flush()
