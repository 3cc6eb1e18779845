"""Accounts and providers come from files; what is wrong with them stops the process before it takes a request."""

import json
from pathlib import Path
from typing import Any

import pytest

from chassis.settings import SettingsError
from intake.settings import IntakeSettings
from sample.province import FOLDER

LEAST = {"MONGO_URL": "mongodb://127.0.0.1/intake", "AMQP_URL": "amqp://127.0.0.1/motcua", "JWKS": "/jwks.json"}
ACCOUNT = {"bin": "970415", "account": "113366668888", "name": "Kho bạc"}


def read(tmp_path: Path, name: str, text: str) -> IntakeSettings:
    file = tmp_path / "file"
    file.write_text(text, encoding="utf-8")
    return IntakeSettings.read({**LEAST, f"{name}_FILE": str(file)})


@pytest.mark.parametrize("name", ["VIETQR_ACCOUNTS", "PAYMENT_PROVIDERS"])
def test_without_a_file_or_with_an_empty_one_there_are_none(tmp_path: Path, name: str) -> None:
    assert getattr(IntakeSettings.read(LEAST), name.lower()) == {}
    assert getattr(read(tmp_path, name, "\n"), name.lower()) == {}


def test_the_samples_accounts_can_be_read() -> None:
    settings = IntakeSettings.read({**LEAST, "VIETQR_ACCOUNTS_FILE": str(FOLDER / "vietqr_accounts.json")})
    assert settings.vietqr_accounts["*"].bin == "970415"


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("VIETQR_ACCOUNTS", "{", ""),
        ("VIETQR_ACCOUNTS", [], ""),
        ("VIETQR_ACCOUNTS", {"*": {**ACCOUNT, "bin": "97041"}}, ".*.bin"),
        ("VIETQR_ACCOUNTS", {"*": {**ACCOUNT, "account": "1" * 20}}, ".*.account"),
        ("VIETQR_ACCOUNTS", {"*": {**ACCOUNT, "account": "Số 1"}}, ".*.account"),
        ("VIETQR_ACCOUNTS", {"*": {**ACCOUNT, "owner": "x"}}, ".*.owner"),
        ("PAYMENT_PROVIDERS", {"napas": {"secrets": []}}, ".napas.secrets"),
        ("PAYMENT_PROVIDERS", {"napas": {"secrets": ["too short"]}}, ".napas.secrets[0]"),
        ("PAYMENT_PROVIDERS", {"napas": {"secrets": ["x" * 24, "y" * 24, "z" * 24]}}, ".napas.secrets"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(tmp_path: Path, name: str, content: Any, place: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, name, content if isinstance(content, str) else json.dumps(content))
    assert str(raised.value).startswith(f"{name}{place}: ")
    for shown in ("too short", "97041", "1" * 20, "Số 1", "xxx"):
        assert shown not in str(raised.value)
