"""A real clamd with a database of its own: one signature, of the EICAR test file, and nothing downloaded."""

import signal
from pathlib import Path

from native.children import Child
from native.ports import answers, free_port

PROGRAM = "/usr/sbin/clamd"
THREAT = "Motcua.Test.EICAR.UNOFFICIAL"
_HALVES = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def eicar() -> bytes:
    """The test file that every scanner knows (eicar.org), put together here so that this source is not taken for it."""
    return "".join(_HALVES).encode()


class ClamdServer:
    """It listens on 127.0.0.1 as the current user, and can be stopped and started again."""

    start_timeout = 120.0

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._folder = folder
        self._child: Child | None = None
        database = folder / "signatures"
        database.mkdir(parents=True)
        # An extended signature: name, any kind of file, at any place, the bytes in hexadecimal digits.
        (database / "test.ndb").write_text(f"Motcua.Test.EICAR:0:*:{eicar().hex()}\n", encoding="ascii")
        self._config = folder / "clamd.conf"
        settings = {
            "Foreground": "yes", "TCPSocket": self.port, "TCPAddr": "127.0.0.1", "DatabaseDirectory": database,
            "TemporaryDirectory": folder, "PidFile": folder / "clamd.pid", "StreamMaxLength": "60M", "MaxThreads": 2,
            "SelfCheck": 0,
        }  # fmt: skip
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        self._config.write_text("".join(lines), encoding="utf-8")

    def start(self) -> None:
        command: list[str | Path] = [PROGRAM, "--config-file", self._config]
        self._child = Child("clamd", command, log=self._folder / "clamd.log", orphan_signal=signal.SIGKILL)
        self._child.wait_until(lambda: answers(self.port), self.start_timeout)

    def stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None
