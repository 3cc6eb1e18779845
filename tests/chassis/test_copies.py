"""Local copies of another service's things, kept by a handler: whole batches, in any order, as often as they come."""

from dataclasses import dataclass
from datetime import date

import pytest
from pymongo.database import Database

from chassis import store
from chassis.consume import Done, Duplicate, Received
from chassis.copies import copying
from chassis.envelope import outgoing, read
from chassis.store import Copies
from tests.chassis.toy import WHEN, Colour, Thing, ThingMade, thing


@dataclass(frozen=True)
class Reading:
    thing: Thing


def received(id: str, sequence: int, name: str) -> Received:
    event = outgoing(ThingMade(name=name), subject=id, sequence=sequence, time=WHEN)
    return Received(read(event.body), Reading(thing(id, name, colour=Colour.BLUE, day=date(2024, 2, 29))))


@pytest.fixture
def copies(database: Database[store.Document]) -> Copies:
    return Copies(database, "copies")


def test_a_batch_is_copied_and_the_newest_of_each_stays(copies: Copies) -> None:
    handle = copying(copies, Thing, lambda data: (data.thing.id, data.thing))
    batch = [received("a", 2, "a2"), received("b", 1, "b1"), received("a", 1, "a1"), received("a", 3, "a3")]
    assert handle(batch) == [Duplicate(), Done(), Duplicate(), Done()]
    assert {row["_id"]: (row["sequence"], row["name"]) for row in copies.collection.find()} == {
        "a": (3, "a3"), "b": (1, "b1"),
    }  # fmt: skip
    assert handle(batch) == [Duplicate()] * 4


def test_a_copy_is_the_thing_as_a_document(copies: Copies) -> None:
    copying(copies, Thing, lambda data: (data.thing.id, data.thing))([received("a", 1, "Đức")])
    assert copies.collection.find_one() == {
        "_id": "a", "id": "a", "sequence": 1, "name": "Đức", "colour": "blue", "day": "2024-02-29", "tags": [],
        "code": None,
    }  # fmt: skip
