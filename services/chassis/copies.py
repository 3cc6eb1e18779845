"""Handlers that keep local copies of other services' data, alike in every service that has any."""

from collections.abc import Callable, Sequence
from typing import Any

from chassis.consume import Done, Duplicate, Handler, Outcome, Received
from chassis.envelope import adapter_of
from chassis.store import Copies


def copying(copies: Copies, kind: type, row: Callable[[Any], tuple[str, Any]]) -> Handler:
    """A handler that puts a batch's news into the copies. `row` gives an event's (id, thing), the thing of class
    `kind`."""
    adapter = adapter_of(kind)

    def handle(batch: Sequence[Received]) -> Sequence[Outcome]:
        rows = []
        for item in batch:
            id, thing = row(item.data)
            rows.append((id, item.event.sequence, adapter.dump_python(thing)))
        return [Done() if new else Duplicate() for new in copies.put(rows)]

    return handle
