"""AsyncAPI 3.0 from what the services publish and consume
(https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import TypeAdapter

from chassis.consume import Subscription
from chassis.envelope import CONTENT_TYPE, routing_key
from chassis.topology import EVENTS, FEED, input_queue

_ENVELOPE_REQUIRED = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "sequence", "data"]


def document(
    published: Mapping[str, Sequence[type]],
    consumed: Mapping[str, Sequence[Subscription]],
    version: str,
    feeds: Mapping[str, Sequence[type]] | None = None,
) -> dict[str, Any]:
    """The whole document: one channel an event type, who sends it, and who receives it; and the public feed, one
    channel with all the types of `feeds`."""
    types: dict[str, tuple[str, Any]] = {}
    for service, events in published.items():
        types |= {routed.TYPE: (service, routed) for routed in cast(Sequence[Any], events)}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for event_type, (service, event) in sorted(types.items()):
        name = _name(event_type)
        messages[name] = _message(event_type, event, schemas)
        channels[name] = {
            "address": routing_key(event_type),
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "bindings": {"amqp": {"is": "routingKey", "exchange": {"name": EVENTS, "type": "topic", "durable": True}}},
        }
        operations[f"{service}.sends.{name}"] = {"action": "send", "channel": {"$ref": f"#/channels/{name}"}}
        for consumer, table in sorted(consumed.items()):
            if any(_takes(wanted, event_type) for subscription in table for wanted in subscription.readings):
                operations[f"{consumer}.receives.{name}"] = {
                    "action": "receive",
                    "channel": {"$ref": f"#/channels/{name}"},
                    "description": f"From the queue {input_queue(consumer)}.",
                }
    for service, events in (feeds or {}).items():
        if events:
            _add_feed(service, cast(Sequence[Any], events), channels, operations, messages, schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Một Cửa: events",
            "version": version,
            "description": "CloudEvents 1.0, structured JSON. `sequence` counts the events of one subject from 1 "
            "without gaps. A type is versioned in its name and only ever gains optional fields. Delivery is at least "
            "once and in any order.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _message(event_type: str, event: Any, schemas: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """The message of an event; what its data consists of is added to `schemas`."""
    schema = TypeAdapter(event).json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    schemas |= {name: part for name, part in schema.pop("$defs", {}).items() if _same(schemas, name, part)}
    return {
        "name": event_type,
        "contentType": CONTENT_TYPE,
        "summary": " ".join(inspect.cleandoc(_doc(event)).split("\n\n")[0].split()),
        "payload": _envelope(event_type, schema, attributes),
    }


def _add_feed(
    service: str,
    events: Sequence[Any],
    channels: dict[str, Any],
    operations: dict[str, Any],
    messages: dict[str, Any],
    schemas: dict[str, Any],
) -> None:
    for event in events:
        messages[_name(event.TYPE)] = _message(event.TYPE, event, schemas, cursor={"type": "integer", "minimum": 1})
    channels["motcua_feed"] = {
        "address": FEED,
        "description": "A RabbitMQ stream, to be read over AMQP 0-9-1 from any `x-stream-offset` by the user `monitor`."
        " `cursor` counts its entries from 1 without gaps; an entry may come twice, with the same cursor. `sequence`"
        " is the revision of what the subject names: a later one replaces an earlier one. The same events are answered"
        f" by GET /api/{service}/v1/events?after=<cursor> and, as server-sent events, /api/{service}/v1/events/stream.",
        "messages": {_name(event.TYPE): {"$ref": f"#/components/messages/{_name(event.TYPE)}"} for event in events},
        "bindings": {"amqp": {"is": "queue", "queue": {"name": FEED, "durable": True, "exclusive": False}}},
    }
    operations[f"{service}.sends.feed"] = {"action": "send", "channel": {"$ref": "#/channels/motcua_feed"}}


def _name(event_type: str) -> str:
    return event_type.replace(".", "_")


def _doc(event: type) -> str:
    """The event's own docstring; the one that `dataclass` makes up says nothing."""
    text = event.__doc__ or ""
    return event.__name__ if text.startswith(f"{event.__name__}(") else text


def _takes(wanted: str, event_type: str) -> bool:
    return event_type.startswith(wanted[:-1]) if wanted.endswith("#") else wanted == event_type


def _same(known: Mapping[str, Any], name: str, part: Any) -> bool:
    """Two services may not use one name for two shapes in one document."""
    if name in known and known[name] != part:
        raise ValueError(f"the schema {name} has two shapes")
    return True


def _envelope(event_type: str, data: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": [*_ENVELOPE_REQUIRED, *attributes],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": {"const": event_type},
            "subject": text,
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {"type": "integer", "minimum": 1},
            "traceparent": text,
            **attributes,
            "data": data,
        },
    }
