"""A service's commands as processes of their own, on real servers: what an operator starts, stops, kills and reads."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest
import requests
from kombu.connection import Connection
from openapi_spec_validator import OpenAPIV31SpecValidator
from pymongo.database import Database

from chassis import keys, scrape, service, store, topology
from chassis.clock import system_clock
from chassis.parked import ParkedMessages
from chassis.publish import Message, Publisher
from native.ports import free_port
from tests.chassis.toy import TOY, ThingMade, outgoing_event
from tests.support.servers import Broker
from tests.support.waiting import until

MongoDB = Database[store.Document]


@dataclass
class Process:
    child: subprocess.Popen[str]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.child.send_signal(number)
        return self.child.wait(120)


@dataclass
class Deployment:
    """What the toy is started with, and what was started."""

    environ: dict[str, str]
    folder: Path
    port: int
    health_port: int
    started: list[Process] = field(default_factory=list)

    def start(self, command: str, **environ: str) -> Process:
        log = self.folder / f"{command}-{len(self.started)}.log"
        with log.open("w", encoding="utf-8") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.chassis.toy_process", command],
                env={**self.environ, **environ}, stdout=output, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        self.started.append(Process(child, log))
        return self.started[-1]

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.chassis.toy_process", *command],
            env={**self.environ, **environ}, capture_output=True, encoding="utf-8", timeout=180, check=False,
        )  # fmt: skip

    def post(self, name: str, key: str) -> requests.Response:
        token = keys.mint_token(self.folder / "jwt_private.jwk", subject="u1", name="", scopes=["toy.write"])
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return requests.post(f"{self.url}/api/toy/v1/things", json={"name": name}, headers=headers, timeout=90)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self, path: str = "/livez", port: int | None = None) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port or self.port}{path}", timeout=60).ok
        except requests.ConnectionError:
            return False


@pytest.fixture
def deployment(toy_url: str, amqp: Broker, tmp_path: Path) -> Iterator[Deployment]:
    keys.make_key_pair(tmp_path)
    port, health_port = free_port(), free_port()
    environ = os.environ | {
        "PYTHONPATH": "services:.", "MONGO_URL": toy_url, "AMQP_URL": amqp.url, "JWKS": str(tmp_path / "jwks.json"),
        "SUBSCRIBERS": "toy", "PORT": str(port), "HEALTH_PORT": str(health_port), "RELAY_GRACE_MS": "1000",
        "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip
    deployment = Deployment(environ, tmp_path, port, health_port)
    yield deployment
    for process in deployment.started:
        process.child.kill()
        process.child.wait()


def test_from_the_post_to_the_last_effect_through_a_kill(
    deployment: Deployment, database: MongoDB, amqp: Broker
) -> None:
    web, worker = deployment.start("web"), deployment.start("worker")
    until(deployment.answers)
    first = deployment.post("plain", "k1")
    assert first.status_code == 201
    assert deployment.post("plain", "k1").content == first.content
    assert deployment.post("other", "k1").status_code == 422
    until(lambda: database["noted"].count_documents({}) == 1)
    assert deployment.answers("/readyz", deployment.health_port)

    # The worker is killed after the write of its effect and before the acknowledgement.
    assert deployment.post("fatal", "k2").status_code == 201
    assert worker.child.wait(120) == -signal.SIGKILL
    assert deployment.post("while it is away", "k3").status_code == 201
    deployment.start("worker")
    until(lambda: database["noted"].count_documents({"times": {"$exists": True}}) == 3)
    until(lambda: database["things"].count_documents({"outbox.at": {"$exists": True}}) == 0)
    until(lambda: database["echoes"].count_documents({"outbox.at": {"$exists": True}}) == 0)
    assert database["things"].count_documents({}) == database["echoes"].count_documents({}) == 3
    until(lambda: amqp.queue_depth("toy.events") == 0)
    assert amqp.queue_depth("toy.parked") == 0

    for process in (web, deployment.started[-1]):
        assert process.end() == 0
    for process in deployment.started:
        assert "0912345678" not in process.said()
        assert "plain" not in process.said()


def test_a_scrape_tells_of_all_web_processes(deployment: Deployment) -> None:
    web = deployment.start("web", WEB_PROCESSES="2")
    until(deployment.answers)
    master = psutil.Process(web.child.pid)
    lived = 'motcua_http_request_seconds_count{method="GET",route="/livez",status="200"}'

    def told() -> float:
        lines = requests.get(f"{deployment.url}/metrics", timeout=30).text.splitlines()
        [line] = [line for line in lines if line.startswith(lived)]
        return float(line.rpartition(" ")[2])

    def ask(times: int) -> None:
        # Each with a connection of its own, which any of the processes may take.
        assert all(deployment.answers() for _ in range(times))

    before = told()
    ask(40)
    assert {told() for _ in range(20)} == {before + 40}

    # Its successor begins with nothing; what it counted stays, and what it had in hand is gone.
    killed = until(master.children)[0]
    in_hand = f"gauge_live*_{killed.pid}.db"
    until(lambda: deployment.answers() and list(folder_of(web).glob(in_hand)))
    before = told() - 40
    killed.kill()
    until(lambda: killed not in master.children() and len(master.children()) == 2)
    until(lambda: not list(folder_of(web).glob(in_hand)))
    ask(10)
    assert {told() for _ in range(20)} == {before + 50}
    assert "pid=" not in requests.get(f"{deployment.url}/metrics", timeout=30).text

    folder = folder_of(web)
    assert folder.is_dir()
    assert web.end() == 0
    assert not folder.exists()


def folder_of(web: Process) -> Path:
    """Where its processes keep their numbers."""
    maps = psutil.Process(web.child.pid).memory_maps()
    [folder] = {Path(mapped.path).parent for mapped in maps if scrape.PREFIX in mapped.path}
    return folder


def test_the_next_start_takes_away_what_a_killed_one_left_and_nothing_else(deployment: Deployment) -> None:
    killed = deployment.start("web")
    until(deployment.answers)
    left = folder_of(killed)
    family = [*psutil.Process(killed.child.pid).children(), psutil.Process(killed.child.pid)]
    for process in family:
        process.kill()
    killed.child.wait()
    psutil.wait_procs(family)
    assert left.is_dir()

    living = deployment.start("web")
    until(deployment.answers)
    other = deployment.start("web", PORT=str(free_port()))
    until(lambda: other.said().count("Booting worker"))
    assert not left.exists()
    assert folder_of(living).is_dir()
    assert requests.get(f"{deployment.url}/metrics", timeout=30).ok


def test_the_web_is_ready_without_a_broker_and_refuses_what_is_not_http(
    deployment: Deployment, database: MongoDB
) -> None:
    web = deployment.start("web", AMQP_URL="amqp://guest:guest@127.0.0.1:1/none")
    until(lambda: deployment.answers("/readyz"))
    assert deployment.post("a", "k1").status_code == 201
    assert database["things"].count_documents({"outbox.at": {"$exists": True}}) == 1

    def raw(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", deployment.port), 60) as connection:
            connection.sendall(request)
            connection.settimeout(60)
            # Until it is closed.
            return b"".join(iter(partial(connection.recv, 65_536), b""))

    assert raw(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    long = b"GET /livez?q=" + b"0912345678" * 800 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(long).startswith(b"HTTP/1.1 200")
    for refused in (
        long.replace(b"?q=", b"?q=" + b"x" * 500),
        b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"POST /api/toy/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"nonsense 0912345678\r\n\r\n",
    ):
        head, _, body = raw(refused).partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert 400 <= status < 500
        assert b"Content-Type: application/problem+json" in head
        told = json.loads(body)
        assert (told["status"], told["code"], told["title"]) == (status, "unreadable", "Yêu cầu không đọc được")
        assert b"0912345678" not in body
    # A body without a length is limited all the same.
    connection = http.client.HTTPConnection("127.0.0.1", deployment.port, timeout=90)
    token = keys.mint_token(deployment.folder / "jwt_private.jwk", subject="u1", name="", scopes=["toy.write"])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k9", "Content-Type": "application/json"}
    connection.request("POST", "/api/toy/v1/things", iter([b"x" * 100_000] * 20), headers, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")
    connection.close()
    assert web.end() == 0
    lines = web.said().splitlines()
    assert "\n".join(line for line in lines if not line.startswith("{")) == ""
    assert "0912345678" not in web.said()


def test_a_worker_that_breaks_ends_with_1_and_says_where_but_not_what(deployment: Deployment) -> None:
    worker = deployment.start("worker", TOY_BREAKS="1")
    assert worker.child.wait(120) == 1
    lines = [json.loads(line) for line in worker.said().splitlines()]
    [failed] = [line for line in lines if line["event"] == "loop_failed"]
    assert (failed["loop"], failed["error"], failed["service"]) == ("breaking", "ValueError", "toy")
    assert "Nguyễn" not in worker.said()


def test_a_worker_waits_for_the_store_and_ends_when_asked(deployment: Deployment) -> None:
    worker = deployment.start("worker", MONGO_URL="mongodb://127.0.0.1:1/toy")
    until(lambda: "store_away" in worker.said())
    assert worker.end() == 0


@pytest.fixture
def parked(amqp: Broker) -> Callable[[int], None]:
    def park(count: int) -> None:
        with Connection(amqp.url) as connection:
            topology.declare(connection.channel(), "toy", [ThingMade.TYPE])
        publisher = Publisher(amqp.url)
        messages = [
            Message("toy", "parked", outgoing_event(n).body, f"m{n}", {"x-attempt": 5}) for n in range(1, count + 1)
        ]
        assert all(publisher.publish(messages))
        publisher.close()

    return park


def test_parked_messages_are_handled_from_the_command_line(
    deployment: Deployment, parked: Callable[[int], None], amqp: Broker, database: MongoDB
) -> None:
    parked(4)
    listed = deployment.run("parked", "list")
    assert (listed.returncode, listed.stderr.strip()) == (0, "4 in toy.parked")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [row["event"] for row in rows] == [f"toy.thing:t1:{n}" for n in range(1, 5)]
    assert "Đức" not in listed.stdout

    unknown = deployment.run("parked", "discard", "0" * 24)
    assert (unknown.returncode, "Traceback" in unknown.stderr) == (1, False)
    assert "0" * 24 in unknown.stderr
    discarded = deployment.run("parked", "discard", rows[0]["id"])
    replayed = deployment.run("parked", "replay", "all")
    assert (discarded.returncode, replayed.returncode) == (0, 0)
    # What they print is for programs, and their log is not in it.
    assert [json.loads(line) for line in (discarded.stdout + replayed.stdout).splitlines()] == rows
    assert "parked_act" in discarded.stderr
    until(lambda: amqp.queue_depth("toy.events") == 3)
    assert amqp.queue_depth("toy.parked") == 0
    acts = list(database["parked_acts"].find())
    assert [act["act"] for act in acts] == ["discard", "replay", "replay", "replay"]
    assert all(act["by"].startswith("cli:") for act in acts)


def test_more_than_a_page_of_them_is_listed(
    parked: Callable[[int], None], amqp: Broker, database: MongoDB, capsys: pytest.CaptureFixture[str]
) -> None:
    parked(205)
    messages = ParkedMessages(amqp.url, "toy", database, system_clock)
    assert service._act_on_parked(TOY, messages, "list", None, "me") == 0
    said = capsys.readouterr()
    assert (len(said.out.splitlines()), said.err.strip()) == (205, "205 in toy.parked")


def test_a_broker_that_is_away_is_one_line_for_the_operator(deployment: Deployment) -> None:
    away = deployment.run("parked", "list", AMQP_URL="amqp://guest:guest@127.0.0.1:1/none")
    assert away.returncode == 1
    assert away.stderr.startswith("the broker cannot be reached")


def test_to_act_on_a_parked_message_takes_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = ParkedMessages("amqp://127.0.0.1:1/none", "toy", {"parked_acts": None}, system_clock)  # type: ignore[arg-type]
    assert service._act_on_parked(TOY, nobody, "discard", None, "me") == 2
    assert "needs an id" in capsys.readouterr().err


def test_a_services_own_command_gets_its_arguments(deployment: Deployment) -> None:
    ended = deployment.run("count", "--fast", "x")
    assert (ended.returncode, ended.stdout.strip()) == (0, "0 --fast x")


@pytest.mark.parametrize("command", [(), ("nothing",), ("web", "--fast"), ("parked", "eat")])
def test_any_other_command_is_2_and_explained(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        service.main(TOY, list(command))
    assert error.value.code == 2
    assert "usage: python -m toy" in capsys.readouterr().err


def test_the_openapi_document_needs_no_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert service.main(TOY, ["openapi"]) == 0
    document = json.loads(capsys.readouterr().out)
    OpenAPIV31SpecValidator(document).validate()
    assert {"/api/toy/v1/things", "/api/toy/v1/parked", "/api/toy/v1/parked/{id}/replay"} <= set(document["paths"])
