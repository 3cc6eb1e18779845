"""Runs a service's process that kills itself, as `kill -9` would, at one exact point: `python -m tests.support.dying
POINT service role`.

POINT names a function of the chassis, `chassis.store.clear` or `chassis.consume.Consumer._settle`, and dies when it is
entered for the first time: the moment between what came before it and what it would have done.
"""

import importlib
import os
import signal
import sys
from typing import Any, NoReturn


def die(*_: Any, **__: Any) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def main() -> int:
    point, service, role = sys.argv[1:]
    parts = point.split(".")
    # The module is the longest part of the name that can be imported.
    module = importlib.import_module(".".join(parts[:2]))
    owner: Any = module
    for name in parts[2:-1]:
        owner = getattr(owner, name)
    if not callable(getattr(owner, parts[-1])):
        raise SystemExit(f"{point} is not a function")
    setattr(owner, parts[-1], die)
    sys.argv = [service, role]
    status: int = importlib.import_module(f"{service}.main").main()
    return status


if __name__ == "__main__":
    sys.exit(main())
