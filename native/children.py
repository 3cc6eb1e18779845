"""Child processes that end with the process that started them, and say what they said when they fail."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path


class NativeError(Exception):
    """Something the person at the keyboard can act on. The message is one sentence, and is all that they are shown."""


class ChildFailedError(NativeError):
    """A child ended, or did not get ready in time. `tail` holds the last lines of its log."""

    def __init__(self, sentence: str, tail: str = "") -> None:
        super().__init__(f"{sentence}\n{tail}" if tail else sentence)


class Child:
    """One child process in a process group of its own, with its output appended to `log`, or left on the terminal.

    A group of its own keeps Ctrl-C in the terminal from reaching it (its owner stops children in order) and lets
    `kill` reach its descendants. If its owner dies without stopping it, the kernel sends it `orphan_signal`. The
    kernel means the *thread* that called this: start children from a thread that lives as long as they should.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._is_gone = False
        # setpriv, not a preexec_fn: that one can hang when other threads run. It is in Debian's essential util-linux.
        setpriv = shutil.which("setpriv")
        prefix = [setpriv, "--pdeathsig", orphan_signal.name.removeprefix("SIG")] if setpriv else []
        with ExitStack() as stack:
            output = None
            if log:
                log.parent.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context(log.open("ab"))
            self._process = subprocess.Popen(
                [*prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output and subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def wait(self, timeout: float) -> bool:
        """Whether the child has ended within `timeout` seconds."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """Ask it to end; does not wait."""
        if self.exit_status is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all of its group at once."""
        if self._is_gone:
            # Its number may be another's by now.
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._is_gone = True

    def stop(self, timeout: float) -> None:
        """Ask it to end; after `timeout` seconds, end it. Whatever is left of its group is killed."""
        self.terminate()
        self.wait(timeout)
        self.kill()

    def wait_until(self, ready: Callable[[], bool], timeout: float, interval: float = 0.05) -> None:
        """Return when `ready()` is true. Raises ChildFailedError if the child ends or `timeout` seconds pass first."""
        deadline = time.monotonic() + timeout
        while not ready():
            if self.exit_status is not None:
                raise self.failure(f"{self.how_it_ended()} while starting")
            if time.monotonic() > deadline:
                raise self.failure(f"did not answer within {timeout:.0f} s")
            time.sleep(interval)

    def failure(self, what: str) -> ChildFailedError:
        """The error that says `what` of this child and shows the end of its log."""
        return ChildFailedError(
            f"{self.name} {what}; the end of {self.log}:" if self.log else f"{self.name} {what}.", self.tail()
        )

    def how_it_ended(self) -> str:
        status = self.exit_status
        if status is None:
            return "is running"
        if status < 0:
            return f"was ended by {signal.Signals(-status).name}"
        return f"ended with exit status {status}"

    def tail(self, lines: int = 12) -> str:
        """The end of its log, indented; empty when its output went to the terminal."""
        text = self.log.read_bytes()[-20_000:].decode(errors="replace") if self.log else ""
        return "\n".join(f"    {line[:300]}" for line in text.splitlines()[-lines:])
