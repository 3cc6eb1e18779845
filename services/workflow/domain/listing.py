"""By which words a process stands in the lists of tasks, and what a list shows of it. Plain Python.

A list is one range of one index, whoever asks for it: `Process.lists` holds a key for each list that one of its open
tasks is on, and the index is sorted by `Process.next_due_at` within a key. So who may see a task is in the index, and a
page costs the same whether the province has ten thousand dossiers or a million.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workflow.domain.parts import OPEN, Task

Kind = Literal["task", "opinion", "child"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a list shows of a process. `tasks`: its open ones. `next_due_at`: what it is sorted by."""

    id: str
    state: str
    code: str
    procedure: str
    procedure_name: str
    next_due_at: datetime
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which open tasks a list holds; None: all. `persons`: who has the task or helps with it, any of them; besides
    theirs, the tasks `delegated` (ids) that one of the `delegators` has.
    `due_before`: the task's own due time; what has none, or waits in a paused dossier, is not in such a list."""

    agency: str | None = None
    role: str | None = None
    persons: tuple[str, ...] | None = None
    delegators: tuple[str, ...] = ()
    delegated: tuple[str, ...] = ()
    state: Literal["open", "claimed"] | None = None
    procedure: str | None = None
    kind: Kind | None = None
    due_before: datetime | None = None

    def keys(self) -> list[str] | None:
        """The keys of the narrowest lists that hold all of it; None: what is wanted is everybody's."""
        if self.persons is not None:
            return [_key("person", each) for each in (*self.persons, *self.delegators)]
        # Most tasks are of the kind "task", so that has no list of its own.
        kind = None if self.kind == "task" else self.kind
        if self.agency is None:
            narrow = [("kind", kind), ("procedure", self.procedure)]
            return next(([_key(word, value)] for word, value in narrow if value is not None), None)
        within = [("kind", kind), ("procedure", self.procedure), ("role", self.role), ("state", self.state)]
        found = next(((word, value) for word, value in within if value is not None), None)
        return [_key("agency", self.agency) if found is None else _key(found[0], found[1], self.agency)]

    def holds(self, listed: Listed, task: Task) -> bool:
        """Whether the task of this process is on the list."""
        return (
            task.state in OPEN
            and self.agency in (None, task.agency)
            and self.role in (None, task.role)
            and self.state in (None, task.state)
            and self.kind in (None, task.kind)
            and self.procedure in (None, listed.procedure)
            and (
                self.persons is None
                or not set(self.persons).isdisjoint(_persons(task))
                or (task.id in self.delegated and task.assignee in self.delegators)
            )
            and (self.due_before is None or (task.due_at is not None and task.due_at < self.due_before))
        )


def keys(procedure: str, tasks: Iterable[Task]) -> tuple[str, ...]:
    """Of every list that one of the tasks is on; none when nothing is open."""
    found: set[str] = set()
    for task in tasks:
        if task.state in OPEN:
            found |= {
                _key("agency", task.agency),
                _key("role", task.role, task.agency),
                _key("state", task.state, task.agency),
                _key("procedure", procedure, task.agency),
                _key("procedure", procedure),
                *(_key("person", person) for person in _persons(task)),
            }
            if task.kind != "task":
                found |= {_key("kind", task.kind, task.agency), _key("kind", task.kind)}
    return tuple(sorted(found))


def of_agencies(agencies: Sequence[str]) -> list[str]:
    """The keys of everything that is open at these agencies."""
    return [_key("agency", agency) for agency in agencies]


def _persons(task: Task) -> list[str]:
    return [*([] if task.assignee is None else [task.assignee]), *task.co_handlers]


def _key(word: str, value: str, agency: str | None = None) -> str:
    """Two lists have different keys, whatever the names in them look like: a list's word comes first, and what stands
    behind it is looked at again in the task."""
    return f"{word}|{value}" if agency is None else f"{word}@{agency}|{value}"
