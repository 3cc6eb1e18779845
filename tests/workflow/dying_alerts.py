"""A worker's timer for alerts in a process of its own that kills itself, as `kill -9` would, before or after it wrote
the first of them: `python -m tests.workflow.dying_alerts URL NOW before|after`."""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime

from chassis import store
from chassis.store import Change
from workflow import following
from workflow.domain.processes import Process
from workflow.store import WorkflowStore


def main() -> None:
    url, now, moment = sys.argv[1:]
    following.BATCH = 3
    database = store.connect(url)
    kept = WorkflowStore(database, store.Carrier(lambda: datetime.fromisoformat(now)))
    save = kept.processes.save

    def killed(changes: Sequence[Change[Process]]) -> list[bool]:
        if moment == "after":
            save(changes)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    kept.processes.save = killed  # type: ignore[method-assign]
    following.Following(kept, lambda: datetime.fromisoformat(now)).alerts()


if __name__ == "__main__":
    main()
