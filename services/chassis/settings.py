"""Typed settings from the environment. A missing or malformed value stops the process at start and is named."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

S = TypeVar("S", bound="Settings")

EX_CONFIG = 78
"""sysexits.h: something was found in an unconfigured or misconfigured state."""


class SettingsError(Exception):
    """Names every variable that is missing or malformed, one line each."""


class Settings(BaseModel):
    """What every process needs; a service subclasses it with its own fields. A field is read from the variable of the
    same name in capitals, or from the file that `<NAME>_FILE` names.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    mongo_url: str = Field(pattern=r"^mongodb(\+srv)?://.+/[a-z_0-9-]+")
    mongo_password: str | None = None
    amqp_url: str = Field(pattern=r"^amqps?://")
    amqp_password: str | None = None
    jwks: str
    jwt_issuer: str = "motcua"
    jwt_audience: str = "motcua"
    api_keys_file: Path | None = None
    bind: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    health_port: int = Field(default=8100, ge=1, le=65535)
    web_processes: int = Field(default=1, ge=1, le=64)
    web_threads: int = Field(default=16, ge=1, le=256)
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    public_url: str = Field(default="http://127.0.0.1:8080", pattern="^https?://")
    subscribers: tuple[str, ...] = ("catalog", "intake", "workflow", "notify", "stats")
    consumer_batch: int = Field(default=300, ge=1, le=1000)
    consumer_gather_ms: int = Field(default=50, ge=0, le=5000)
    """After a first message, others that follow are waited for so long: what a batch costs hardly depends on how many
    it has."""
    relay_batch: int = Field(default=500, ge=1, le=5000)
    relay_poll_ms: int = Field(default=1000, ge=5)
    relay_grace_ms: int = Field(default=10_000, ge=0)

    @model_validator(mode="after")
    def _passwords_into_urls(self) -> Self:
        object.__setattr__(self, "mongo_url", with_password(self.mongo_url, self.mongo_password))
        object.__setattr__(self, "amqp_url", with_password(self.amqp_url, self.amqp_password))
        return self

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings, or SettingsError."""
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for name in cls.model_fields:
            variable = name.upper()
            if (text := environ.get(variable)) is not None:
                values[name] = text.split(",") if name == "subscribers" else text
            elif not name.endswith("_file") and (path := environ.get(f"{variable}_FILE")):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    wrong.append(f"{variable}_FILE: {path}: {error.strerror}")
                except UnicodeDecodeError:
                    wrong.append(f"{variable}_FILE: {path}: is not UTF-8 text")
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            for item in error.errors(include_input=False, include_url=False):
                name = str(item["loc"][0]).upper() if item["loc"] else "settings"
                wrong.append(f"{name}: {'is missing' if item['type'] == 'missing' else item['msg']}")
        if wrong:
            raise SettingsError("\n".join(wrong))
        return settings


def read_or_exit(settings_class: type[S]) -> S:
    """For a process's first line: prints what is wrong to stderr and exits with status 78."""
    try:
        return settings_class.read()
    except SettingsError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        raise SystemExit(EX_CONFIG) from None


def with_password(url: str, password: str | None) -> str:
    """The URL with the password put beside its user name, percent-encoded; unchanged without a password."""
    if password is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if not user or ":" in user:
        return url
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
