"""A service as the chassis sees it, and the commands that each one has: web, worker, openapi, parked, and its own.

`python -m intake worker` calls `main(INTAKE)`; `INTAKE` is made in the service's `main.py`, its composition root.
"""

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from flask import Flask
from pydantic_core import to_json
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from chassis import SERVICES, auth, heap, logs, openapi, scrape, store, topology, worker
from chassis.clock import Clock, system_clock
from chassis.consume import Consumer, Subscription
from chassis.errors import Problem
from chassis.parked import Parked, ParkedMessages
from chassis.parked_api import parked_routes
from chassis.publish import Publisher
from chassis.relay import Relay
from chassis.settings import Settings, cannot_start, read_or_exit
from chassis.web import Health, Router, application, refusal

S = TypeVar("S", bound=Settings)
EVERY_ONE = 1_000_000
STOPPING = "motcua.stopping"
log = logs.get()


@dataclass(frozen=True, slots=True)
class Context(Generic[S]):
    """What a service is assembled from."""

    settings: S
    database: Database[store.Document]
    carrier: store.Carrier
    clock: Clock
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when a web process is told to stop: an answer that would go on for minutes ends then."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service consists of, once assembled."""

    add_routes: Callable[[Router], None]
    table: Sequence[Subscription]
    outboxes: Sequence[Collection[store.Document]]
    ensure_indexes: Callable[[], None]
    upgrade: Callable[[], None] = lambda: None
    """Brings a store that an earlier version wrote into this version's form, before the worker does anything else."""
    loops: Mapping[str, worker.Loop] = field(default_factory=dict)
    add_pages: Callable[[Flask], None] | None = None
    details: Callable[[], Mapping[str, Any]] = dict
    """What the worker's /readyz tells besides; it does not make it less ready."""


Command = Callable[[Context[Any], Parts, list[str]], int]


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """A service's description. `assemble` opens nothing by itself: it gets its database and its carrier."""

    name: str
    settings: type[S]
    scopes: Mapping[str, str]
    publishes: Sequence[type]
    assemble: Callable[[Context[S]], Parts]
    commands: Mapping[str, tuple[str, Command]] = field(default_factory=dict)
    feeds: Sequence[type] = ()
    """The events of the public feed: they go to its stream, and not to the services."""
    single_active: bool = False
    """One consumer at a time, the others stand by: for effects that two at once would overwrite."""


def main(service: Service[Any], argv: Sequence[str] | None = None) -> int:
    """Runs one command of the service; the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("web", help="answer HTTP requests")
    commands.add_parser("worker", help="relay events, consume events, run timers")
    commands.add_parser("openapi", help="print the OpenAPI document")
    parked = commands.add_parser("parked", help="list, replay or discard parked messages")
    parked.add_argument("act", choices=("list", "replay", "discard"))
    parked.add_argument("id", nargs="?", help="the message's id, from the list; `all` replays every one")
    for name, (text, _) in service.commands.items():
        commands.add_parser(name, help=text, add_help=False)
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command not in service.commands:
        parser.error(f"unexpected: {' '.join(rest)}")
    if arguments.command == "openapi":
        sys.stdout.write(json.dumps(openapi.document(described(service), "1"), ensure_ascii=False, indent=1) + "\n")
        return 0
    settings = read_or_exit(service.settings)
    # What runs for long is followed by its log; what a command prints is its answer.
    stream = sys.stdout if arguments.command in ("web", "worker") else sys.stderr
    logs.configure(service.name, arguments.command, settings.log_level, stream)
    if wrong := _unusable(service, settings, arguments.command):
        cannot_start("\n".join(wrong))
    if arguments.command == "web":
        return _web(service, settings)
    if arguments.command == "worker":
        return _worker(service, settings)
    if arguments.command == "parked":
        return _parked(service, settings, arguments.act, arguments.id)
    context = _context(settings, store.Carrier(system_clock))
    return service.commands[arguments.command][1](context, service.assemble(context), rest)


def _unusable(service: Service[Any], settings: Settings, command: str) -> list[str]:
    strangers = [name for name in settings.subscribers if name not in (*SERVICES, service.name)]
    wrong = settings.unusable(command)
    if strangers or not settings.subscribers:
        wrong.append(f"SUBSCRIBERS: names of services, separated by commas; there is no {strangers or 'name'}")
    if command == "web":
        wrong += auth.unusable(settings.jwks, settings.api_keys_file)
    return wrong


def assembled_for_description(service: Service[Any]) -> Parts:
    """The service's parts without anything behind them: for its contract documents and for tests over all routes."""
    context: Context[Any] = Context(
        service.settings.model_construct(
            **{name: f.get_default() for name, f in service.settings.model_fields.items()}
        ),
        store.connect("mongodb://nowhere.invalid/none", lazy=True),
        store.Carrier(system_clock),
        system_clock,
    )
    return service.assemble(context)


def described(service: Service[Any]) -> Router:
    """The service's routes, see `assembled_for_description`."""
    return router_of(service, assembled_for_description(service), lambda: None)


def router_of(service: Service[Any], parts: Parts, parked: Callable[[], ParkedMessages | None]) -> Router:
    router = Router(service.name, {**auth.COMMON_SCOPES, **service.scopes})
    parts.add_routes(router)
    parked_routes(router, parked)
    return router


def _context(settings: S, carrier: store.Carrier) -> Context[S]:
    return Context(settings, store.connect(settings.mongo_url), carrier, system_clock)


# -- web ---------------------------------------------------------------------------------------------------------------


def web_app(service: Service[Any], settings: Settings) -> Flask:
    """The Flask application, with its own connections: call it after any fork."""
    context = _context(settings, store.Carrier(system_clock))
    return app_of(service, service.assemble(context), context)


def app_of(service: Service[Any], parts: Parts, context: Context[Any]) -> Flask:
    """The Flask application of an assembled service."""
    settings = context.settings
    with suppress(*store.UNAVAILABLE):
        # When the store is away, the worker makes the indexes as soon as it is back.
        parts.ensure_indexes()
    parked = ParkedMessages(settings.amqp_url, service.name, context.database, context.clock)
    app = application(
        router_of(service, parts, lambda: parked),
        auth.Authenticator(
            settings.jwks, settings.api_keys_file, issuer=settings.jwt_issuer, audience=settings.jwt_audience
        ),
        context.clock,
        Health(lambda: _web_checks(context.database), worker.version(service.name)),
        max_body_bytes=settings.max_body_bytes,
        unavailable=store.UNAVAILABLE,
    )
    if parts.add_pages is not None:
        parts.add_pages(app)
    app.extensions[STOPPING] = context.stopping
    return app


def _web_checks(database: Database[store.Document]) -> tuple[bool, dict[str, Any]]:
    """Ready when the store is: writes go on while the broker is away, so its state is told but does not count."""
    ready = store.ping(database)
    latest: store.Document | None = None
    if ready:
        with suppress(PyMongoError):
            latest = database["processes"].find_one({}, sort=[("at", -1)])
    return ready, {
        "store": "ok" if ready else "away",
        "worker": {k: v for k, v in (latest or {}).items() if k not in ("_id", "at")},
    }


REQUEST_LINE = 8190
"""Bytes: the gateway's limit too, and gunicorn's utmost."""


def _web(service: Service[Any], settings: Settings) -> int:
    from gunicorn import util  # noqa: PLC0415 (it is heavy, and only this command needs it)
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415
    from gunicorn.glogging import Logger  # noqa: PLC0415

    class Log(Logger):
        """gunicorn's own messages in our form, and without the callers' addresses and what they sent."""

        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            self.error_log.handlers.clear()
            self.error_log.propagate = True

        def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
            super().warning(str(msg).partition(" from ip=")[0], *args, **kwargs)

        def exception(self, msg: object, *_: object, **__: Any) -> None:
            super().exception(str(msg).partition(" %s")[0])

    def tell_when_stopping(gunicorn_worker: Any) -> None:
        def handle(number: int, frame: Any) -> None:
            gunicorn_worker.wsgi.extensions[STOPPING].set()
            gunicorn_worker.handle_exit(number, frame)

        signal.signal(signal.SIGTERM, handle)

    def refuse(client: Any, status: int, _reason: str, _message: str) -> None:
        util.write_nonblock(client, refusal(status))

    # What it cannot read never comes to the application; there is no setting for how it says so.
    util.write_error = refuse  # type: ignore[assignment]  # (its parameters have other names)

    class Server(BaseApplication):
        def load_config(self) -> None:
            options = {
                "bind": f"{settings.bind}:{settings.port}",
                "worker_class": "gthread",
                "workers": settings.web_processes,
                "threads": settings.web_threads,
                "keepalive": 75,
                "limit_request_line": REQUEST_LINE,
                "graceful_timeout": 25,
                "timeout": 60,
                "worker_tmp_dir": scrape.memory(),
                "control_socket_disable": True,
                "logger_class": Log,
                "post_worker_init": tell_when_stopping,
                "child_exit": lambda _server, child: scrape.ended(child.pid),
                "proc_name": f"{service.name}-web",
            }
            for key, value in options.items():
                if key in self.cfg.settings:
                    self.cfg.set(key, value)

        def load(self) -> Any:
            app = web_app(service, settings)
            heap.settle()
            return app

    Server().run()
    return 0


# -- worker ------------------------------------------------------------------------------------------------------------


def _worker(service: Service[Any], settings: Settings) -> int:
    carrier = store.Carrier(system_clock, grace=timedelta(milliseconds=settings.relay_grace_ms))
    context = _context(settings, carrier)
    parts = service.assemble(context)
    consumer = Consumer(
        settings.amqp_url, service.name, parts.table, Publisher(settings.amqp_url, settings.subscribers),
        context.database, carrier, context.clock, batch=settings.consumer_batch,
        gather_seconds=settings.consumer_gather_ms / 1000, single_active=service.single_active,
    )  # fmt: skip
    holder = f"{socket.gethostname()}:{os.getpid()}"
    relay = Relay(
        context.database, parts.outboxes, Publisher(settings.amqp_url, settings.subscribers),
        store.Lease(context.database, "relay", holder), context.clock,
        batch=settings.relay_batch, poll_seconds=settings.relay_poll_ms / 1000,
    )  # fmt: skip

    def checks() -> tuple[bool, dict[str, Any]]:
        stored = store.ping(context.database)
        details = {
            "store": "ok" if stored else "away",
            "broker": "ok" if consumer.connected else "away",
            **relay.ages(),
            **consumer.ages(),
            **parts.details(),
        }
        return stored and consumer.connected, details

    def beat() -> None:
        row = {**checks()[1], "at": context.clock()}
        context.database["processes"].update_one({"_id": "worker"}, {"$set": row}, upsert=True)

    def prepare() -> None:
        parts.ensure_indexes()
        parts.upgrade()

    _until_available(prepare)
    heap.settle()
    loops: dict[str, worker.Loop] = {
        "consumer": consumer.run,
        # A service that publishes nothing needs no change stream over its writes.
        **({"relay": relay.run} if parts.outboxes else {}),
        "heartbeat": worker.every(5, beat, store.UNAVAILABLE),
        **parts.loops,
    }
    return worker.run(loops, settings.bind, settings.health_port, checks, worker.version(service.name))


def _until_available(act: Callable[[], None]) -> None:
    """Waits for the store for as long as it takes; the supervisor's health check is what gives up."""
    stop = [False]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    while not stop[0]:
        try:
            act()
            stop[0] = True
        except store.UNAVAILABLE as error:
            log.warning("store_away", reason=type(error).__name__)


# -- parked ------------------------------------------------------------------------------------------------------------


def _parked(service: Service[Any], settings: Settings, act: str, id: str | None) -> int:
    database = store.connect(settings.mongo_url)
    parked = ParkedMessages(settings.amqp_url, service.name, database, system_clock)
    by = f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"
    try:
        return _act_on_parked(service, parked, act, id, by)
    except Problem as problem:
        print(problem.detail, file=sys.stderr)
        return 1


def _act_on_parked(service: Service[Any], parked: ParkedMessages, act: str, id: str | None, by: str) -> int:
    if act == "list":
        found = parked.list(EVERY_ONE)
        for item in found:
            print(to_json(asdict(item)).decode())
        print(f"{len(found)} in {topology.parked_queue(service.name)}", file=sys.stderr)
        return 0
    if id is None:
        print(f"{act} needs an id from `parked list`", file=sys.stderr)
        return 2
    if act == "discard":
        done: Iterable[Parked] = [parked.discard(id, by)]
    else:
        done = parked.replay_all(by) if id == "all" else [parked.replay(id, by)]
    for item in done:
        print(to_json(asdict(item)).decode())
    return 0
