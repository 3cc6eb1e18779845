"""CloudEvents: what we send, the specification's own SDK reads; what we cannot read names the place and no value."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from chassis import envelope
from chassis.envelope import Unreadable

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
WHEN = datetime(2026, 3, 2, 1, 2, 3, 456000, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    day: date
    kind: Literal["a", "b"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    TYPE: ClassVar[str] = "toy.thing.made.v1"
    name: str
    at: datetime
    parts: tuple[Part, ...]
    amount: Decimal
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """Another service's: only what it uses."""

    at: datetime
    parts: tuple[Part, ...]


MADE = Made(name="Nguyễn Thị Đức", at=WHEN, parts=(Part(day=date(2026, 3, 2), kind="a"),), amount=Decimal("1.50"))


def sent(trace: str | None = TRACE) -> envelope.OutgoingEvent:
    return envelope.outgoing(MADE, subject="t-1", sequence=3, time=WHEN, trace=trace)


def test_what_is_sent_is_read() -> None:
    event = sent()
    assert (event.id, event.key, event.sequence) == ("toy.thing:t-1:3", "toy.thing.made", 3)
    read = envelope.read(event.body)
    assert (read.id, read.type, read.source, read.subject) == (event.id, Made.TYPE, "/motcua/toy", "t-1")
    assert (read.time, read.sequence, read.traceparent) == (WHEN, 3, TRACE)
    assert envelope.read_data(Made, read.data) == MADE
    assert envelope.read_data(Reading, read.data) == Reading(WHEN, MADE.parts)
    assert envelope.read(event.body.encode()) == read


def test_further_attributes_stand_beside_the_others_and_the_sdk_reads_them() -> None:
    event = envelope.outgoing(MADE, subject="t-1", sequence=3, time=WHEN, extensions={"cursor": 7})
    assert JSONFormat().read(CloudEvent, event.body).get_extension("cursor") == 7
    assert envelope.read(event.body).sequence == 3


def test_a_type_may_have_no_verb() -> None:
    assert envelope.event_id("toy.counts.v1", "a/2026-03", 2) == "toy.counts:a/2026-03:2"
    assert envelope.routing_key("toy.counts.v1") == "toy.counts"


def test_without_a_trace_there_is_no_attribute() -> None:
    assert "traceparent" not in json.loads(sent(None).body)
    assert envelope.read(sent(None).body).traceparent is None


def test_the_specifications_own_sdk_reads_our_events() -> None:
    event = JSONFormat().read(CloudEvent, sent().body)
    assert (event.get_id(), event.get_type(), event.get_source(), event.get_subject()) == (
        "toy.thing:t-1:3", "toy.thing.made.v1", "/motcua/toy", "t-1",
    )  # fmt: skip
    assert event.get_time() == WHEN
    assert event.get_specversion() == "1.0"
    assert event.get_datacontenttype() == "application/json"
    assert (event.get_extension("sequence"), event.get_extension("traceparent")) == (3, TRACE)
    assert event.get_data() == {
        "name": "Nguyễn Thị Đức", "at": "2026-03-02T01:02:03.456000Z", "parts": [{"day": "2026-03-02", "kind": "a"}],
        "amount": "1.50", "note": None,
    }  # fmt: skip


def test_we_read_what_the_sdk_writes() -> None:
    attributes = {
        "id": "x:1", "source": "/motcua/toy", "type": "toy.thing.made.v1", "subject": "x", "specversion": "1.0",
        "time": WHEN, "sequence": 1, "datacontenttype": "application/json",
    }  # fmt: skip
    read = envelope.read(JSONFormat().write(CloudEvent(attributes, {"name": "Đức"})))
    assert (read.id, read.subject, read.time, read.data) == ("x:1", "x", WHEN, {"name": "Đức"})


def test_an_event_may_gain_fields_and_attributes() -> None:
    body = json.loads(sent().body)
    body["data"]["new"] = {"deep": 1}
    body["dataschema"] = "https://example.org/s"
    read = envelope.read(json.dumps(body))
    assert envelope.read_data(Reading, read.data).at == WHEN


WRONG: list[tuple[str, Any, str]] = [
    ("specversion", "0.3", "/specversion: literal_error"),
    ("id", "", "/id: string_too_short"),
    ("id", ..., "/id: missing"),
    ("type", "thing.made", "/type: string_pattern_mismatch"),
    ("type", "toy.thing.made.v1\n", "/type: string_pattern_mismatch"),
    ("subject", ..., "/subject: missing"),
    ("time", "yesterday, said Nguyễn", "/time: timezone_aware"),
    ("time", "2026-03-02T01:02:03", "/time: timezone_aware"),
    ("sequence", 0, "/sequence: greater_than_equal"),
    ("sequence", "Nguyễn", "/sequence: int_parsing"),
    ("data", "Nguyễn", "/data: dict_type"),
    ("data", None, "/data: dict_type"),
]


@pytest.mark.parametrize(("name", "value", "place"), WRONG)
def test_an_unreadable_envelope_is_named_by_place_and_not_by_value(name: str, value: Any, place: str) -> None:
    body = json.loads(sent().body)
    if value is ...:
        del body[name]
    else:
        body[name] = value
    with pytest.raises(Unreadable) as error:
        envelope.read(json.dumps(body))
    assert str(error.value).startswith(place.partition(": ")[0])
    assert "Nguyễn" not in str(error.value)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b"{", "không".encode(), b"[" * 100_000])
def test_what_is_not_an_event_at_all_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        envelope.read(body)


def test_unreadable_data_is_named_by_place_and_not_by_value() -> None:
    with pytest.raises(Unreadable) as error:
        envelope.read_data(Reading, {"at": "Nguyễn", "parts": [{"day": "0912345678x", "kind": "c"}]})
    assert str(error.value).split("; ") == [
        "/at: datetime_from_date_parsing", "/parts/0/day: date_from_datetime_parsing", "/parts/0/kind: literal_error",
    ]  # fmt: skip


def test_names() -> None:
    assert envelope.routing_key("intake.dossier.handed_over.v12") == "intake.dossier.handed_over"
    assert envelope.noun("intake.dossier.handed_over.v1") == "intake.dossier"
    assert envelope.event_id("intake.dossier.filed.v1", "s", 1) == "intake.dossier:s:1"
    with pytest.raises(ValueError, match="not an event type"):
        envelope.noun("Dossier.Filed")
