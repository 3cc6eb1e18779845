"""What must hold for every event that any service publishes or consumes."""

import dataclasses
import json
import typing
from typing import Any

import pytest

from chassis import SERVICES, service
from chassis.envelope import read, read_data
from tests.contracts.documents import TOP, of

SAMPLES = {path.stem: path.read_text(encoding="utf-8") for path in (TOP / "tests/contracts/samples").glob("*.json")}
PUBLISHED = {kind.TYPE: (name, kind) for name in SERVICES for kind in typing.cast(Any, of(name).publishes)}
FED = {kind.TYPE: (name, kind) for name in SERVICES for kind in typing.cast(Any, of(name).feeds)}
"""What goes to the public feed, and not to the services."""
CONSUMED = [
    (name, event_type, reading)
    for name in SERVICES
    for subscription in service.assembled_for_description(of(name)).table
    for event_type, reading in subscription.readings.items()
]
EXACT = [item for item in CONSUMED if not item[1].endswith("#")]
PERSONAL = {"name", "identity", "phone", "email", "address", "person", "to", "applicant", "owner"}


def test_every_published_event_has_a_sample_and_no_sample_is_left_over() -> None:
    assert SAMPLES.keys() == PUBLISHED.keys() | FED.keys()


@pytest.mark.parametrize("event_type", sorted(PUBLISHED))
def test_it_is_named_after_its_publisher_and_archived_by_stats(event_type: str) -> None:
    assert event_type.split(".", maxsplit=1)[0] == PUBLISHED[event_type][0]
    patterns = [wanted for name, wanted, _ in CONSUMED if name == "stats"]
    assert any(
        event_type == wanted or (wanted.endswith("#") and event_type.startswith(wanted[:-1])) for wanted in patterns
    )


@pytest.mark.parametrize(("name", "event_type", "reading"), EXACT, ids=[f"{n} reads {t}" for n, t, _ in EXACT])
def test_a_consumer_can_read_what_the_publisher_sends(name: str, event_type: str, reading: type) -> None:
    assert event_type in PUBLISHED, f"nobody publishes {event_type}"
    read_data(reading, read(SAMPLES[event_type]).data)


def fields_of(kind: Any, inside: str = "") -> list[tuple[str, str]]:
    """Every (class, field) of a dataclass and of those inside it."""
    found: list[tuple[str, str]] = []
    for each in (kind, *typing.get_args(kind)):
        if dataclasses.is_dataclass(each) and isinstance(each, type):
            hints = typing.get_type_hints(each)
            for field in dataclasses.fields(each):
                found.append((each.__name__, field.name))
                found += fields_of(hints[field.name])
        elif each is not kind:
            found += fields_of(each)
    return found


@pytest.mark.parametrize("event_type", sorted(t for t in PUBLISHED | FED if not t.startswith("catalog.")))
def test_what_identifies_a_person_is_in_personal_and_nowhere_else(event_type: str) -> None:
    kind = (PUBLISHED | FED)[event_type][1]
    outside = [(owner, field) for owner, field in fields_of(kind) if owner != "Personal" and field in PERSONAL]
    assert outside == []


def test_the_feed_is_public_so_nothing_in_it_is_personal() -> None:
    assert FED
    assert [found for _, kind in FED.values() for found in fields_of(kind) if "personal" in found[1].lower()] == []


def test_samples_are_readable_json_with_their_own_name() -> None:
    for name, text in SAMPLES.items():
        assert json.loads(text)["type"] == name
