"""What lists of tasks and of dossiers are read by. Each is a range of an index; nothing is counted or sorted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.database import Database

from chassis import store
from chassis.envelope import adapter_of
from workflow.domain.listing import Listed, Wanted, of_agencies
from workflow.domain.parts import OPEN, TaskState
from workflow.domain.processes import State

_OPEN = [state.value for state in OPEN]
_EARLIEST = [("next_due_at", ASCENDING), ("_id", ASCENDING)]
_NEWEST = [("received_at", DESCENDING), ("_id", DESCENDING)]
_BY_CODE = [("code", ASCENDING), ("_id", ASCENDING)]
_BY_DUE = [("due_at", ASCENDING), ("_id", ASCENDING)]
_BY_LATENESS = [("late_from", ASCENDING), ("_id", ASCENDING)]
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MOST_RANGES = 100
"""Agencies of which each one's late dossiers are read by themselves; with more, all late dossiers are looked through,
of which these are a good part."""
_SHOWN_OF_DOSSIERS = (
    "state", "code", "procedure", "procedure_name", "agency", "received_at", "due_at", "finished_at", "outcome",
    "timing", "queues",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """What a list of dossiers shows of one. `queues`: the agencies at which it lies now."""

    id: str
    state: State
    code: str
    procedure: str
    procedure_name: str
    agency: str
    received_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    timing: str | None
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDossiers:
    """A filter over dossiers; None: all. `due_before`: of those that have not ended, the earliest due first. `code`:
    what the code begins with, by code. Without these two, the newest first."""

    agency: str | None = None
    state: State | None = None
    due_before: datetime | None = None
    code: str | None = None
    follower: str | None = None

    def condition(self) -> store.Document:
        wanted: store.Document = {}
        if self.agency is not None:
            wanted["agencies"] = self.agency
        if self.follower is not None:
            wanted["followers"] = self.follower
        if self.code is not None:
            wanted["code"] = {"$gte": self.code, "$lt": f"{self.code}\U0010ffff"}
        if self.due_before is not None:
            wanted |= {"due_at": {"$lt": self.due_before}, "involved": {"$gt": ""}}
        if self.state is not None:
            wanted["state"] = self.state.value
        elif not wanted.keys() - {"agencies"}:
            # Any state, in words that let one index by state and time serve with and without a state.
            wanted["state"] = {"$in": [state.value for state in State]}
        return wanted

    @property
    def order(self) -> list[tuple[str, int]]:
        return _BY_CODE if self.code is not None else _BY_DUE if self.due_before is not None else _NEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class LateDossier(Dossier):
    """Of one that is late. `handled_by`: the agency that the applicant waits for; `apologised`: form 04 was issued in
    time."""

    handled_by: str
    late_from: datetime
    apologised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is with an officer of an agency; `officer` None: what nobody has taken. `paused`: of the open and the
    claimed ones, those whose dossier waits, which are not overdue and not due."""

    agency: str
    officer: str | None
    name: str | None
    open: int
    claimed: int
    paused: int
    overdue: int
    due_today: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneWork:
    """How many tasks an officer of an agency did."""

    agency: str
    officer: str | None
    name: str | None
    done: int


class Lists:
    def __init__(self, database: Database[store.Document]) -> None:
        self._dossiers = database["dossiers"]
        self._listed = adapter_of(Listed)
        self._dossier = adapter_of(Dossier)
        self._late = adapter_of(LateDossier)

    def ensure_indexes(self) -> None:
        dossiers = self._dossiers
        # Both arrays are empty once nothing is open, so these hold what is being worked on and not the past.
        dossiers.create_index(
            [("lists", ASCENDING), *_EARLIEST], name="lists", partialFilterExpression={"lists": {"$gt": ""}}
        )
        dossiers.create_index(_EARLIEST, name="earliest_due", partialFilterExpression={"queues": {"$gt": ""}})
        by_agency = ("agencies", ASCENDING)
        dossiers.create_index([by_agency, ("state", ASCENDING), *_NEWEST], name="by_agency")
        dossiers.create_index([("state", ASCENDING), *_NEWEST], name="newest")
        dossiers.create_index([by_agency, *_BY_CODE], name="by_agency_and_code")
        dossiers.create_index(_BY_CODE, name="code")
        unfinished = {"involved": {"$gt": ""}}
        dossiers.create_index([by_agency, *_BY_DUE], name="by_agency_and_due", partialFilterExpression=unfinished)
        dossiers.create_index(_BY_DUE, name="due", partialFilterExpression=unfinished)
        dossiers.create_index(
            [("followers", ASCENDING), *_NEWEST], name="followed", partialFilterExpression={"followers": {"$gt": ""}}
        )
        dossiers.create_index([by_agency, ("worked_at", ASCENDING)], name="worked")
        late = [("apologised", ASCENDING), *_BY_LATENESS]
        begun = {"late_from": {"$gt": LONG_AGO}}
        dossiers.create_index(late, name="late", partialFilterExpression=begun)
        dossiers.create_index([("handled_by", ASCENDING), *late], name="late_by_agency", partialFilterExpression=begun)

    def tasks(self, wanted: Wanted, after: tuple[datetime, str] | None, limit: int) -> list[Listed]:
        """Processes of which an open task is wanted, the earliest due first, from the one that is due at `after[0]` and
        has the id `after[1]` on."""
        keys = wanted.keys()
        if keys is None:
            condition: store.Document = {"queues": {"$gt": ""}}
        else:
            condition = {"lists": keys[0] if len(keys) == 1 else {"$in": keys}}
        if wanted.procedure is not None:
            condition["procedure"] = wanted.procedure
        condition["tasks"] = {"$elemMatch": _of_tasks(wanted)}
        if wanted.due_before is not None:
            condition["next_due_at"] = {"$lt": wanted.due_before}
        still_open = {"$filter": {"input": "$tasks", "cond": {"$in": ["$$this.state", _OPEN]}}}
        shown = {
            **dict.fromkeys(("state", "code", "procedure", "procedure_name", "next_due_at"), 1),
            "tasks": still_open,
        }
        ranges: list[store.Document] = [{}]
        if after is not None:
            due_at, id = after
            ranges = [{"next_due_at": due_at, "_id": {"$gte": id}}, {"next_due_at": {"$gt": due_at}}]
        found = self._ranged(condition, ranges, _EARLIEST, shown, limit)
        return [self._listed.validate_python({**each, "id": each["_id"]}) for each in found]

    def dossiers(self, wanted: WantedDossiers, after: tuple[Any, str] | None, limit: int) -> list[Dossier]:
        """Dossiers in the order of the filter, behind the one whose sort key is `after[0]` and id `after[1]`."""
        (field, direction), *_ = wanted.order
        ranges: list[store.Document] = [{}]
        if after is not None:
            (key, id), beyond = after, "$gt" if direction == ASCENDING else "$lt"
            ranges = [{field: key, "_id": {beyond: id}}, {field: {beyond: key}}]
        shown = dict.fromkeys(_SHOWN_OF_DOSSIERS, 1)
        found = self._ranged(wanted.condition(), ranges, wanted.order, shown, limit)
        return [self._dossier.validate_python({**each, "id": each["_id"]}) for each in found]

    def late(
        self,
        agencies: Sequence[str] | None,
        now: datetime,
        after: tuple[datetime, str] | None,
        limit: int,
        *,
        apologised: bool,
    ) -> list[LateDossier]:
        """What has not ended and is late, the longest late first, behind the one that is since `after[0]` and has the
        id `after[1]`. `agencies`: those that the applicants wait for; None: every one."""
        condition: store.Document = {"apologised": apologised, "late_from": {"$gt": LONG_AGO, "$lt": now}}
        hint = "late"
        if agencies is not None:
            condition["handled_by"] = {"$in": list(agencies)}
            # Of so many ranges the server would not merge the order any more, but sort.
            hint = "late" if len(agencies) > MOST_RANGES else "late_by_agency"
        ranges: list[store.Document] = [{}]
        if after is not None:
            since, id = after
            ranges = [{"late_from": since, "_id": {"$gt": id}}, {"late_from": {"$gt": since}}]
        shown = dict.fromkeys((*_SHOWN_OF_DOSSIERS, "handled_by", "late_from", "apologised"), 1)
        found = self._ranged(condition, ranges, _BY_LATENESS, shown, limit, hint)
        return [self._late.validate_python({**each, "id": each["_id"]}) for each in found]

    def _ranged(
        self,
        condition: store.Document,
        ranges: Sequence[store.Document],
        order: list[tuple[str, int]],
        shown: store.Document,
        limit: int,
        hint: str | None = None,
    ) -> list[store.Document]:
        """What lies in the ranges, one behind the other. Each is asked for by itself: of two in one condition, the
        server may read everything before them."""
        found: list[store.Document] = []
        for each in ranges:
            if len(found) < limit:
                wanted = {"$and": [condition, each]}
                found += self._dossiers.find(wanted, shown, hint=hint).sort(order).limit(limit - len(found))
        return found

    def load(self, agencies: Sequence[str], now: datetime, end_of_day: datetime) -> list[Load]:
        """What is with whom at these agencies: reads their open dossiers, each once."""
        running, due = {"$eq": ["$state", State.RUNNING.value]}, "$tasks.due_at"
        # Without a due time it is null, which the server takes for less than any time.
        timed = {"$and": [running, {"$ne": [due, None]}]}
        return [
            Load(
                **row["_id"],
                **{name: row[name] for name in ("name", "open", "claimed", "paused", "overdue", "due_today")},
            )
            for row in self._by_officer(
                {"lists": {"$in": of_agencies(agencies)}},
                {"tasks.agency": {"$in": list(agencies)}, "tasks.state": {"$in": _OPEN}},
                open=_counted({"$eq": ["$tasks.state", TaskState.OPEN.value]}),
                claimed=_counted({"$eq": ["$tasks.state", TaskState.CLAIMED.value]}),
                paused=_counted({"$not": [running]}),
                overdue=_counted({"$and": [timed, {"$lt": [due, now]}]}),
                due_today=_counted({"$and": [timed, {"$gte": [due, now]}, {"$lt": [due, end_of_day]}]}),
            )
        ]

    def done(self, agencies: Sequence[str], since: datetime) -> list[DoneWork]:
        """How many tasks each officer of these agencies has done since then: reads the dossiers on which something was
        done since, each once."""
        return [
            DoneWork(**row["_id"], name=row["name"], done=row["done"])
            for row in self._by_officer(
                {"agencies": {"$in": list(agencies)}, "worked_at": {"$gte": since}},
                {
                    "tasks.agency": {"$in": list(agencies)},
                    "tasks.state": TaskState.DONE.value,
                    "tasks.completed_at": {"$gte": since},
                },
                done=_counted(True),
            )
        ]

    def _by_officer(
        self, dossiers: store.Document, tasks: store.Document, **counts: store.Document
    ) -> list[store.Document]:
        group = {"_id": {"agency": "$tasks.agency", "officer": {"$ifNull": ["$tasks.assignee", None]}}}
        name = {"$max": "$tasks.assignee_name"}
        needed = ("state", "tasks.agency", "tasks.state", "tasks.due_at", "tasks.completed_at", "tasks.assignee",
                  "tasks.assignee_name")  # fmt: skip
        return list(
            self._dossiers.aggregate(
                [
                    {"$match": dossiers},
                    {"$project": dict.fromkeys(needed, 1)},
                    {"$unwind": "$tasks"},
                    {"$match": tasks},
                    {"$group": {**group, "name": name, **counts}},
                ]
            )
        )


def _counted(condition: Any) -> store.Document:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _of_tasks(wanted: Wanted) -> store.Document:
    """What one of a process's tasks must be: a list's key may be another task's, and some filters have no list."""
    found: store.Document = {"state": {"$in": _OPEN} if wanted.state is None else wanted.state}
    if wanted.agency is not None:
        found["agency"] = wanted.agency
    if wanted.role is not None:
        found["role"] = wanted.role
    if wanted.kind is not None:
        found["kind"] = wanted.kind
    if wanted.due_before is not None:
        found["due_at"] = {"$lt": wanted.due_before}
    if wanted.persons is not None:
        persons = {"$in": list(wanted.persons)}
        delegated = {"id": {"$in": list(wanted.delegated)}, "assignee": {"$in": list(wanted.delegators)}}
        found["$or"] = [{"assignee": persons}, {"co_handlers": persons}, delegated]
    return found
