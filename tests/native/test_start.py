"""What stands between `./run` and its first server: ports, the lock, the gateway's configuration, credentials."""

import errno
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from chassis import secrets
from native import run, system
from native.access import write_access
from native.children import NativeError
from native.gateway import configure, fill
from native.ports import Ports
from native.run import StopAsked, empty, only_one, sentence_of

TOP = Path(__file__).parent.parent.parent


def test_option_goes_before_variable() -> None:
    environ = {"MOTCUA_GATEWAY_PORT": "8090", "MOTCUA_MONGO_PORT": "27018"}
    assert Ports.read(environ) == Ports(gateway=8090, mongo=27018)
    assert Ports.read(environ, "8091") == Ports(gateway=8091, mongo=27018)


@pytest.mark.parametrize("text", ["x", "0", "-1", "99999"])
def test_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(NativeError, match="MOTCUA_AMQP_PORT must be given a port number"):
        Ports.read({"MOTCUA_AMQP_PORT": text})


def test_port_that_is_chosen_twice_is_named() -> None:
    with pytest.raises(NativeError, match="Port 8101 was chosen twice: by MOTCUA_WEB_PORT, and by MOTCUA_HEALTH_PORT"):
        Ports.read({"MOTCUA_WEB_PORT": "8099"})


def test_busy_port_is_named_with_its_holder_and_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sentences = [sentence for sentence in Ports(smtp=port).busy() if f"Port {port}," in sentence]
    assert len(sentences) == 1
    assert f"(pid {os.getpid()})" in sentences[0]
    assert "MOTCUA_SMTP_PORT" in sentences[0]


def test_second_run_is_refused(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(NativeError, match=rf"already running here \(pid {os.getpid()}\)"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_fresh_keeps_the_logs_and_the_lock(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "data").touch()
    (tmp_path / "logs").mkdir()
    (tmp_path / "access.json").touch()
    with only_one(tmp_path):
        empty(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {"logs", "pid"}


def test_gateway_template_is_filled_and_nginx_variables_stay(tmp_path: Path) -> None:
    template = TOP / "deploy" / "gateway" / "gateway.conf.template"
    names = ["UPSTREAM_CATALOG", "UPSTREAM_INTAKE", "UPSTREAM_WORKFLOW", "UPSTREAM_NOTIFY", "UPSTREAM_STATS"]
    variables = dict.fromkeys(names, "127.0.0.1:1") | {"GATEWAY_PORT": "127.0.0.1:2", "STATIC_DIR": "/static"}
    configure(template, tmp_path, variables)
    site = (tmp_path / "gateway.conf").read_text()
    assert "listen 127.0.0.1:2;" in site
    assert "$remote_addr" in site
    assert "${" not in site


def test_unknown_variable_of_the_template_is_named() -> None:
    with pytest.raises(NativeError, match="UPSTREAM_AUDIT"):
        fill("server ${UPSTREAM_AUDIT};", {})


def test_office_key_is_kept_while_the_services_know_it(tmp_path: Path) -> None:
    access, folder = tmp_path / "access.json", tmp_path / "secrets"
    secrets.make_secrets(folder)

    def key() -> str:
        write_access(access, folder, "http://127.0.0.1:8080")
        found: str = json.loads(access.read_text())["api_keys"]["office"]
        return found

    first = key()
    assert key() == first
    (folder / "api_keys.json").unlink()
    secrets.make_secrets(folder)
    assert key() != first


def test_access_has_every_persona_of_the_public_contract(tmp_path: Path) -> None:
    secrets.make_secrets(tmp_path / "secrets")
    write_access(tmp_path / "access.json", tmp_path / "secrets", "http://127.0.0.1:8080")
    content = json.loads((tmp_path / "access.json").read_text())
    personas = "citizen volunteer counter_officer officer other_officer leader editor operator backdate"
    assert set(content["tokens"]) == set(personas.split())
    assert content["agencies"]["officer"] != content["agencies"]["other_officer"]
    assert (tmp_path / "access.json").stat().st_mode & 0o077 == 0


def test_a_full_disk_is_the_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sentence_of(NativeError("mongod ended"), tmp_path) == "mongod ended"
    assert "is full: make room" in sentence_of(OSError(errno.ENOSPC, "No space left on device"), tmp_path)
    with pytest.raises(PermissionError):
        sentence_of(PermissionError(errno.EACCES, "Permission denied"), tmp_path)
    monkeypatch.setattr(run, "free", lambda _: 0)
    # Whatever a server says, it is for this, so it comes first.
    assert sentence_of(NativeError("mongod ended"), tmp_path).splitlines() == [
        f"The disk that holds {tmp_path} is full: make room and start again.", "mongod ended",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (
            "E: Failed to fetch http://deb/x  Temporary failure resolving 'deb'\nE: Unable to fetch",
            "is there a network?",
        ),
        ("dpkg: error processing package", "could not be installed"),
    ],
)
def test_packages_that_cannot_be_fetched_are_told_from_those_that_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, wanted: str
) -> None:
    installer = tmp_path / "installer"
    installer.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit 100\n")
    installer.chmod(0o700)
    monkeypatch.setattr(system, "INSTALLER", installer)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name, **_: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(NativeError, match=wanted.replace("?", r"\?")) as error:
        system.install_missing(tmp_path / "log", {"cowsay": system.program("cowsay", "no-such-program")})
    assert "cowsay" in str(error.value)
    assert said.splitlines()[-1] in str(error.value)


def test_what_is_stopped_before_it_compared_did_not_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> int:
        raise StopAsked(signal.SIGTERM)

    monkeypatch.setattr(run, "run", stopped)
    monkeypatch.setattr(sys, "argv", ["run", "--once"])
    assert run.main() == 128 + signal.SIGTERM
    monkeypatch.setattr(sys, "argv", ["run"])
    assert run.main() == 0
