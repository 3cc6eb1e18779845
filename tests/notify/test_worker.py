"""The processes as they are deployed: events come from the broker, mail goes out, and the broker is told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pika
import pytest
import requests

from chassis import keys
from chassis.envelope import routing_key
from native.ports import free_port
from tests.notify.events import EMAIL, FINISHED, PERSON, RECEIVED, event
from tests.notify.mail_server import Mailbox
from tests.support.servers import Broker
from tests.support.waiting import until

SERVICES = Path(__file__).parent.parent.parent / "services"


@pytest.fixture
def environment(database_url: str, amqp: Broker, mailbox: Mailbox, tmp_path: Path) -> dict[str, str]:
    keys.make_key_pair(tmp_path)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SERVICES),
        "MONGO_URL": database_url,
        "AMQP_URL": amqp.url,
        "JWKS": str(tmp_path / "jwks.json"),
        "SMTP_URL": mailbox.url,
        "MAIL_FROM": "mot-cua@thanhhoa.example",
        "PORT": str(free_port()),
        "HEALTH_PORT": str(free_port()),
        "SUBSCRIBERS": "notify",
        "RELAY_POLL_MS": "50",
    }


@pytest.fixture
def processes(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """notify's web and worker; what they print is in `web.log` and `worker.log`."""
    with ExitStack() as stack:
        started: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("web", "worker"):
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            command = [sys.executable, "-m", "notify", name]
            started[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield started
        finally:
            for process in started.values():
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def test_from_an_event_to_a_mail_and_an_event(
    processes: dict[str, subprocess.Popen[bytes]],
    environment: dict[str, str],
    amqp: Broker,
    mailbox: Mailbox,
    tmp_path: Path,
) -> None:
    web = f"http://127.0.0.1:{environment['PORT']}"
    until(lambda: answers(f"{web}/readyz"), 60)
    until(lambda: answers(f"http://127.0.0.1:{environment['HEALTH_PORT']}/readyz"), 60)
    token = keys.mint_token(tmp_path / "jwt_private.jwk", subject=PERSON, name="", scopes=["messages.read"])
    now = datetime.now(UTC)
    with pika.BlockingConnection(pika.URLParameters(amqp.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("heard", durable=True)
        channel.queue_bind("heard", "motcua.events", "notify.#")
        # The result comes first, and waits until it is known whose it is.
        for event_type, sequence in ((FINISHED, 5), (RECEIVED, 2)):
            channel.basic_publish("motcua.events", routing_key(event_type), event(event_type, "d1", sequence, now))
            until(lambda: amqp.queue_depth("notify.events") == 0)
        until(lambda: len(mailbox.taken) == 2)
        until(lambda: amqp.queue_depth("heard") == 4)
        heard: list[dict[str, Any]] = []
        for _ in range(4):
            _, _, body = channel.basic_get("heard", auto_ack=True)
            heard.append(json.loads(body))
    assert {(told["type"], told["data"]["channel"], told["data"]["template"]) for told in heard} == {
        ("notify.message.sent.v1", channel, template)
        for channel in ("email", "portal")
        for template in ("received", "result_ready")
    }
    assert mailbox.recipients == [EMAIL, EMAIL]
    answer = requests.get(
        f"{web}/api/notify/v1/messages", headers={"Authorization": f"Bearer {token}"}, timeout=10
    ).json()
    assert sorted(item["state"] for item in answer["items"]) == ["delivered", "delivered", "sent", "sent"]
    health = f"http://127.0.0.1:{environment['HEALTH_PORT']}"
    outgoing = until(lambda: requests.get(f"{health}/readyz", timeout=5).json().get("outgoing"))
    assert set(outgoing["email"]) == {"queued", "sending", "oldest_seconds", "away"}
    metrics = requests.get(f"{health}/metrics", timeout=5).text
    assert 'motcua_unsent_rows{channel="email",state="queued"}' in metrics
    assert 'motcua_outlet_away{outlet="email"} 0.0' in metrics
    for name, process in processes.items():
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        log = (tmp_path / f"{name}.log").read_text()
        assert EMAIL not in log
        assert PERSON not in log
        assert "Nguyễn" not in log


def test_without_a_mail_server_it_does_not_start(environment: dict[str, str]) -> None:
    del environment["SMTP_URL"]
    command = [sys.executable, "-m", "notify", "worker"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (78, "cannot start: SMTP_URL: is missing\n")
