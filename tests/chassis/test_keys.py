"""Key files: what is kept, what is shown once, who may read it."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from chassis import __main__ as commands
from chassis import keys


def test_a_key_pair_is_made_once_and_its_public_half_is_public(tmp_path: Path) -> None:
    keys.make_key_pair(tmp_path)
    private, public = tmp_path / "jwt_private.jwk", tmp_path / "jwks.json"
    before = private.read_text(), public.read_text()
    keys.make_key_pair(tmp_path)
    assert (private.read_text(), public.read_text()) == before
    assert "d" in json.loads(before[0])
    [shown] = json.loads(before[1])["keys"]
    assert "d" not in shown
    assert (shown["alg"], shown["use"], shown["kid"]) == ("ES256", "sig", json.loads(before[0])["kid"])


def test_a_secret_file_is_its_owners_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    keys.write_secret(path, "one")
    keys.write_secret(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_token_says_who_acts_for_whom_and_until_when(tmp_path: Path) -> None:
    keys.make_key_pair(tmp_path)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    token = keys.mint_token(
        tmp_path / "jwt_private.jwk", subject="u1", name="Đức", scopes=["a", "b"], agency="H56.14", roles=["head"],
        identity="038185001234", lifetime=timedelta(hours=1), now=now,
    )  # fmt: skip
    decoded = jwt.decode(token, KeySet.import_key_set(json.loads((tmp_path / "jwks.json").read_text())), ["ES256"])
    assert decoded.claims == {
        "iss": "motcua", "aud": "motcua", "sub": "u1", "name": "Đức", "scope": "a b", "agency": "H56.14",
        "roles": ["head"], "identity": "038185001234",
        "iat": now.timestamp(), "nbf": now.timestamp(), "exp": now.timestamp() + 3600,
    }  # fmt: skip
    assert decoded.header["alg"] == "ES256"


def test_an_api_key_is_shown_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "api_keys.json"
    key = keys.mint_api_key(file, client="office", scopes=["a"], agency="H56.14")
    assert key not in file.read_text()
    [entry] = json.loads(file.read_text())["keys"]
    assert entry["sha256"] == keys.hash_of(key)
    assert (entry["client"], entry["scopes"], entry["agency"]) == ("office", ["a"], "H56.14")
    assert len(key) >= 40


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_client_has_its_two_newest_keys_and_others_keep_theirs(tmp_path: Path, count: int) -> None:
    file = tmp_path / "api_keys.json"
    other = keys.mint_api_key(file, client="other", scopes=[])
    made = [keys.mint_api_key(file, client="office", scopes=[]) for _ in range(count)]
    kept = {entry["sha256"] for entry in json.loads(file.read_text())["keys"]}
    assert kept == {keys.hash_of(key) for key in [other, *made[-2:]]}


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]", '{"kty": "EC"}'])
def test_a_key_that_is_none_is_a_sentence(
    tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        commands.token(["--key", str(path), "--subject", "a"])
    assert ended.value.code == 2
    assert f"--key {path}: " in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"keys": [1]}'])
def test_a_file_of_api_keys_that_is_none_is_a_sentence_and_stays(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "api_keys.json"
    path.write_text(content)
    with pytest.raises(SystemExit) as ended:
        commands.api_key(["--file", str(path), "--client", "office", "--scope", "dossiers.file"])
    assert ended.value.code == 2
    assert f"--file {path}: is no file of API keys" in capsys.readouterr().err
    assert path.read_text() == content


@pytest.mark.parametrize("scope", ["nonsense", "", "dossiers.", "dossiers file", "Dossiers.file"])
def test_a_scope_that_is_none_is_refused(tmp_path: Path, scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.api_key(["--file", str(tmp_path / "k.json"), "--client", "office", "--scope", scope])
    assert ended.value.code == 2
    assert "a scope is like dossiers.file" in capsys.readouterr().err


def test_the_commands_print_a_token_and_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys.make_key_pair(tmp_path)
    key = str(tmp_path / "jwt_private.jwk")
    assert commands.token(["--key", key, "--subject", "a", "--scope", "dossiers.file", "--scope", "backdate"]) == 0
    assert capsys.readouterr().out.count(".") == 2
    assert commands.api_key(["--file", str(tmp_path / "k.json"), "--client", "office", "--scope", "tasks.work"]) == 0
    assert capsys.readouterr().out.startswith("mc_")
