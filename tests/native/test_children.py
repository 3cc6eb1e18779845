"""A child ends with whoever started it, and says why when it fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from native.children import Child, ChildFailedError

TOP = Path(__file__).parent.parent.parent
SLEEP = ["sleep", "1000"]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_child_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from native.children import Child
child = Child("sleeper", {SLEEP!r}, log=Path({str(tmp_path)!r}) / "log")
print(child.pid, flush=True)
time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=TOP, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout
            pid = int(owner.stdout.readline())
            wait_for(lambda: psutil.Process(pid).name() == "sleep")
        finally:
            owner.kill()
    wait_for(lambda: is_gone(pid))


def test_stop_ends_a_child_that_does_not_listen_and_its_descendants(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 1000 & echo $!; wait"
    child = Child("deaf", ["sh", "-c", script], log=tmp_path / "log")
    wait_for(lambda: (tmp_path / "log").read_text().endswith("\n"))
    grandchild = int((tmp_path / "log").read_text())
    child.stop(0.1)
    assert child.how_it_ended() == "was ended by SIGKILL"
    wait_for(lambda: is_gone(grandchild))


def test_failure_to_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    child = Child("broken", ["sh", "-c", "echo the disk is on fire; exit 3"], log=tmp_path / "log")
    with pytest.raises(ChildFailedError, match=r"broken ended with exit status 3 .*\n    the disk is on fire"):
        child.wait_until(lambda: False, 10)


def test_silent_child_is_given_up(tmp_path: Path) -> None:
    child = Child("silent", SLEEP, log=tmp_path / "log")
    with pytest.raises(ChildFailedError, match="did not answer within 0 s"):
        child.wait_until(lambda: False, 0.1)
    child.kill()


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    child = Child("sleeper", SLEEP, log=tmp_path / "log")
    assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    child.stop(5)
    assert child.exit_status == -signal.SIGTERM
