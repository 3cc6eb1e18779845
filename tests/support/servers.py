"""The MongoDB and RabbitMQ servers that tests share, and a test's own corner of the broker."""

import json
import os
import secrets
import shutil
import signal
import socket
import socketserver
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, cast
from urllib.parse import quote

import pika
import psutil
import requests

from native.children import NativeError
from native.ports import free_port
from native.servers import Mongod, RabbitMQ

FOLDER_PREFIX = "motcua-tests-"
MEMORY_DISK = Path("/dev/shm")
ROOM_IN_MEMORY = 1_000_000_000
RETRY_STEPS = MappingProxyType({"5s": 200, "30s": 400, "5m": 600, "1h": 800})
"""Milliseconds that tests wait where the deployment waits the step's name."""


def scratch_folder() -> Path:
    """A new folder for servers' data, in memory when there is room: the tests make no disk wait for another.

    What a killed test run left there is removed first.
    """
    places = [Path(tempfile.gettempdir())]
    if MEMORY_DISK.is_dir() and os.access(MEMORY_DISK, os.W_OK):
        places.insert(0, MEMORY_DISK)
    for left_over in (folder for place in places for folder in place.glob(f"{FOLDER_PREFIX}*")):
        pid = left_over.name.removeprefix(FOLDER_PREFIX).split("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left_over, ignore_errors=True)
    place = next((p for p in places if shutil.disk_usage(p).free > ROOM_IN_MEMORY), places[-1])
    return Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=place))


def make_mongod(folder: Path, name: str = "mongo") -> Mongod:
    """A mongod without authentication; nothing is lost if it is killed but the tests' data."""
    # What expires is gone once a minute, by the machine's clock, which is not the tests'.
    still = ("--setParameter", "ttlMonitorEnabled=false")
    return Mongod(folder / name, free_port(), extra_args=still, oplog_mb=100, orphan_signal=signal.SIGKILL)


def make_rabbitmq(folder: Path, name: str = "rabbitmq") -> RabbitMQ:
    """A broker whose numbers in the management API are half a second old at most, not five."""
    settings = {
        "rabbit.collect_statistics_interval": 500,
        "rabbit.quorum_tick_interval": 500,
        "ra.wal_max_size_bytes": 64_000_000,
    }
    node = f"{name}-{secrets.token_hex(4)}@localhost"
    ports = free_port(), free_port(), free_port()
    password = secrets.token_urlsafe(16)
    return RabbitMQ(folder / name, *ports, node, password=password, settings=settings, orphan_signal=signal.SIGKILL)


SETTLED_SECONDS = 3
"""RabbitMQ 3.10 saves its list of quorum queues when it has been idle for a while. A broker that is killed sooner after
a queue was declared takes that queue's log for a stranger's, and the queue never gets a leader again."""


class SharedServers:
    """Starts each server when it is first asked for, in whichever test process, and keeps it until `close`.

    It lives in the process that controls the test run. It listens on a Unix socket, `address`, so that all of the run's
    processes can ask: `ask(address, "mongod")`. Its thread starts the servers and lives until `close`, since children
    die with the thread that started them.
    """

    def __init__(self) -> None:
        self._folder = scratch_folder()
        self.address = str(self._folder / "socket")
        self._servers: dict[str, Mongod | RabbitMQ] = {}
        shared = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(json.dumps(shared._answer(self.rfile.readline().decode().strip())).encode() + b"\n")

        self._listener = socketserver.UnixStreamServer(self.address, Handler)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.1,), name="shared servers")
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        for server in self._servers.values():
            server.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answer(self, name: str) -> dict[str, Any]:
        try:
            return self._mongod() if name == "mongod" else self._rabbitmq()
        except NativeError as error:
            return {"error": str(error)}

    def _mongod(self) -> dict[str, Any]:
        mongod = self._servers.get("mongod")
        if not isinstance(mongod, Mongod):
            mongod = make_mongod(self._folder)
            mongod.start()
            self._servers["mongod"] = mongod
            mongod.initiate()
        return {"url": mongod.url}

    def _rabbitmq(self) -> dict[str, Any]:
        rabbitmq = self._servers.get("rabbitmq")
        if not isinstance(rabbitmq, RabbitMQ):
            rabbitmq = make_rabbitmq(self._folder)
            rabbitmq.start()
            self._servers["rabbitmq"] = rabbitmq
        return {"password": rabbitmq.password, "amqp": rabbitmq.amqp_port, "management": rabbitmq.management_url}


def ask(address: str, server: str) -> dict[str, Any]:
    """What a test needs to reach the shared `mongod` or `rabbitmq`. Raises RuntimeError when it cannot be started."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(f"{server}\n".encode())
        answer = cast(dict[str, Any], json.loads(connection.makefile().readline()))
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


class Management:
    """RabbitMQ's management API as its administrator."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (RabbitMQ.admin, password)

    def get(self, *path: str) -> Any:
        return self._send("GET", path).json()

    def put(self, *path: str, **body: Any) -> None:
        self._send("PUT", path, body)

    def post(self, *path: str, **body: Any) -> Any:
        return self._send("POST", path, body).json()

    def delete(self, *path: str) -> None:
        self._send("DELETE", path)

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, path: tuple[str, ...], body: Mapping[str, Any] | None = None) -> requests.Response:
        url = "/".join([self._url, "api", *(quote(part, safe="") for part in path)])
        answer = self._session.request(method, url, json=body, timeout=90)
        answer.raise_for_status()
        return answer


class Broker:
    """A virtual host of its own for one test, with the exchange and policies that `provision` makes in a deployment.

    Retries wait milliseconds instead of the deployment's seconds to hours (RETRY_STEPS).
    """

    def __init__(self, amqp_port: int, management_url: str, password: str) -> None:
        self.vhost = f"test-{secrets.token_hex(6)}"
        self.url = f"amqp://{RabbitMQ.admin}:{quote(password, safe='')}@127.0.0.1:{amqp_port}/{self.vhost}"
        self.management = Management(management_url, password)

    def __enter__(self) -> Self:
        self.management.put("vhosts", self.vhost)
        self.management.put("permissions", self.vhost, RabbitMQ.admin, configure=".*", write=".*", read=".*")
        self.management.put("exchanges", self.vhost, "motcua.events", type="topic", durable=True)
        self.set_policies()
        return self

    def __exit__(self, *_: object) -> None:
        # A test that stopped its broker has nothing to tidy.
        with suppress(requests.ConnectionError):
            self.management.delete("vhosts", self.vhost)
        self.management.close()

    def set_policies(self, retry_ttls_ms: Mapping[str, int] = RETRY_STEPS, delivery_limit: int = 20) -> None:
        """Every step's wait in the retry queues, and how often a message may be redelivered before it is parked."""
        for step, milliseconds in retry_ttls_ms.items():
            self.set_policy(f"retry-{step}", rf"^[a-z]+\.retry\.{step}$", {"message-ttl": milliseconds})
        self.set_policy("events", r"^[a-z]+\.events$", {"delivery-limit": delivery_limit})

    def set_policy(self, name: str, pattern: str, definition: Mapping[str, Any]) -> None:
        path = ("policies", self.vhost, name)
        self.management.put(*path, pattern=pattern, definition=dict(definition), **{"apply-to": "queues"})

    def queue_depth(self, queue: str) -> int:
        """Messages ready to be delivered, as of now; those that a consumer holds are not counted."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            return int(connection.channel().queue_declare(queue, passive=True).method.message_count)

    def queues(self) -> list[str]:
        return sorted(queue["name"] for queue in self.management.get("queues", self.vhost))
