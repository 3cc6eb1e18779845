"""Looking into strangers' files: in a process of its own, with limits on time and memory that the kernel keeps, since a
parser may loop, swell or die over what is in them.

Both sides are here: the service asks (`Confined`), and a module of the service's own answers (`answer`), the file being
its standard input. The module is started anew for each file, so this one imports next to nothing.
"""

import json
import logging
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from chassis.errors import Unavailable

SECONDS = 25.0
WAIT_SECONDS = 20.0
"""Together less than the gateway waits for an answer."""
CPU_SECONDS = 20
_SOURCES = Path(__file__).resolve().parents[1]


class Busy(Unavailable):
    code = "file_inspection_busy"
    title = "Nhiều tệp đang được kiểm tra, xin thử lại sau giây lát"


class Refused(Exception):  # noqa: N818 (what becomes of the file)
    """`code` says for what; of ours are "file_damaged" and "file_too_complex"."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Confined:
    """One file at a time in each process of the service: parsers must not take all its memory. `command`: what Python
    runs, `-m` and a module. `seconds` that one file may take, `wait_seconds` that others wait meanwhile: SECONDS and
    WAIT_SECONDS, unless they are given."""

    def __init__(
        self, command: Sequence[str], *, seconds: float | None = None, wait_seconds: float | None = None
    ) -> None:
        self._command = tuple(command)
        self._seconds = SECONDS if seconds is None else seconds
        self._wait_seconds = WAIT_SECONDS if wait_seconds is None else wait_seconds
        self.free = threading.Semaphore()

    def ask(self, arguments: Sequence[str], file: IO[bytes], out: IO[bytes] | None = None) -> dict[str, Any]:
        """What `look` found (see `answer`). Raises Refused, Busy.

        `file` is a real one, or becomes one (`tempfile`); it is at its beginning afterwards. `out`, too, may be written
        to by the other process, which gets the number of the open file as its last argument.
        """
        from chassis import logs  # noqa: PLC0415 (the other side writes no log, and would load it for each file)

        log = logs.get()
        files = () if out is None else (out.fileno(),)
        command = [sys.executable, *self._command, *arguments, *map(str, files)]
        if not self.free.acquire(timeout=self._wait_seconds):
            raise Busy("too many files are being inspected", retry_after=5)
        # What was written and lies in our buffer yet is nothing that the other process could read.
        file.seek(0)
        try:
            ended = subprocess.run(
                command, stdin=file.fileno(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=files,
                env={**os.environ, "PYTHONPATH": str(_SOURCES)}, timeout=self._seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            log.warning("inspection_timed_out", module=self._command[-1])
            raise Refused("file_too_complex", "it took too long to look into the file") from None
        finally:
            self.free.release()
            for shared in (file, out):
                if shared is not None:
                    _rewind(shared)
        if ended.returncode != 0 or not ended.stdout:
            log.warning("inspection_died", module=self._command[-1], status=ended.returncode)
            raise Refused("file_too_complex", "the file could not be looked into")
        said: dict[str, Any] = json.loads(ended.stdout)
        if "refused" in said:
            log.info("file_refused", module=self._command[-1], reason=said["refused"])
            raise Refused(said["refused"], said["detail"])
        found: dict[str, Any] = said["found"]
        return found


def _rewind(file: IO[bytes]) -> None:
    """The other process moved the place in the file that both share; what is buffered here does not know."""
    file.seek(0, os.SEEK_END)
    file.seek(0)


def answer(look: Callable[[IO[bytes]], Mapping[str, Any]], *, memory: int, written: int) -> None:
    """The main program of the process that looks: prints what `look` says of the standard input, or why the file is
    refused. `look` may raise Refused, and anything at all that a parser raises; it imports its parsers itself, so that
    they are confined as well. `memory`, and `written` to any file, in bytes.
    """
    # From here on the kernel ends this process when it wants too much.
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Parsers tell of each flaw that they make up for.
    logging.disable(logging.CRITICAL)
    said: dict[str, Any]
    try:
        with os.fdopen(0, "rb", closefd=False) as file:
            said = {"found": look(file)}
    except Refused as refused:
        said = {"refused": refused.code, "detail": refused.detail}
    except (MemoryError, RecursionError):
        said = {"refused": "file_too_complex", "detail": "it took too much memory"}
    except Exception as error:
        said = {"refused": "file_damaged", "detail": f"it cannot be read: {type(error).__name__}"}
    sys.stdout.write(json.dumps(said))
