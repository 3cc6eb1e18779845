"""Keeps a set of child processes running, and ends them in order."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from native.children import Child
from native.servers import Server

STOP_SECONDS = 32.0
"""The services promise to stop within 30."""


@dataclass
class Kept:
    """One child: how to start it (again), and how often that may still happen by itself."""

    spawn: Callable[[], Child]
    restarts: int
    child: Child


class Supervisor(AbstractContextManager["Supervisor"]):
    """Its children start in groups; on exit the last group ends first, all of a group together, and the servers last.

    Only the thread that made it may use it, since children die with the thread that started them.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._groups: list[list[Kept]] = []
        self._servers: list[Server] = []

    def start_group(self, spawns: Sequence[Callable[[], Child]], restarts: int = 0) -> list[Child]:
        group: list[Kept] = []
        self._groups.append(group)
        group += (Kept(spawn, restarts, spawn()) for spawn in spawns)
        return [kept.child for kept in group]

    def launch(self, server: Server) -> None:
        """Launch a server, without waiting for it."""
        self._servers.append(server)
        server.launch()

    def check(self, *, restart: bool = True) -> None:
        """Start again what ended and may be. Raises ChildFailedError for anything else that ended."""
        for server in self._servers:
            if server.child.exit_status is not None:
                raise server.child.failure(server.child.how_it_ended())
        for kept in (kept for group in self._groups for kept in group):
            if kept.child.exit_status is None:
                continue
            failure = kept.child.failure(kept.child.how_it_ended())
            if not (restart and kept.restarts):
                raise failure
            self._say(f"{failure}\n{kept.child.name} is started again, this once.")
            kept.restarts -= 1
            kept.child.kill()
            kept.child = kept.spawn()

    def finish(self, child: Child) -> int:
        """Wait for a child that ends by itself; its exit status. Raises ChildFailedError when another ends first."""
        try:
            while not child.wait(0.5):
                self.check()
        finally:
            child.kill()
        return child.exit_status or 0

    def kill(self) -> None:
        """End all children but the servers at once: for a signal handler, to cut a slow stop short."""
        for kept in (kept for group in self._groups for kept in group):
            kept.child.kill()

    def __exit__(self, *_: object) -> None:
        for group in reversed(self._groups):
            for kept in group:
                kept.child.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for kept in group:
                kept.child.stop(max(0.0, deadline - time.monotonic()))
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            server.stop()
