"""A service with one aggregate and one echo of it: every part that a real one has and no word of the domain.

`POST /things` makes a thing, which is told (`toy.thing.made.v1`); the consumer hears of it and makes an echo, which is
told too (`toy.echo.heard.v1`) and noted in the collection `noted`.

A process of it: `python -m tests.chassis.toy_process worker`.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel
from pymongo.database import Database

from chassis import service, store
from chassis.acts import create
from chassis.consume import Done, Duplicate, Invalid, Later, Outcome, Received, Subscription
from chassis.envelope import OutgoingEvent, outgoing
from chassis.errors import NotFound
from chassis.service import Context, Parts, Service
from chassis.settings import Settings
from chassis.web import Answer, Body, Call, Router

NAME = "toy"
WHEN = datetime(2026, 3, 2, 1, 2, 3, 456000, tzinfo=UTC)


@dataclass
class Hands:
    """A clock that stands still until it is moved."""

    now: datetime = WHEN

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def database_url(server: str, name: str) -> str:
    """The server's URL with a database in it, as a service gets it."""
    return server.replace("/?", f"/{name}?")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: str
    name: str
    colour: Colour = Colour.RED
    day: date = date(2026, 3, 2)
    tags: tuple[str, ...] = ()
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingMade:
    TYPE: ClassVar[str] = "toy.thing.made.v1"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingRenamed:
    TYPE: ClassVar[str] = "toy.thing.renamed.v1"
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoHeard:
    TYPE: ClassVar[str] = "toy.echo.heard.v1"
    name: str


@dataclass(frozen=True, slots=True)
class MadeReading:
    """The consumer's own reading of `toy.thing.made.v1`."""

    name: str


def thing(id: str = "t1", name: str = "Đức", **fields: Any) -> Thing:
    return Thing(id=id, name=name, **fields)


def new(id: str = "t1", name: str = "Đức", **fields: Any) -> store.New[Thing]:
    return store.New(id, thing(id, name, **fields), [ThingMade(name=name)], WHEN)


def outgoing_event(sequence: int = 1) -> OutgoingEvent:
    return outgoing(ThingMade(name="Đức"), subject="t1", sequence=sequence, time=WHEN)


class Echoes:
    """The consumer's effect. What it is told to do about a name is done when a thing of that name comes."""

    def __init__(self, database: Database[store.Document], carrier: store.Carrier) -> None:
        self.aggregates = store.Aggregates(database, "echoes", Thing, carrier)
        self.noted = database["noted"]
        self.asked: dict[str, Callable[[], Outcome | None]] = {}
        self.batches: list[list[str]] = []

    def hear(self, items: Sequence[Received]) -> Sequence[Outcome]:
        self.batches.append([item.event.subject for item in items])
        special = {n: self.asked[item.data.name]() for n, item in enumerate(items) if item.data.name in self.asked}
        plain = [n for n in range(len(items)) if special.get(n) is None]
        added = self.aggregates.add([self._echo(items[n]) for n in plain])
        outcomes: dict[int, Outcome] = {n: o for n, o in special.items() if o is not None}
        outcomes |= {n: Duplicate() if refused else Done() for n, refused in zip(plain, added, strict=True)}
        if any(item.data.name == "fatal" for item in items):
            self._die_once()
        return [outcomes[n] for n in range(len(items))]

    def note(self, items: Sequence[Received]) -> Sequence[Outcome]:
        for item in items:
            self.noted.update_one({"_id": item.event.id}, {"$inc": {"times": 1}}, upsert=True)
        return [Done() for _ in items]

    def table(self) -> list[Subscription]:
        return [
            Subscription(self.hear, {ThingMade.TYPE: MadeReading}),
            Subscription(self.note, {EchoHeard.TYPE: dict}),
        ]

    def ids(self) -> set[str]:
        return {row["_id"] for row in self.aggregates.collection.find({}, {"_id": 1})}

    def _echo(self, item: Received) -> store.New[Thing]:
        name = item.data.name
        return store.New(item.event.subject, thing(item.event.subject, name), [EchoHeard(name=name)], item.event.time)

    def _die_once(self) -> None:
        """As a power cut would, after the write and before the acknowledgement."""
        if self.noted.update_one({"_id": "died"}, {"$set": {"died": True}}, upsert=True).upserted_id is not None:
            os.kill(os.getpid(), signal.SIGKILL)


def later() -> Outcome:
    return Later("its predecessor has not come")


def invalid() -> Outcome:
    return Invalid("no such colour")


def breaks() -> Outcome | None:
    raise ValueError("Nguyễn Văn A, 0912345678")


class ThingBody(Body):
    name: str
    code: str | None = None


class ThingShown(BaseModel):
    id: str
    name: str


def add_routes(router: Router, things: store.Aggregates[Thing]) -> None:
    @router.post("/things", scope="toy.write", needs="key", answers={201: ThingShown})
    def make_thing(call: Call, body: ThingBody) -> Answer:
        """Makes a thing."""
        id = call.id_for_new("thing")
        state = thing(id, body.name, code=body.code)
        return create(things, id, state, [ThingMade(name=body.name)], call, made)

    @router.get("/things/<id>", public="it is a toy", answers={200: ThingShown})
    def get_thing(call: Call, id: str) -> Answer:
        """Shows a thing."""
        loaded = things.load(id)
        if loaded is None:
            raise NotFound(f"no thing {id}")
        return Answer(ThingShown(id=id, name=loaded.state.name), 200, loaded.version)


def made(state: Thing, version: int) -> Answer:
    return Answer(ThingShown(id=state.id, name=state.name), 201, version)


def assemble(context: Context[Settings]) -> Parts:
    things = store.Aggregates(context.database, "things", Thing, context.carrier)
    echoes = Echoes(context.database, context.carrier)

    def ensure_indexes() -> None:
        things.ensure_indexes()
        echoes.aggregates.ensure_indexes()

    def breaking(stop: Any) -> None:
        stop.wait(0.5)
        raise ValueError("Nguyễn Văn A, 0912345678")

    return Parts(
        add_routes=lambda router: add_routes(router, things),
        table=echoes.table(),
        outboxes=[things.collection, echoes.aggregates.collection],
        ensure_indexes=ensure_indexes,
        loops={"breaking": breaking} if "TOY_BREAKS" in os.environ else {},
    )


def count(context: Context[Any], _parts: Parts, arguments: list[str]) -> int:
    sys.stdout.write(f"{context.database['things'].count_documents({})} {' '.join(arguments)}\n")
    return 0


TOY = Service(
    name=NAME,
    settings=Settings,
    scopes={"toy.write": "Makes things"},
    publishes=(ThingMade, ThingRenamed, EchoHeard),
    assemble=assemble,
    commands={"count": ("count things", count)},
)

main = partial(service.main, TOY)
