"""A service inside the test's process: its Flask app and its consumers on a database of the test's, without a broker.

`Running.request` is the API as a persona; `told` is what the service would publish, `hear` what it makes of a batch.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Flask
from pymongo.database import Database
from werkzeug.test import TestResponse

from chassis import auth, keys, service, store
from chassis.consume import Outcome, Received, Subscription
from chassis.envelope import read, read_data
from chassis.service import Context, Parts, Service
from chassis.worktime import ZONE
from native.access import PERSONAS, Persona
from tests.support.databases import connected, disconnect, indexed_once

PROBLEM_FIELDS = frozenset({"type", "title", "status", "code", "detail", "instance", "errors"})
WHEN = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
"""A Wednesday, 09:00 in Asia/Ho_Chi_Minh."""


def local(text: str) -> datetime:
    """The instant of a local time, from "2026-03-06 16:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = WHEN

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)

    def set(self, text: str) -> None:
        """To a local time, "2026-03-06 16:00"."""
        self.now = local(text)


@dataclass
class Tokens:
    """A key pair of a test run's own, and a bearer token for each persona that is asked for."""

    folder: Path
    personas: Mapping[str, Persona] = field(default_factory=lambda: MappingProxyType(dict(PERSONAS)))
    _made: dict[Persona, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keys.make_key_pair(self.folder)

    @property
    def jwks(self) -> str:
        return str(self.folder / "jwks.json")

    @property
    def api_keys(self) -> Path:
        return self.folder / "api_keys.json"

    def api_key(self, client: str, scopes: Sequence[str], agency: str | None = None) -> str:
        """A new key for an office's software or another system."""
        return keys.mint_api_key(self.api_keys, client=client, scopes=scopes, agency=agency)

    def of(self, who: str | Persona) -> str:
        """The token of a persona of `native.access`, or of any other that the test makes up; the name is the
        subject's."""
        persona = self.personas[who] if isinstance(who, str) else who
        if persona not in self._made:
            self._made[persona] = keys.mint_token(
                self.folder / "jwt_private.jwk",
                subject=subject_of(persona),
                name=persona.name,
                scopes=persona.scopes,
                agency=persona.agency,
                roles=persona.roles,
                identity=persona.identity,
            )
        return self._made[persona]


def problem(answer: TestResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is a problem (RFC 9457) of this status and, if it is given, this code; its body."""
    found: dict[str, Any] = answer.get_json(force=True)
    assert answer.status_code == status, found
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "instance"} <= found.keys() <= PROBLEM_FIELDS
    assert found["status"] == status
    assert found["type"] == f"urn:motcua:problem:{found['code']}"
    assert found["title"], "in Vietnamese"
    assert found["instance"] == answer.headers["X-Request-Id"]
    assert code is None or found["code"] == code, found
    return found


def pointers(answer: TestResponse) -> list[tuple[str, str]]:
    """(pointer, code) of each field error of a problem, in order."""
    return [(error["pointer"], error["code"]) for error in problem(answer, 422).get("errors", [])]


def subject_of(who: str | Persona) -> str:
    """A persona's subject in its token."""
    persona = PERSONAS[who] if isinstance(who, str) else who
    return f"test:{persona.name}"


def everything(of: Service[Any], agency: str | None = None) -> Persona:
    """Somebody who has every scope that the service knows."""
    return Persona("Người có mọi quyền", tuple({**of.scopes, **auth.COMMON_SCOPES}), agency)


_KEYS = count()


@dataclass(frozen=True)
class Running:
    """An assembled service."""

    service: Service[Any]
    url: str
    app: Flask
    parts: Parts
    database: Database[store.Document]
    clock: Clock
    tokens: Tokens

    def request(
        self,
        method: str,
        path: str,
        who: str | Persona | None = None,
        body: Any = None,
        *,
        key: str | None = None,
        match: int | str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> TestResponse:
        """`path` under `/api/<service>/v1/`, or from the root when it begins with `/`. `body` is sent as JSON."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens.of(who)}"
        if key is not None:
            sent["Idempotency-Key"] = key
        if match is not None:
            sent["If-Match"] = f'"{match}"' if isinstance(match, int) else match
        where = path if path.startswith("/") else f"/api/{self.service.name}/v1/{path}"
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        given = {"data": data} if data is not None else {"json": body}
        return self.app.test_client().open(where, method=method, headers=sent, **given)

    def get(self, path: str, who: str | Persona | None = None, **options: Any) -> TestResponse:
        return self.request("GET", path, who, **options)

    def post(self, path: str, who: str | Persona | None = None, body: Any = None, **options: Any) -> TestResponse:
        """With a new Idempotency-Key, unless `key` or `match` says otherwise."""
        if "key" not in options and "match" not in options:
            options["key"] = f"key-{next(_KEYS)}-{secrets.token_hex(4)}"
        return self.request("POST", path, who, {} if body is None and "data" not in options else body, **options)

    def told(self) -> list[bytes]:
        """Every event that waits in an outbox, an aggregate's in order."""
        return [
            entry["body"].encode()
            for collection in self.parts.outboxes
            for document in collection.find({"outbox.0": {"$exists": True}}, {"outbox": 1}).sort("_id")
            for entry in document["outbox"]
        ]

    def publish(self) -> list[bytes]:
        """As the relay does: what waits in the outboxes, which is taken out of them."""
        told = self.told()
        for collection in self.parts.outboxes:
            collection.update_many({"outbox.0": {"$exists": True}}, {"$set": {"outbox": []}})
        return told

    def hear(self, bodies: Iterable[bytes]) -> list[Outcome | None]:
        """See `hear`."""
        return hear(self.parts.table, list(bodies))

    def rows(self, collection: str) -> list[store.Document]:
        """A collection's documents by `_id`."""
        return list(self.database[collection].find().sort("_id"))


def hear(table: Sequence[Subscription], bodies: Sequence[bytes]) -> list[Outcome | None]:
    """Hands a batch to the handlers as the consumer does; the outcomes in the order of `bodies`.

    None for a type that the table does not take.
    """
    outcomes: dict[int, Outcome] = {}
    exact = {wanted for subscription in table for wanted in subscription.readings}
    for subscription in table:
        mine: list[tuple[int, Received]] = []
        for n, body in enumerate(bodies):
            event = read(body)
            # Where a type is taken by its name, no pattern takes it.
            fits = _equals if event.type in exact else _fits
            kind = next((kind for wanted, kind in subscription.readings.items() if fits(event.type, wanted)), None)
            if kind is not None:
                mine.append((n, Received(event, event.data if kind is dict else read_data(kind, event.data))))
        if mine:
            results = subscription.handler([received for _, received in mine])
            outcomes.update(zip([n for n, _ in mine], results, strict=True))
    return [outcomes.get(n) for n in range(len(bodies))]


def _equals(event_type: str, wanted: str) -> bool:
    return event_type == wanted


def _fits(event_type: str, wanted: str) -> bool:
    return event_type.startswith(wanted[:-1]) if wanted.endswith("#") else event_type == wanted


def database_url(server: str, name: str) -> str:
    """The server's URL with a database in it, as a service gets it."""
    return server.replace("/?", f"/{name}?")


@contextmanager
def running(of: Service[Any], url: str, tokens: Tokens, clock: Clock, **more: Any) -> Iterator[Running]:
    """The service as its web process is, on the database of the URL. Its broker is nowhere. `more`: settings."""
    settings = of.settings.model_validate(
        {
            "mongo_url": url,
            "amqp_url": "amqp://127.0.0.1:1/none",
            "jwks": tokens.jwks,
            "api_keys_file": tokens.api_keys,
            "intake_url": "http://127.0.0.1:1",
            **more,
        }
    )
    context = Context(settings, connected(url), store.Carrier(clock), clock)
    parts = indexed_once(of.assemble(context), url)
    try:
        yield Running(of, url, service.app_of(of, parts, context), parts, context.database, clock, tokens)
    finally:
        disconnect(context.database)


@contextmanager
def another_process(of: Running) -> Iterator[Running]:
    """Another process of the same service on the same database, which keeps nothing in memory yet."""
    with running(of.service, of.url, of.tokens, of.clock) as other:
        yield other
