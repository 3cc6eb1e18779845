"""Workflow's settings: places that a process needs are looked at before it starts."""

from pathlib import Path

import pytest

from workflow.settings import WorkflowSettings

GOOD = {"MONGO_URL": "mongodb://127.0.0.1:1/w", "AMQP_URL": "amqp://127.0.0.1:1/v", "JWKS": "jwks.json"}


def unusable(command: str, **given: Path) -> list[str]:
    settings = WorkflowSettings.read({**GOOD, **{name: str(path) for name, path in given.items()}})
    return [line.partition(":")[0] for line in settings.unusable(command)]


@pytest.mark.parametrize("content", [None, "root:x:0:0", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
def test_certificates_that_are_none_are_named_by_the_web_process(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "trusted.pem"
    if content is not None:
        path.write_text(content)
    assert unusable("web", TRUSTED_CERTIFICATES_FILE=path) == ["TRUSTED_CERTIFICATES_FILE"]
    # `certificates` makes them, and the worker verifies nothing.
    assert unusable("certificates", TRUSTED_CERTIFICATES_FILE=path) == []
    assert unusable("worker", TRUSTED_CERTIFICATES_FILE=path) == []


def test_an_empty_file_of_certificates_trusts_nobody(tmp_path: Path) -> None:
    (tmp_path / "trusted.pem").write_text("\n")
    assert unusable("web", TRUSTED_CERTIFICATES_FILE=tmp_path / "trusted.pem") == []
    assert unusable("web") == []


def test_a_folder_of_signing_keys_that_is_none_is_named_by_the_worker(tmp_path: Path) -> None:
    assert unusable("worker", SIGNING_KEYS=tmp_path / "none") == ["SIGNING_KEYS"]
    assert unusable("worker", SIGNING_KEYS=tmp_path) == []
    assert unusable("web", SIGNING_KEYS=tmp_path / "none") == []
