"""What the supervisor does when a child ends by itself, and in which order it ends them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from native.children import Child, ChildFailedError
from native.supervisor import Supervisor


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(said.append) as supervisor:
        yield supervisor


def spawner(folder: Path, name: str, script: str = "exec sleep 1000") -> Callable[[], Child]:
    return lambda: Child(name, ["sh", "-c", script], log=folder / "log", cwd=folder)


def check_until_it_raises(supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        supervisor.check()
        time.sleep(0.02)


def test_child_is_started_again_once(tmp_path: Path, supervisor: Supervisor, said: list[str]) -> None:
    pids = tmp_path / "pids"
    pids.touch()

    def kill_the_last(number: int) -> None:
        deadline = time.monotonic() + 60
        while len(pids.read_text().splitlines()) < number:
            supervisor.check()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(int(pids.read_text().split()[-1]), signal.SIGKILL)

    supervisor.start_group([spawner(tmp_path, "web", "echo $$ >>pids; exec sleep 1000")], restarts=1)
    kill_the_last(1)
    kill_the_last(2)
    with pytest.raises(ChildFailedError, match="web was ended by SIGKILL"):
        check_until_it_raises(supervisor)
    assert len(said) == 1
    assert "web was ended by SIGKILL" in said[0]


def test_child_that_fails_at_the_start_is_not_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    [child] = supervisor.start_group([spawner(tmp_path, "web", "exit 78")], restarts=1)
    assert child.wait(60)
    with pytest.raises(ChildFailedError, match="web ended with exit status 78"):
        supervisor.check(restart=False)


def test_last_group_ends_first(tmp_path: Path, said: list[str]) -> None:
    with Supervisor(said.append) as supervisor:
        for name in ("first", "second"):
            script = (
                f"trap 'sleep 0.2; echo {name} >>order; exit' TERM; echo {name} >>started; while :; do sleep 0.05; done"
            )
            supervisor.start_group([spawner(tmp_path, name, script)])
        deadline = time.monotonic() + 60
        started: list[str] = []
        while len(started) < 2:
            with suppress(FileNotFoundError):
                started = (tmp_path / "started").read_text().split()
            assert time.monotonic() < deadline
    assert (tmp_path / "order").read_text().split() == ["second", "first"]


def test_a_command_that_must_end_gives_its_status(tmp_path: Path, supervisor: Supervisor) -> None:
    assert supervisor.finish(spawner(tmp_path, "job", "exit 3")()) == 3


def test_a_command_is_cut_short_when_a_server_dies(tmp_path: Path, supervisor: Supervisor) -> None:
    supervisor.start_group([spawner(tmp_path, "gateway", "exit 1")])
    job = spawner(tmp_path, "job")()
    with pytest.raises(ChildFailedError, match="gateway ended with exit status 1"):
        supervisor.finish(job)
    assert job.exit_status is not None
