"""A worker process: it ends with 1 when any part of it breaks, with 0 when it is asked to, and it says how it is."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import structlog
from structlog.testing import capture_logs

from chassis import worker
from chassis.worker import Away, every, version
from native.ports import free_port
from tests.support.waiting import until

PREAMBLE = """
import sys, threading, time
from chassis import logs, worker
logs.configure("toy", "worker")
def quiet(stop):
    stop.wait()
def breaking(stop):
    stop.wait(0.3)
    raise ValueError("Nguyễn Văn A")
def leaving(stop):
    stop.wait(0.3)
    sys.exit(5)
def deaf(stop):
    time.sleep(600)
worker.STOP_SECONDS = 1
"""


class Process:
    """A worker with the given loops."""

    def __init__(self, loops: str) -> None:
        self.port = free_port()
        script = textwrap.dedent(PREAMBLE) + (
            f"ready = [True]\nsys.exit(worker.run({loops}, '127.0.0.1', {self.port}, "
            "lambda: (ready[0], {'store': 'ok', 'age': 0.5}), worker.version('toy')))"
        )
        self.child = subprocess.Popen(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": "services"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip

    def get(self, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=60)

    def lives(self) -> bool:
        try:
            return self.get("/livez").ok
        except requests.ConnectionError:
            return False

    def end(self) -> tuple[int, str]:
        """The exit status and what was logged."""
        out, _ = self.child.communicate(timeout=120)
        return self.child.returncode, out


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for process in started:
        process.child.kill()
        process.child.communicate()


def start(processes: list[Process], loops: str) -> Process:
    processes.append(Process(loops))
    return processes[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_lives_and_tells_until_it_is_asked_to_end(processes: list[Process], number: int) -> None:
    process = start(processes, "{'a': quiet, 'b': quiet}")
    until(process.lives)
    assert process.get("/readyz").json() == {"store": "ok", "age": 0.5}
    assert process.get("/version").json()["service"] == "toy"
    assert "python_info" in process.get("/metrics").text
    assert process.get("/elsewhere").status_code == 404
    process.child.send_signal(number)
    status, said = process.end()
    assert status == 0
    assert '"failed": false' in said


@pytest.mark.parametrize("how", ["breaking", "leaving"])
def test_a_loop_that_breaks_ends_the_process_with_1(processes: list[Process], how: str) -> None:
    status, said = start(processes, f"{{'a': quiet, 'b': {how}}}").end()
    assert status == 1
    assert '"loop": "b"' in said
    assert "loop_failed" in said
    assert "Nguyễn" not in said


def test_a_loop_that_does_not_listen_is_left_behind(processes: list[Process]) -> None:
    process = start(processes, "{'a': quiet, 'b': deaf}")
    until(process.lives)
    process.child.terminate()
    assert process.end()[0] == 0


def test_the_version_is_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_VERSION", "1.2.3")
    monkeypatch.setenv("MOTCUA_COMMIT", "abc")
    assert version("toy") == {"service": "toy", "version": "1.2.3", "commit": "abc"}


class Stop:
    """Counts what it is asked to wait, and stops after some acts."""

    def __init__(self, after: int) -> None:
        self.waits: list[float] = []
        self.left = after

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def test_a_timer_acts_again_at_once_while_there_is_more_to_do() -> None:
    stop, results = Stop(3), [True, True, False]
    every(5, lambda: results.pop(0), (OSError,))(stop)  # type: ignore[arg-type]
    assert stop.waits == [5]


def test_a_timer_waits_longer_while_the_store_is_away_and_ends_by_anything_else() -> None:
    def away() -> None:
        raise ConnectionResetError

    stop = Stop(1)
    every(5, away, (OSError,))(stop)  # type: ignore[arg-type]
    assert stop.waits == [2, 5]

    def broken() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        every(5, broken, (OSError,))(Stop(1))  # type: ignore[arg-type]


def test_who_is_away_is_tried_again_after_growing_pauses_of_a_minute_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "log", structlog.get_logger())
    monkeypatch.setattr(threading.current_thread(), "name", "sender")

    def away() -> None:
        raise Away("ConnectionRefusedError")

    stop = Stop(9)
    with capture_logs() as said:
        every(3, away, (OSError,))(stop)  # type: ignore[arg-type]
    assert stop.waits == [3, 3, 4, 8, 16, 32, 60, 60, 60]
    assert {(line["event"], line["loop"], line["reason"]) for line in said} == {
        ("other_side_away", "sender", "ConnectionRefusedError")
    }
    assert [line["seconds"] for line in said] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_who_is_back_is_not_waited_for_and_away_again_begins_anew() -> None:
    class Gone(Away):
        pass

    answers: list[bool | Exception] = [Gone("a"), Gone("a"), Gone("a"), True, False, Gone("a"), OSError(), Gone("a")]

    def act() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    stop = Stop(8)
    every(0.5, act, (OSError,))(stop)  # type: ignore[arg-type]
    # The store's own absence, in between, neither shortens the pause nor makes it longer.
    assert stop.waits == [1, 2, 4, 0.5, 1, 2, 1, 2]


def test_it_asks_nobody_where_the_packages_are(tmp_path: Path) -> None:
    """The health check of a container needs next to nothing: it is started every few seconds."""
    script = """if True:
        import sys, chassis.health
        heavy = {'pymongo', 'kombu', 'flask', 'pydantic', 'structlog', 'requests'}
        print(sorted(heavy & {module.partition('.')[0] for module in sys.modules}))"""
    out = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": "services"}, capture_output=True, text=True,
        timeout=120, check=True,
    ).stdout  # fmt: skip
    assert out.strip() == "[]"
