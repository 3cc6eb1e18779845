"""CloudEvents 1.0 in structured JSON mode (https://github.com/cloudevents/spec), as small as we need it.

What a service publishes is a frozen dataclass with a constant `TYPE`; what it consumes is its own dataclass, its own
reading of the same type with only the fields that it uses. The envelope carries two extension attributes: `sequence`,
the number of the event in the life of its aggregate (from 1, without gaps), and `traceparent` (W3C Trace Context).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

CONTENT_TYPE = "application/cloudevents+json"
_TYPE = re.compile(r"^(?P<service>[a-z]+)\.(?P<noun>[a-z_]+)(\.(?P<verb>[a-z_]+))?\.v(?P<version>\d+)$")


class EventData(Protocol):
    """A frozen dataclass that says its own type, for example `intake.dossier.received.v1`."""

    TYPE: ClassVar[str]


def routing_key(event_type: str) -> str:
    """The type without its version: `intake.dossier.received`."""
    return event_type.rpartition(".v")[0]


def noun(event_type: str) -> str:
    """What the event is about, `intake.dossier`: with a subject it names an aggregate."""
    match = _TYPE.match(event_type)
    if match is None:
        raise ValueError(f"not an event type: {event_type!r}")
    return f"{match['service']}.{match['noun']}"


def event_id(event_type: str, subject: str, sequence: int) -> str:
    """The same identifier for the same event, however often it is published: `intake.dossier:<subject>:<sequence>`."""
    return f"{noun(event_type)}:{subject}:{sequence}"


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """An event ready to be sent: `body` is the CloudEvent's JSON text."""

    id: str
    key: str
    body: str
    sequence: int


@cache
def adapter_of(kind: type) -> TypeAdapter[Any]:
    """What reads and writes a dataclass; one for each, since making it takes milliseconds."""
    return TypeAdapter(kind)


def outgoing(
    data: EventData,
    *,
    subject: str,
    sequence: int,
    time: datetime,
    trace: str | None = None,
    extensions: Mapping[str, str | int] | None = None,
) -> OutgoingEvent:
    """Wraps what a domain function returned. `time` is when it happened, not when it is sent. `extensions`: further
    attributes, named as CloudEvents demands (lower-case letters and digits)."""
    identifier = event_id(data.TYPE, subject, sequence)
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": identifier,
        "source": f"/motcua/{data.TYPE.partition('.')[0]}",
        "type": data.TYPE,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "sequence": sequence,
        **(extensions or {}),
        "data": adapter_of(type(data)).dump_python(data, mode="json"),
    }
    if trace is not None:
        envelope["traceparent"] = trace
    return OutgoingEvent(identifier, routing_key(data.TYPE), to_json(envelope).decode(), sequence)


class Envelope(BaseModel):
    """An event as it arrived. `data` is not read yet: each consumer has its own reading of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=300)]
    source: str
    type: Annotated[str, Field(pattern=_TYPE.pattern)]
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    time: AwareDatetime
    sequence: Annotated[int, Field(ge=1)]
    traceparent: str | None = None
    data: dict[str, Any]


class Unreadable(Exception):  # noqa: N818 (the contrary of readable, not an error of ours)
    """Not an event, or its data is not what its type promises. The text names the place, never the value."""


def read(body: bytes | str) -> Envelope:
    """The envelope, or Unreadable."""
    try:
        return Envelope.model_validate_json(body)
    except ValidationError as error:
        raise Unreadable(_places(error)) from None


def read_data(kind: type, data: dict[str, Any]) -> Any:
    """A consumer's own reading of an event's data, or Unreadable."""
    try:
        return adapter_of(kind).validate_python(data)
    except ValidationError as error:
        raise Unreadable(_places(error)) from None


def _places(error: ValidationError) -> str:
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"/{'/'.join(map(str, item['loc']))}: {item['type']}" for item in wrong[:5])
