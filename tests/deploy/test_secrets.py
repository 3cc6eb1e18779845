"""The secrets of a deployment: complete, private, and never exchanged by accident."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from chassis import SERVICES, keys, secrets
from notify.sealing import Sealing

NAMES = {
    "mongo_admin",
    "amqp_admin",
    "mongo_keyfile",
    "jwt_private.jwk",
    "jwks.json",
    "api_keys.json",
    "stats_intake_api_key",
    "amqp_monitor",
    "opt_out_key",
    "sealing_key",
    "notify_intake_api_key",
    *(f"{server}_{service}" for server in ("mongo", "amqp") for service in SERVICES),
}


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_all_are_made_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "secrets"
    assert set(secrets.make_secrets(directory)) == NAMES == set(contents(directory))
    assert mode(directory) == 0o700
    assert {mode(path) for path in directory.iterdir()} == {0o600}
    passwords = [contents(directory)[name] for name in secrets.PASSWORDS]
    assert len(set(passwords)) == len(passwords)
    assert min(map(len, passwords)) >= 40
    assert len(contents(directory)["mongo_keyfile"]) == 756


def test_what_is_there_stays_and_what_is_missing_is_made(tmp_path: Path) -> None:
    secrets.make_secrets(tmp_path)
    before = contents(tmp_path)
    assert secrets.make_secrets(tmp_path) == []
    (tmp_path / "amqp_stats").unlink()
    (tmp_path / "mongo_admin").chmod(0o644)
    assert secrets.make_secrets(tmp_path) == ["amqp_stats"]
    after = contents(tmp_path)
    assert {name for name in NAMES if before[name] != after[name]} == {"amqp_stats"}
    assert mode(tmp_path / "mongo_admin") == 0o600


CLIENTS = {
    "stats_intake_api_key": ("stats", ["dossiers.recount"]),
    "notify_intake_api_key": ("national-portal", ["dossiers.file", "any_agency"]),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_service_has_a_key_that_intake_knows(tmp_path: Path, name: str) -> None:
    def known() -> dict[str, Any]:
        entries = json.loads((tmp_path / "api_keys.json").read_text())["keys"]
        (entry,) = [each for each in entries if each["client"] == CLIENTS[name][0]]
        return dict(entry)

    secrets.make_secrets(tmp_path)
    assert known()["sha256"] == keys.hash_of((tmp_path / name).read_text())
    assert known()["scopes"] == CLIENTS[name][1]
    # A key whose hash was lost would never be taken again.
    (tmp_path / "api_keys.json").unlink()
    secrets.make_secrets(tmp_path)
    assert known()["sha256"] == keys.hash_of((tmp_path / name).read_text())


def test_what_is_sealed_is_sealed_with_a_key_of_its_size(tmp_path: Path) -> None:
    secrets.make_secrets(tmp_path)
    Sealing.read((tmp_path / "sealing_key").read_text())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_for_containers_they_belong_to_the_containers_group(tmp_path: Path) -> None:
    secrets.make_secrets(tmp_path)
    before = contents(tmp_path)
    assert secrets.main([str(tmp_path), "--owner", "10001"]) == 0
    assert contents(tmp_path) == before
    for path in tmp_path.iterdir():
        status = path.stat()
        assert (status.st_uid, status.st_gid, mode(path)) == (10001, 10001, 0o440)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert secrets.main([str(tmp_path / "file" / "secrets")]) == 1
    assert capsys.readouterr().err == f"secrets: {tmp_path / 'file' / 'secrets'}: Not a directory\n"
