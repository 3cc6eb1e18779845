"""Settings: what is missing or malformed is named, all of it at once, and stops the process with status 78."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import BaseModel, Field, Json, model_validator

from chassis import keys, service
from chassis.settings import Settings, SettingsError, with_password
from tests.chassis import toy

GOOD = {
    "MONGO_URL": "mongodb://toy@127.0.0.1:1/motcua_toy?replicaSet=rs0&authSource=motcua_toy",
    "AMQP_URL": "amqp://toy@127.0.0.1:1/motcua",
    "JWKS": "/run/jwks.json",
}


class Mine(Settings):
    smtp_url: str = Field(pattern="^smtp://")
    smtp_password: str | None = None


class Provider(BaseModel):
    name: str


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
        ("MONGO_URL", "mongodb://h:notaport/motcua"),
        ("MONGO_URL", "mongodb://h:1,i:70000/motcua"),
        ("MONGO_URL", "mongodb://h:1,/motcua"),
        ("AMQP_URL", "amqp://"),
        ("AMQP_URL", "amqp://h:notaport/v"),
        ("PUBLIC_URL", "http://"),
        ("JWKS", "ftp://provider.example"),
        ("JWKS", "https://:443"),
        ("BIND", "no such host"),
    ],
)
def test_what_is_malformed_is_named_without_its_value(name: str, value: str) -> None:
    lines = wrong({**GOOD, name: value})
    assert [line.partition(":")[0] for line in lines] == [name]
    assert value not in lines[0]


@pytest.mark.parametrize("name", ["JWKS", "JWT_ISSUER", "JWT_AUDIENCE", "BIND"])
def test_what_is_empty_is_named(name: str) -> None:
    assert [line.partition(":")[0] for line in wrong({**GOOD, name: ""})] == [name]


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://u:p@a:1,b/d",
        "mongodb+srv://cluster.example/d?x=y",
        "mongodb://u@[::1]:27017/d",
        "mongodb://%2Ftmp%2Fm.sock/d",
    ],
)
def test_the_forms_of_a_servers_address_are_taken(url: str) -> None:
    assert Settings.read({**GOOD, "MONGO_URL": url}).mongo_url == url


class Listed(Settings):
    providers: Json[list[Provider]] = Field(default=[])
    first: int = 1
    last: int = 2

    @model_validator(mode="after")
    def _order(self) -> "Listed":
        if self.first > self.last:
            raise ValueError("FIRST is above LAST")
        return self


def test_the_place_within_a_setting_is_named() -> None:
    assert wrong({**GOOD, "PROVIDERS": '[{"name": "a"}, {}]'}, Listed) == ["PROVIDERS[1].name: is missing"]


def test_a_rule_over_several_names_them_itself() -> None:
    assert wrong({**GOOD, "FIRST": "3"}, Listed) == ["FIRST is above LAST"]


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
        [sys.executable, "-m", "tests.chassis.toy_process", "worker"],
        env={**environ, "AMQP_URL": "nonsense"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 78
    lines = ended.stderr.splitlines()
    assert lines[0] == "cannot start: MONGO_URL: is missing"
    assert [line.partition(":")[0] for line in lines[1:]] == ["AMQP_URL", "JWKS"]
    assert ended.stdout == ""


# -- what shows only to one who looks ----------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    keys.make_key_pair(tmp_path)
    return {**GOOD, "JWKS": str(tmp_path / "jwks.json"), "API_KEYS_FILE": str(tmp_path / "api_keys.json")}


def unusable(environ: dict[str, str], command: str = "web") -> list[str]:
    return [line.partition(":")[0] for line in service._unusable(toy.TOY, Settings.read(environ), command)]


def test_good_places_are_usable_and_the_api_keys_may_come_later(places: dict[str, str]) -> None:
    assert unusable(places) == []
    keys.mint_api_key(Path(places["API_KEYS_FILE"]), client="office", scopes=["dossiers.file"])
    assert unusable(places) == []
    # Whether an identity provider is there now is no matter of the settings.
    assert unusable({**places, "JWKS": "http://127.0.0.1:1/jwks"}) == []


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]", '{"keys": [{"kty": "none"}]}', b"\xff"])
def test_a_file_that_is_no_key_set_is_named_by_the_one_who_needs_it(
    places: dict[str, str], tmp_path: Path, content: str | bytes | None
) -> None:
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert unusable({**places, "JWKS": str(path)}) == ["JWKS"]
    assert unusable({**places, "JWKS": str(path)}, "worker") == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{}]}', '{"keys": 1}', '{"keys": ["a"]}', b"\xff"])
def test_a_file_that_holds_no_api_keys_is_named(places: dict[str, str], content: str | bytes) -> None:
    Path(places["API_KEYS_FILE"]).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert unusable(places) == ["API_KEYS_FILE"]


def test_api_keys_in_no_folder_are_named(places: dict[str, str]) -> None:
    assert unusable({**places, "API_KEYS_FILE": "/no/such"}) == ["API_KEYS_FILE"]


@pytest.mark.parametrize("names", ["", "intake,statz", "intake, stats"])
def test_a_subscriber_that_is_no_service_is_named(places: dict[str, str], names: str) -> None:
    assert unusable({**places, "SUBSCRIBERS": names}, "worker") == ["SUBSCRIBERS"]
    assert unusable({**places, "SUBSCRIBERS": "intake,stats,toy"}, "worker") == []


def test_a_place_for_large_files_that_is_none_is_named() -> None:
    """In a process of its own: Python remembers which place it found."""
    asked = f"from chassis.settings import Settings; print(Settings.read({GOOD}).unusable('web'))"
    for place, expected in (("/no/such", ["TMPDIR: is no folder that can be written to"]), ("/tmp", [])):
        said = subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONPATH": "services", "TMPDIR": place}, capture_output=True, text=True, check=True,
            timeout=60,
        )  # fmt: skip
        assert said.stdout.strip() == str(expected)


def test_a_process_that_lacks_a_place_ends_with_78(places: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chassis.toy_process", "web"],
        env={**os.environ, "PYTHONPATH": "services:.", **places, "JWKS": "/no/such", "SUBSCRIBERS": "toys"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 78
    assert [line.partition(":")[0] for line in ended.stderr.splitlines()] == ["cannot start", "JWKS"]
    assert ended.stderr.startswith("cannot start: SUBSCRIBERS: ")
