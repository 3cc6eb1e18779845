"""Settings: what is missing or malformed is named, all of it at once, and stops the process with status 78."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import Field

from chassis.settings import Settings, SettingsError, with_password

GOOD = {
    "MONGO_URL": "mongodb://toy@127.0.0.1:1/motcua_toy?replicaSet=rs0&authSource=motcua_toy",
    "AMQP_URL": "amqp://toy@127.0.0.1:1/motcua",
    "JWKS": "/run/jwks.json",
}


class Mine(Settings):
    smtp_url: str = Field(pattern="^smtp://")
    smtp_password: str | None = None


def wrong(environ: dict[str, str], kind: type[Settings] = Settings) -> list[str]:
    with pytest.raises(SettingsError) as error:
        kind.read(environ)
    return str(error.value).splitlines()


def test_defaults_are_those_of_the_contract() -> None:
    settings = Settings.read(GOOD)
    assert (settings.jwt_issuer, settings.jwt_audience, settings.bind) == ("motcua", "motcua", "127.0.0.1")
    assert (settings.web_processes, settings.web_threads, settings.log_level) == (1, 16, "info")
    assert settings.subscribers == ("catalog", "intake", "workflow", "notify", "stats")
    assert settings.mongo_url == GOOD["MONGO_URL"]


def test_everything_that_is_missing_is_named_at_once() -> None:
    assert wrong({}, Mine) == [
        "MONGO_URL: is missing", "AMQP_URL: is missing", "JWKS: is missing", "SMTP_URL: is missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONGO_URL", "mongodb://127.0.0.1:27017"),
        ("MONGO_URL", "mongodb://127.0.0.1:27017/"),
        ("MONGO_URL", "http://127.0.0.1/motcua"),
        ("AMQP_URL", "http://127.0.0.1"),
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("WEB_THREADS", "0"),
        ("LOG_LEVEL", "loud"),
        ("PUBLIC_URL", "mot-cua.example"),
        ("CONSUMER_BATCH", "0"),
        ("RELAY_POLL_MS", "1"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(name: str, value: str) -> None:
    lines = wrong({**GOOD, name: value})
    assert [line.partition(":")[0] for line in lines] == [name]
    assert value not in lines[0]


def test_a_secret_comes_from_its_file_and_goes_into_the_url(tmp_path: Path) -> None:
    secret = "p@ss:w/rd%?#é "
    (tmp_path / "mongo").write_text(f"{secret}\n", encoding="utf-8")
    (tmp_path / "amqp").write_text("plain\n", encoding="utf-8")
    settings = Settings.read(
        {**GOOD, "MONGO_PASSWORD_FILE": str(tmp_path / "mongo"), "AMQP_PASSWORD_FILE": str(tmp_path / "amqp")}
    )
    parts = urlsplit(settings.mongo_url)
    assert (parts.username, unquote(parts.password or ""), parts.hostname, parts.port) == (
        "toy", secret.strip(), "127.0.0.1", 1,
    )  # fmt: skip
    assert (parts.path, parts.query) == ("/motcua_toy", "replicaSet=rs0&authSource=motcua_toy")
    assert settings.amqp_url == "amqp://toy:plain@127.0.0.1:1/motcua"


def test_the_variable_itself_goes_before_its_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from the file", encoding="utf-8")
    given = {**GOOD, "JWT_ISSUER": "direct", "JWT_ISSUER_FILE": str(tmp_path / "file")}
    assert Settings.read(given).jwt_issuer == "direct"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_secret_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    [line] = wrong({**GOOD, "MONGO_PASSWORD_FILE": str(path)})
    assert line.startswith(f"MONGO_PASSWORD_FILE: {path}: ")


def test_the_api_keys_file_is_a_path_and_not_a_secret() -> None:
    assert Settings.read({**GOOD, "API_KEYS_FILE": "/run/keys.json"}).api_keys_file == Path("/run/keys.json")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("amqp://u@h:1/v", "amqp://u:a%2Fb@h:1/v"),
        ("amqp://u:own@h:1/v", "amqp://u:own@h:1/v"),
        ("amqp://h:1/v", "amqp://h:1/v"),
        ("mongodb://u@a:1,b:2/d?x=y", "mongodb://u:a%2Fb@a:1,b:2/d?x=y"),
    ],
)
def test_a_password_is_put_beside_a_user_who_has_none(url: str, expected: str) -> None:
    assert with_password(url, "a/b") == expected
    assert with_password(url, None) == url


def test_a_process_that_lacks_a_setting_ends_with_78_and_one_line_for_each() -> None:
    environ = {key: value for key, value in os.environ.items() if key not in GOOD} | {"PYTHONPATH": "services:."}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chassis.toy", "worker"],
        env={**environ, "AMQP_URL": "nonsense"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 78
    lines = ended.stderr.splitlines()
    assert lines[0] == "cannot start: MONGO_URL: is missing"
    assert [line.partition(":")[0] for line in lines[1:]] == ["AMQP_URL", "JWKS"]
    assert ended.stdout == ""
