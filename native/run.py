"""`./run`: the whole system on one machine without containers, until Ctrl-C."""

import argparse
import errno
import fcntl
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import psutil

from chassis import SERVICES
from native import gateway, processes
from native.access import PAYMENT_PROVIDERS, write_access, write_payment_providers
from native.children import Child, NativeError
from native.ports import Ports, http_status
from native.processes import ROLES, Layout
from native.servers import Mongod, RabbitMQ
from native.supervisor import Supervisor
from native.system import find_nginx, install_missing

TOP = Path(__file__).parent.parent.absolute()
LEAST_FREE_BYTES = 500_000_000
LARGE_LOG_BYTES = 20_000_000
READY_SECONDS = 120.0
LEFT_OVER_SECONDS = 20.0
MARK = "MOTCUA_RUN"
"""In the environment of every child: the state directory that it works on."""

KEPT_BY_FRESH = {"logs", "pid", "setup.lock"}

LITTLE_FREE_BYTES = 100_000_000
"""With less the servers are about to fail, or have failed for that."""
DISK_FULL = {errno.ENOSPC, errno.EDQUOT}


class StopAsked(BaseException):
    """Raised in the main thread at the first SIGINT, SIGTERM or SIGHUP; its number."""


def say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """0; 1 after one sentence on stderr; the drive's exit status when the sample did not go as it should; 128 and the
    signal's number, as shells have it, when `--once` was stopped before it had compared."""
    parser = argparse.ArgumentParser(prog="run", description="Starts Một Cửa on this machine, without containers.")
    parser.add_argument("--once", action="store_true", help="end after the sample was driven and reported on")
    parser.add_argument(
        "--fresh", action="store_true", help="begin with empty stores; what is in .run is removed, but not its logs"
    )
    parser.add_argument(
        "--again", action="store_true", help="drive another batch, also when dossiers are there already"
    )
    parser.add_argument("--port", metavar="N", help="the gateway's port (8080)")
    options = parser.parse_args()
    state = Layout(TOP, Ports()).state
    try:
        layout = Layout(TOP, Ports.read(os.environ, options.port))
        return run(layout, once=options.once, fresh=options.fresh, again=options.again)
    except Told:
        return 1
    except (NativeError, OSError) as error:
        print(f"run: {sentence_of(error, state)}", file=sys.stderr)
        return 1
    except StopAsked as stop:
        return 128 + int(stop.args[0]) if options.once else 0


class Told(Exception):  # noqa: N818 (what happened)
    """The sentence was said already, before everything was stopped."""


def sentence_of(error: Exception, state: Path) -> str:
    """What the person at the keyboard is told. Raises the error when it is none of theirs."""
    full = f"The disk that holds {state} is full: make room and start again."
    if isinstance(error, NativeError):
        # Whatever a server or a service says of it, it is for this.
        return f"{full}\n{error}" if state.exists() and free(state) < LITTLE_FREE_BYTES else str(error)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return full
    raise error


def free(state: Path) -> int:
    return shutil.disk_usage(state).free


def run(layout: Layout, *, once: bool, fresh: bool, again: bool) -> int:
    began = time.monotonic()
    allow_many_files()
    with only_one(layout.state), Supervisor(say) as supervisor, stopped_by_signals(supervisor.kill):
        try:
            return supervise(layout, supervisor, began, once=once, fresh=fresh, again=again)
        except (NativeError, OSError) as error:
            # To stop everything may take a while, and they should not have to wait for the reason.
            print(f"run: {sentence_of(error, layout.state)}", file=sys.stderr, flush=True)
            raise Told from error


def supervise(layout: Layout, supervisor: Supervisor, began: float, *, once: bool, fresh: bool, again: bool) -> int:
    """Starts everything, drives the sample, and stays, unless `once`; the drive's exit status."""
    end_left_overs(layout.state)
    install_missing(layout.logs / "install.log")
    if fresh:
        empty(layout.state)
    if free(layout.state) < LEAST_FREE_BYTES:
        raise NativeError(f"The disk that holds {layout.state} has less than 500 MB free: make room first.")
    put_large_logs_aside(layout.logs)
    if sentence := next(layout.ports.busy(), None):
        raise NativeError(sentence)

    start_servers(layout, supervisor)
    await_ready(layout, supervisor, start_processes(layout, supervisor), began)

    drive: processes.Arguments = [
        "sample.drive", "--access", layout.access, "--base-url", layout.base_url,
        "--unfinished", layout.state / "drive.unfinished", *(["--again"] if again else []),
    ]  # fmt: skip
    status = supervisor.finish(processes.python(layout, "sample", drive, logged=False))
    if not once:
        say(what_to_open(layout))
        warned = False
        while True:
            supervisor.check()
            if not warned and free(layout.state) < LITTLE_FREE_BYTES:
                say(f"The disk that holds {layout.state} has less than 100 MB free: make room, or the servers fail.")
                warned = True
            time.sleep(0.5)
    return status


def start_servers(layout: Layout, supervisor: Supervisor) -> None:
    """MongoDB and RabbitMQ, provisioned."""
    say("Starting MongoDB and RabbitMQ")
    succeed(supervisor, processes.python(layout, "secrets", ["chassis", "secrets", layout.secrets]))
    mongod = Mongod(layout.state / "mongo", layout.ports.mongo, layout.secrets / "mongo_keyfile")
    password = (layout.secrets / "amqp_admin").read_text().strip()
    # The node's name is part of its data's path, so it must not depend on a port, which may be another one next time.
    # It cannot clash with another node's: this node has a name server of its own.
    own_ports = layout.ports.amqp, layout.ports.management, layout.ports.dist
    rabbitmq = RabbitMQ(layout.state / "rabbitmq", *own_ports, "motcua@localhost", password=password)
    supervisor.launch(mongod)
    supervisor.launch(rabbitmq)
    mongod.await_ready()
    mongod.follow_port((layout.secrets / "mongo_admin").read_text().strip())
    rabbitmq.await_ready()
    succeed(supervisor, processes.provision(layout))
    succeed(supervisor, processes.certificates(layout))


def start_processes(layout: Layout, supervisor: Supervisor) -> dict[int, Child]:
    """Start the mail catcher, the services and the gateway; the services' processes by the port of their /readyz."""
    write_access(layout.access, layout.secrets, layout.base_url)
    write_payment_providers(layout.secrets / PAYMENT_PROVIDERS)
    mail = ["native.mail", "--port", str(layout.ports.smtp), "--directory", str(layout.mail)]
    supervisor.start_group([partial(processes.python, layout, "mail", mail)])
    every = [(service, role) for service in SERVICES for role in ROLES]
    children = supervisor.start_group([partial(processes.service, layout, *each) for each in every], restarts=1)
    supervisor.start_group([partial(start_gateway, layout)])
    return {layout.health_port(*each): child for each, child in zip(every, children, strict=True)}


def start_gateway(layout: Layout) -> Child:
    source = layout.top / "deploy" / "gateway"
    variables = {f"UPSTREAM_{name.upper()}": f"127.0.0.1:{layout.web_port(name)}" for name in SERVICES}
    variables |= {"GATEWAY_PORT": f"127.0.0.1:{layout.ports.gateway}", "STATIC_DIR": str(source / "static")}
    configuration = gateway.configure(source / "gateway.conf.template", layout.state / "gateway", variables)
    command: processes.Arguments = [find_nginx(), "-e", "stderr", "-p", layout.state / "gateway", "-c", configuration]
    return Child("gateway", command, log=layout.logs / "gateway.log")


def await_ready(layout: Layout, supervisor: Supervisor, waiting: dict[int, Child], began: float) -> None:
    """Until every process and the gateway say that they are ready, with a line for each."""
    waiting = dict(waiting)
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        supervisor.check(restart=False)
        for port, child in list(waiting.items()):
            if http_status(port, "/readyz") == 200:
                say(f"  {child.name:16} ready after {time.monotonic() - began:4.1f} s")
                del waiting[port]
            elif time.monotonic() > deadline:
                raise child.failure(f"was not ready within {READY_SECONDS:.0f} s")
        time.sleep(0.1)
    while http_status(layout.ports.gateway, "/healthz") != 200:
        supervisor.check(restart=False)
        if time.monotonic() > deadline:
            raise NativeError(
                f"The gateway does not answer on port {layout.ports.gateway}; see {layout.logs}/gateway.log."
            )
        time.sleep(0.1)
    say(f"  {'gateway':16} ready after {time.monotonic() - began:4.1f} s")


def succeed(supervisor: Supervisor, child: Child) -> None:
    """Wait for a command that must end well."""
    if supervisor.finish(child):
        raise child.failure(child.how_it_ended())


def what_to_open(layout: Layout) -> str:
    return f"""
Một Cửa runs at {layout.base_url}
  follow a dossier      {layout.base_url}/tra-cuu
  the month's tables    {layout.base_url}/thong-ke
  API                   {layout.base_url}/api/<service>/v1/openapi.json, tokens in {layout.access}
  e-mails               {layout.mail}
  logs                  {layout.logs}
  RabbitMQ              http://127.0.0.1:{layout.ports.management} (user {RabbitMQ.admin}, password in {layout.secrets})
Ctrl-C stops it; the data stays for the next ./run."""


@contextmanager
def stopped_by_signals(hurry: Callable[[], None]) -> Iterator[None]:
    """Inside, the first SIGINT, SIGTERM or SIGHUP raises StopAsked. Later ones, while things stop, call `hurry`."""
    armed = True

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal armed
        if not armed:
            hurry()
            return
        armed = False
        say("\nStopping")
        raise StopAsked(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
    try:
        yield
    finally:
        armed = False


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the state directory's lock, or raise NativeError."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "pid").open("a+") as file:
        try:
            # The kernel lets go of the lock when its holder ends, however that ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read()
            raise NativeError(
                f"It is already running here (pid {pid}): use that, or end it with `kill {pid}`."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def end_left_overs(state: Path) -> None:
    """A killed run's servers shut down by themselves, which takes seconds; until then they hold the data."""
    left_over = [process for process in psutil.process_iter() if mark_of(process) == str(state)]
    if left_over:
        say("Waiting for the processes of the last run to end")
    _, alive = psutil.wait_procs(left_over, LEFT_OVER_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    os.environ[MARK] = str(state)


def mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def empty(state: Path) -> None:
    for path in state.iterdir():
        if path.name not in KEPT_BY_FRESH:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def put_large_logs_aside(logs: Path) -> None:
    """Every start appends to the logs; one earlier file of each is kept."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > LARGE_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def allow_many_files() -> None:
    """MongoDB and RabbitMQ want more files than the 1,024 that a shell allows at first."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
