"""What a scrape of `/metrics` gets.

A scrape meets one of a service's web processes, and is told of them all: each writes its numbers into files of one
folder, and they are added when they are asked for (prometheus_client's multiprocess mode). What a process counted stays
counted when it is killed and another takes its place.

prometheus_client decides when it is imported where it keeps numbers, so that it is imported inside the functions here.
"""

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

MEMORY = "/dev/shm"  # noqa: S108 (a folder with a random name is made in it, for its owner alone)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
PREFIX, LOCK = "motcua-metrics-", "lock"


def memory() -> str | None:
    """Where files lie in memory; None where the system has no such place that can be written to."""
    return MEMORY if os.access(MEMORY, os.W_OK) else None


def share() -> None:
    """In a service's `__main__`, before anything imports prometheus_client: the numbers of `web` are kept in files."""
    if sys.argv[1:2] == ["web"]:
        made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=memory()))
        # Held for as long as any process of this one lives, and so until nobody needs the folder. It has its name only
        # then, so that nobody else who starts now takes it for one that was left behind.
        _lock(made)
        folder = made.rename(made.with_name(made.name[1:]))
        os.environ[FOLDER] = str(folder)
        atexit.register(_remove, folder, os.getpid())
        _sweep(folder.parent)


def _lock(folder: Path) -> int:
    """The descriptor that holds it; OSError when somebody has it."""
    opened = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


def _sweep(folders: Path) -> None:
    """What killed processes left behind."""
    for folder in folders.glob(f"{PREFIX}*"):
        with suppress(OSError):
            opened = _lock(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(opened)


def _remove(folder: Path, owner: int) -> None:
    # The processes that answer are forked from the owner, and come here too.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def text() -> tuple[bytes, str]:
    """The metrics in Prometheus's text format, and its content type."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def ended(pid: int) -> None:
    """A web process is gone: what it had in hand (`live…` gauges) is nothing any more."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    if FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
