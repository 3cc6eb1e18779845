"""Intake's settings."""

import pytest

from chassis.settings import SettingsError
from intake.settings import IntakeSettings

GOOD = {"MONGO_URL": "mongodb://127.0.0.1:1/i", "AMQP_URL": "amqp://127.0.0.1:1/v", "JWKS": "jwks.json"}


@pytest.mark.parametrize("address", ["", "/run/clamd.sock", "clamd:3310", "[::1]:65535"])
def test_where_clamd_listens(address: str) -> None:
    assert IntakeSettings.read({**GOOD, "CLAMD_ADDRESS": address}).clamd_address == address


@pytest.mark.parametrize("address", ["clamd", "clamd:", "clamd:0", "clamd:99999", "run/clamd.sock"])
def test_where_it_cannot_listen_is_named(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^CLAMD_ADDRESS: "):
        IntakeSettings.read({**GOOD, "CLAMD_ADDRESS": address})
