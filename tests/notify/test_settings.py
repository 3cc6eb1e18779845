"""What notify is started with."""

from pathlib import Path

import pytest

from chassis.settings import SettingsError
from notify.settings import NotifySettings

ENVIRONMENT = {
    "MONGO_URL": "mongodb://127.0.0.1:27017/motcua_notify",
    "AMQP_URL": "amqp://127.0.0.1:5672/motcua",
    "JWKS": "jwks.json",
    "SMTP_URL": "smtp://127.0.0.1:1025",
    "MAIL_FROM": "mot-cua@thanhhoa.example",
}


@pytest.fixture
def empty(tmp_path: Path) -> str:
    path = tmp_path / "empty"
    path.touch()
    return str(path)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("right\n")
    return str(path)


def test_a_mail_server_without_a_password(empty: str) -> None:
    settings = NotifySettings.read({**ENVIRONMENT, "SMTP_PASSWORD_FILE": empty})
    assert settings.smtp_url == "smtp://127.0.0.1:1025"
    assert not settings.smtp_password


def test_a_mail_server_with_a_password(secret: str) -> None:
    given = {"SMTP_URL": "smtps://motcua@mail.x.vn", "SMTP_PASSWORD_FILE": secret, "MAIL_FROM": "Một Cửa <a@x.vn>"}
    assert NotifySettings.read({**ENVIRONMENT, **given}).smtp_password == "right"


def test_a_second_mail_server(secret: str, empty: str) -> None:
    given = {"SMTP_URL_2": "smtps://motcua@mail-2.x.vn", "SMTP_PASSWORD_2_FILE": secret, "SMTP_CA_FILE": empty}
    settings = NotifySettings.read({**ENVIRONMENT, **given})
    assert (settings.smtp_url_2, settings.smtp_password_2) == ("smtps://motcua@mail-2.x.vn", "right")
    assert settings.smtp_ca_file is None
    none = {"SMTP_URL_2": "", "SMTP_PASSWORD_2_FILE": empty, "SMTP_CA_FILE": ""}
    settings = NotifySettings.read({**ENVIRONMENT, **none})
    assert (settings.smtp_url_2, settings.smtp_ca_file) == (None, None)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_URL": None}, "SMTP_URL: is missing"),
        ({"SMTP_URL": "mail.x.vn:25"}, "SMTP_URL: "),
        ({"SMTP_URL": "smtps://motcua:secret@mail.x.vn"}, "SMTP_URL: .*SMTP_PASSWORD_FILE"),
        ({"SMTP_URL": "smtps://motcua@mail.x.vn"}, "SMTP_PASSWORD"),
        ({"MAIL_FROM": None}, "MAIL_FROM: is missing"),
        ({"MAIL_FROM": "Một Cửa"}, "MAIL_FROM: "),
        ({"MESSAGE_LANGUAGE": "fr"}, "MESSAGE_LANGUAGE: "),
        ({"SMTP_TIMEOUT_SECONDS": "60"}, "SMTP_TIMEOUT_SECONDS: "),
        ({"SMTP_URL_2": "mail.x.vn:25"}, "SMTP_URL_2: "),
        ({"SMTP_URL_2": "smtps://motcua@mail.x.vn"}, "SMTP_PASSWORD_2"),
        ({"SMTP_CA_FILE": "/nowhere/ca.pem"}, "SMTP_CA_FILE: "),
        ({"SMTP_CA_FILE": __file__}, "SMTP_CA_FILE: "),
        ({"MAIL_LINES": "0"}, "MAIL_LINES: "),
        ({"MAIL_RECIPIENT_HOUR": "-1"}, "MAIL_RECIPIENT_HOUR: "),
        ({"FAILOVER_SHARE": "0"}, "FAILOVER_SHARE: "),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, str | None], named: str) -> None:
    environment = {key: value for key, value in {**ENVIRONMENT, **given}.items() if value is not None}
    with pytest.raises(SettingsError, match=named) as raised:
        NotifySettings.read(environment)
    assert "secret" not in str(raised.value)
