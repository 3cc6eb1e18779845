"""`./run` as its user has it: in a folder of its own, with every server and process that it starts."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from native.ports import is_free
from tests.support.waiting import until

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

TOP = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".run", "__pycache__", ".*_cache", "secrets")


def five_in_a_row(taken: set[int]) -> int:
    """The first of five ports below those that other tests choose from."""
    while True:
        first = 12_000 + 10 * secrets.randbelow(790)
        if first not in taken and all(map(is_free, range(first, first + 5))):
            taken.add(first)
            return first


class Checkout:
    """The project without what it made, on ports that nothing else has."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.folder = folder
        self._running = running
        shutil.copytree(TOP, folder, ignore=LEFT_OUT, symlinks=True)
        (folder / ".venv").symlink_to(TOP / ".venv")
        taken: set[int] = set()
        names = ("GATEWAY", "WEB", "HEALTH", "MONGO", "AMQP", "MANAGEMENT", "DIST", "SMTP")
        self._environ = os.environ | {f"MOTCUA_{name}_PORT": str(five_in_a_row(taken)) for name in names}

    def run(self, *options: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            ["./run", *options], cwd=self.folder, env=self._environ, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._running.callback(started.kill)
        return started

    def processes(self) -> list[str]:
        """What was started from the folder and is there still."""
        lines = []
        for process in psutil.process_iter():
            try:
                lines.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return [line for line in lines if str(self.folder) in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    with ExitStack() as running:
        yield Checkout(tmp_path / "motcua", running)


def test_what_was_interrupted_is_finished_by_the_next_start(checkout: Checkout) -> None:
    unfinished = checkout.folder / ".run" / "drive.unfinished"

    first = checkout.run("--once")
    until(lambda: unfinished.exists() or first.poll() is not None, 300)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 128 + signal.SIGTERM, said
    assert unfinished.exists()
    assert checkout.processes() == []

    second = checkout.run("--once")
    said, _ = second.communicate(timeout=600)
    assert second.returncode == 0, said
    assert "The last drive was interrupted" in said
    assert "Driving 320 dossiers" in said
    assert not unfinished.exists()
    assert checkout.processes() == []
