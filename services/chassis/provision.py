"""Makes MongoDB and RabbitMQ ready for the services: replica set, users, virtual host, permissions, exchange, policies.

It is idempotent: it looks first, changes what differs and says so in one line each. It may run at every deployment, and
after a secret was exchanged it gives the servers the new one. It never deletes anything.
"""

import argparse
import base64
import hashlib
import hmac
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError

from chassis import SERVICES, topology
from chassis.settings import EX_CONFIG, SettingsError

REPLICA_SET = "rs0"
POLICIES: Mapping[str, tuple[str, Mapping[str, int | str]]] = {
    **{
        f"retry-{step}": (rf"^[a-z]+\.retry\.{step}$", {"message-ttl": milliseconds})
        for step, milliseconds in topology.RETRY_MILLISECONDS.items()
    },
    "events": (r"^[a-z]+\.events$", {"delivery-limit": topology.DELIVERY_LIMIT}),
    "feed": (rf"^{re.escape(topology.FEED)}$", {"max-age": "90D", "max-length-bytes": 2_000_000_000}),
}
"""What may change while queues live. Queue arguments cannot, so times and limits stand here (name: pattern,
definition).
"""

MONITOR = "monitor"
"""The user of monitoring systems: it reads the feed, and can do nothing else."""

DEADLINE_SECONDS = 90.0
REQUEST_SECONDS = 10.0
POLL_SECONDS = 0.3

# MongoDB's error codes.
UNAUTHORIZED, AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 13, 18, 23
WAIT_FOR = frozenset({74, 91, 189, 10107, 11600, 11602, 13435, 13436})
"""Servers start, stop or elect: a member is not there yet, shutdown, stepped down, not primary, interrupted."""

WRONG_ADMIN = "mongodb: the secret mongo_admin is not the administrator's password"

Document = dict[str, Any]
Report = Callable[[str], None]
T = TypeVar("T")


class ProvisionError(Exception):
    """A server cannot be made ready; the text is one line for the operator."""


@dataclass(frozen=True, slots=True)
class ProvisionSettings:
    """Where the servers are, and where the secrets lie. The URLs name the administrator; the passwords are files."""

    mongo_admin_url: str
    replica_set_members: tuple[str, ...]
    rabbitmq_admin_url: str
    vhost: str
    secrets: Path

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "ProvisionSettings":
        """The settings, or SettingsError with a line for each variable that is missing or malformed."""
        wrong = [
            f"{name}: {'is missing' if not environ.get(name) else f'must be {scheme}://USER@HOST…'}"
            for name, scheme in (("MONGO_ADMIN_URL", "mongodb"), ("RABBITMQ_ADMIN_URL", "http"))
            if urlsplit(environ.get(name, "")).scheme not in (scheme, f"{scheme}s", f"{scheme}+srv")
            or not urlsplit(environ.get(name, "")).username
        ]
        wrong += [f"{name}: is missing" for name in ("REPLICA_SET_MEMBERS", "SECRETS_DIR") if not environ.get(name)]
        if wrong:
            raise SettingsError("\n".join(wrong))
        return cls(
            mongo_admin_url=environ["MONGO_ADMIN_URL"],
            replica_set_members=tuple(member.strip() for member in environ["REPLICA_SET_MEMBERS"].split(",")),
            rabbitmq_admin_url=environ["RABBITMQ_ADMIN_URL"].rstrip("/"),
            vhost=environ.get("AMQP_VHOST", "motcua"),
            secrets=Path(environ["SECRETS_DIR"]),
        )

    def secret(self, name: str) -> str:
        """The content of one secret; ProvisionError when it cannot be read or is empty."""
        try:
            text = (self.secrets / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ProvisionError(f"secret {name}: {error.strerror}") from None
        if not text:
            raise ProvisionError(f"secret {name}: is empty")
        return text


def provision(settings: ProvisionSettings, report: Report = print, deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Makes both servers ready, calling `report` with one line for each thing changed; ProvisionError if that fails.

    Servers that are still starting are waited for until the deadline, each.
    """
    provision_mongo(settings, report, deadline_seconds)
    provision_rabbitmq(settings, report, deadline_seconds)


# -- MongoDB -----------------------------------------------------------------------------------------------------------


def provision_mongo(settings: ProvisionSettings, report: Report, deadline_seconds: float) -> None:
    """The replica set, the administrator if the server has no user at all, and one user for each service."""
    deadline = time.monotonic() + deadline_seconds
    password = settings.secret("mongo_admin")
    passwords = {service: settings.secret(f"mongo_{service}") for service in SERVICES}
    try:
        admin_exists = _initiate_replica_set(settings, password, report, deadline)
        if not admin_exists:
            with _client(settings, None, whole_set=True) as client:
                _wait_for_primary(client, deadline)
                name = urlsplit(settings.mongo_admin_url).username
                _make_administrator(client, name, password)
                report(f"mongodb: made the administrator {name}")
        with _client(settings, password, whole_set=True) as client:
            _wait_for_primary(client, deadline)
            for service in SERVICES:
                _mongo_user(client, service, passwords[service], report)
    except (PyMongoError, ConfigurationError) as error:
        # The driver adds its timeouts and its picture of the servers, which tell an operator nothing.
        raise ProvisionError(f"mongodb: {_one_line(str(error).split(' (configured timeouts')[0])}") from None


def _make_administrator(client: MongoClient[Document], name: str | None, password: str) -> None:
    try:
        client.admin.command("createUser", name, pwd=password, roles=[{"role": "root", "db": "admin"}])
    except OperationFailure as error:
        # There are users, so an anonymous client is not let in: the administrator exists, with another password.
        if error.code == UNAUTHORIZED:
            raise ProvisionError(WRONG_ADMIN) from None
        raise


def _client(settings: ProvisionSettings, password: str | None, *, whole_set: bool = False) -> MongoClient[Document]:
    """A client of the server that the URL names, or of whichever member is primary; anonymous without a password."""
    parts = urlsplit(settings.mongo_admin_url)
    hosts = ",".join(settings.replica_set_members) if whole_set else parts.netloc.rpartition("@")[2]
    unwanted = {"directconnection", "replicaset"} | (set() if password else {"authsource"})
    query = [(key, value) for key, value in parse_qsl(parts.query) if key.lower() not in unwanted]
    query.append(("replicaSet", REPLICA_SET) if whole_set else ("directConnection", "true"))
    user = f"{parts.username}@" if password else ""
    return MongoClient(
        parts._replace(netloc=user + hosts, path="/", query=urlencode(query)).geturl(),
        password=password,
        serverSelectionTimeoutMS=2_000,
        connectTimeoutMS=2_000,
        socketTimeoutMS=20_000,
    )


def _initiate_replica_set(settings: ProvisionSettings, password: str, report: Report, deadline: float) -> bool:
    """Initiates the replica set unless it is; False when the administrator is still to be made.

    A server without any user lets a client on the same machine in without credentials (the localhost exception), which
    is how a new server gets its first user when no container image made one.
    """
    members = settings.replica_set_members
    config = {"_id": REPLICA_SET, "members": [{"_id": i, "host": host} for i, host in enumerate(members)]}
    admin_exists = _authenticates(settings, password, deadline)
    with _client(settings, password if admin_exists else None) as client:
        # `hello` is answered to anybody, so it tells about the set before there is a user.
        hello = client.admin.command("hello")
        if "setName" not in hello:
            if _retry(lambda: _initiate(client, config), deadline):
                report(f"mongodb: initiated the replica set {REPLICA_SET} of {', '.join(members)}")
        elif hello["setName"] != REPLICA_SET or sorted(hello.get("hosts", ())) != sorted(members):
            raise ProvisionError(
                f"mongodb: the replica set is {hello['setName']} of {', '.join(hello.get('hosts', ()))},"
                f" not {REPLICA_SET} of {', '.join(members)}: correct REPLICA_SET_MEMBERS,"
                " or change the set with rs.reconfig()"
            )
    return admin_exists


def _initiate(client: MongoClient[Document], config: Document) -> bool:
    """False when the set was initiated already and the server had only not read its configuration yet."""
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code == UNAUTHORIZED:
            raise ProvisionError(WRONG_ADMIN) from None
        if error.code != ALREADY_INITIALIZED:
            raise
        return False
    return True


def _authenticates(settings: ProvisionSettings, password: str, deadline: float) -> bool:
    """Whether the administrator's password is taken; waits for the server to answer."""

    def ask() -> bool:
        with _client(settings, password) as client:
            try:
                client.admin.command("ping")
            except OperationFailure as error:
                if error.code != AUTHENTICATION_FAILED:
                    raise
                return False
            return True

    return _retry(ask, deadline)


def _wait_for_primary(client: MongoClient[Document], deadline: float) -> None:
    # `ping` goes to the primary, and is refused for as long as there is none.
    _retry(lambda: client.admin.command("ping"), deadline)


def _retry(act: Callable[[], T], deadline: float) -> T:
    """The act's result; tries again until the deadline while the server cannot be reached, starts or elects."""
    while True:
        try:
            return act()
        except ConnectionFailure:
            if time.monotonic() > deadline:
                raise
        except OperationFailure as error:
            if error.code not in WAIT_FOR or time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def _mongo_user(client: MongoClient[Document], service: str, password: str, report: Report) -> None:
    """The service's user in the service's database: readWrite there, nothing anywhere else."""
    name = f"motcua_{service}"
    database = client[name]
    roles = [{"role": "readWrite", "db": name}]
    found = database.command("usersInfo", service)["users"]
    if not found:
        database.command("createUser", service, pwd=password, roles=roles)
        report(f"mongodb: made the user {service} in {name}")
        return
    if found[0]["roles"] != roles:
        database.command("updateUser", service, roles=roles)
        report(f"mongodb: corrected the roles of {service} in {name}")
    if not _takes(client, service, name, password):
        database.command("updateUser", service, pwd=password)
        report(f"mongodb: changed the password of {service} in {name}")


def _takes(admin: MongoClient[Document], user: str, database: str, password: str) -> bool:
    """Whether the primary takes the user's password."""
    if admin.primary is None:
        raise ProvisionError("mongodb: the primary has gone")
    host, port = admin.primary
    with MongoClient[Document](
        host,
        port,
        username=user,
        password=password,
        authSource=database,
        directConnection=True,
        serverSelectionTimeoutMS=5_000,
    ) as client:
        try:
            client[database].command("ping")
        except OperationFailure as error:
            if error.code != AUTHENTICATION_FAILED:
                raise
            return False
        return True


# -- RabbitMQ ----------------------------------------------------------------------------------------------------------


def provision_rabbitmq(settings: ProvisionSettings, report: Report, deadline_seconds: float) -> None:
    """The virtual host, the exchange, the policies, and one user for each service and for monitoring systems with the
    rights that the contract gives.
    """
    parts = urlsplit(settings.rabbitmq_admin_url)
    admin = parts.username or ""
    url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    passwords = {user: settings.secret(f"amqp_{user}") for user in (*SERVICES, MONITOR)}
    with Management(url, admin, settings.secret("amqp_admin")) as api:
        api.wait(time.monotonic() + deadline_seconds)
        vhost = quote(settings.vhost, safe="")
        if api.get(f"vhosts/{vhost}") is None:
            api.put(f"vhosts/{vhost}", {})
            report(f"rabbitmq: made the virtual host {settings.vhost}")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        api.settle(f"permissions/{vhost}/{admin}", everything, f"set the permissions of {admin}", report)
        exchange = {"type": "topic", "durable": True, "auto_delete": False, "internal": False}
        api.settle(f"exchanges/{vhost}/{topology.EVENTS}", exchange, f"made the exchange {topology.EVENTS}", report)
        for name, (pattern, definition) in POLICIES.items():
            policy = {"pattern": pattern, "definition": dict(definition), "apply-to": "queues", "priority": 0}
            api.settle(f"policies/{vhost}/{name}", policy, f"set the policy {name}", report)
        for service in SERVICES:
            _rabbitmq_user(api, vhost, service, passwords[service], report)
        _monitor(api, vhost, passwords[MONITOR], report)


def _user(api: "Management", name: str, password: str, report: Report) -> None:
    found = api.get(f"users/{name}")
    if found is None or found["tags"] or not _hash_fits(found, password):
        api.put(f"users/{name}", {"password": password, "tags": ""})
        report(f"rabbitmq: {'made the user' if found is None else 'changed the password or tags of'} {name}")


def _monitor(api: "Management", vhost: str, password: str, report: Report) -> None:
    _user(api, MONITOR, password, report)
    rights = {"configure": "^$", "write": "^$", "read": rf"^{re.escape(topology.FEED)}$"}
    api.settle(f"permissions/{vhost}/{MONITOR}", rights, f"set the permissions of {MONITOR}", report)


def _rabbitmq_user(api: "Management", vhost: str, service: str, password: str, report: Report) -> None:
    _user(api, service, password, report)
    own, events = rf"{service}(\..*)?", re.escape(topology.EVENTS)
    if service == topology.FEED_OWNER:
        own += f"|{re.escape(topology.FEED)}"
    rights = {
        "configure": f"^({own})$",
        # RabbitMQ 4.3 answers a relay's question whether a subscriber's queues are there only if the relay has some
        # right on the queue. To write to a queue is to bind it: the least of the three, and of use to nobody for a
        # parked queue.
        "write": rf"^({own}|[a-z]+\.parked|{events})$",
        "read": rf"^({own}|{events})$",
    }
    api.settle(f"permissions/{vhost}/{service}", rights, f"set the permissions of {service}", report)
    # A service publishes under its own name only, so no other can announce, say, that a dossier was received.
    topics = {"exchange": topology.EVENTS, "write": rf"^{service}\.", "read": ".*"}
    present = api.get(f"topic-permissions/{vhost}/{service}") or []
    if not any(all(item.get(key) == value for key, value in topics.items()) for item in present):
        api.put(f"topic-permissions/{vhost}/{service}", topics)
        report(f"rabbitmq: set the topic permissions of {service}")


def _hash_fits(user: Mapping[str, Any], password: str) -> bool:
    """Whether the user's stored hash (base64 of a salt of 4 bytes and the digest) is this password's."""
    digest = hashlib.sha512 if str(user.get("hashing_algorithm", "")).endswith("sha512") else hashlib.sha256
    stored = base64.b64decode(user.get("password_hash") or "")
    return hmac.compare_digest(stored[4:], digest(stored[:4] + password.encode()).digest())


class Management:
    """RabbitMQ's management HTTP API. Every failure is a ProvisionError of one line."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        # Neither a proxy nor a .netrc of the environment has any business between us and the broker.
        self._session.trust_env = False
        self._session.auth = (user, password)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def wait(self, deadline: float) -> None:
        """Until the server answers, whatever it answers."""
        while True:
            try:
                self.get("overview")
                return
            except _Unreachable as error:
                if time.monotonic() > deadline:
                    raise ProvisionError(str(error)) from None
            time.sleep(POLL_SECONDS)

    def get(self, path: str) -> Any:
        """The parsed answer, or None when there is no such thing."""
        answer = self._send("GET", path, None)
        return None if answer.status_code == 404 else answer.json()

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self._send("PUT", path, body)

    def settle(self, path: str, wanted: Mapping[str, Any], what: str, report: Report) -> None:
        """Puts the thing unless it is there with all these values."""
        found = self.get(path)
        if found is None or any(found.get(key) != value for key, value in wanted.items()):
            self.put(path, wanted)
            report(f"rabbitmq: {what}")

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self._url}/api/{path}", json=body, timeout=REQUEST_SECONDS)
        except requests.RequestException as error:
            raise _Unreachable(f"rabbitmq: {self._url} does not answer ({type(error).__name__})") from None
        if answer.status_code == 401:
            raise ProvisionError("rabbitmq: the secret amqp_admin is not the administrator's password")
        if answer.status_code in (502, 503):
            raise _Unreachable(f"rabbitmq: {self._url} answers {answer.status_code}")
        if answer.status_code >= 400 and not (method == "GET" and answer.status_code == 404):
            raise ProvisionError(f"rabbitmq: {method} {path}: {answer.status_code} {_one_line(answer.text)}")
        return answer


class _Unreachable(ProvisionError):  # noqa: N818 (what it is, and the error is its base)
    """The server does not answer now, and may later."""


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]


def main(argv: Sequence[str] | None = None) -> int:
    """`provision`: 0 when both servers are ready, 1 when one is not, 78 when a variable is missing or malformed."""
    parser = argparse.ArgumentParser(prog="provision", description="Makes MongoDB and RabbitMQ ready for the services.")
    parser.add_argument("--deadline", type=float, default=DEADLINE_SECONDS, help="seconds to wait for each server")
    arguments = parser.parse_args(argv)
    changes: list[str] = []

    def report(line: str) -> None:
        changes.append(line)
        print(line, flush=True)

    try:
        provision(ProvisionSettings.read(), report, arguments.deadline)
    except SettingsError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return EX_CONFIG
    except ProvisionError as error:
        print(f"provision: {error}", file=sys.stderr)
        return 1
    print(f"provision: {len(changes)} changes" if changes else "provision: nothing to change")
    return 0
