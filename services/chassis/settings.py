"""Typed settings from the environment. A missing or malformed value stops the process at start and is named."""

import os
import socket
import ssl
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chassis import SERVICES

S = TypeVar("S", bound="Settings")

MAX_PORT = 65535
EX_CONFIG = 78
"""sysexits.h: something was found in an unconfigured or misconfigured state."""


class SettingsError(Exception):
    """Names every variable that is missing or malformed, one line each."""


def _with_host(url: str) -> str:
    """Also for several hosts, as MongoDB's URLs have them."""
    netloc = urlsplit(url).netloc.rpartition("@")[2]
    for host in netloc.split(","):
        try:
            named = urlsplit(f"//{host}").hostname
            urlsplit(f"//{host}").port  # noqa: B018 (it raises)
        except ValueError:
            raise ValueError(f"has a port that is no number up to {MAX_PORT}") from None
        if not named:
            raise ValueError("names no host")
    return url


def _place(text: str) -> str:
    """A path, or a web address."""
    if "://" in text:
        if not text.startswith(("http://", "https://")):
            raise ValueError("is neither a path nor an http(s) address")
        _with_host(text)
    return text


def _own_address(host: str) -> str:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        raise ValueError("is no address or name of this machine") from None
    return host


Text = Annotated[str, StringConstraints(min_length=1)]
WebAddress = Annotated[str, AfterValidator(_with_host)]


class Settings(BaseModel):
    """What every process needs; a service subclasses it with its own fields. A field is read from the variable of the
    same name in capitals, or from the file that `<NAME>_FILE` names.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    mongo_url: Annotated[WebAddress, Field(pattern=r"^mongodb(\+srv)?://.+/[a-z_0-9-]+")]
    mongo_password: str | None = None
    amqp_url: Annotated[WebAddress, Field(pattern=r"^amqps?://")]
    amqp_password: str | None = None
    jwks: Annotated[Text, AfterValidator(_place)]
    jwt_issuer: Text = "motcua"
    jwt_audience: Text = "motcua"
    api_keys_file: Path | None = None
    bind: Annotated[Text, AfterValidator(_own_address)] = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=MAX_PORT)
    health_port: int = Field(default=8100, ge=1, le=MAX_PORT)
    web_processes: int = Field(default=1, ge=1, le=64)
    web_threads: int = Field(default=16, ge=1, le=256)
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    public_url: Annotated[WebAddress, Field(pattern="^https?://")] = "http://127.0.0.1:8080"
    subscribers: tuple[str, ...] = SERVICES
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

    def unusable(self, command: str) -> list[str]:
        """What shows only to one who looks: what is wrong, for this command, with the places that the settings name,
        one line each."""
        wanted = os.environ.get("TMPDIR")
        if command in ("web", "worker") and wanted and Path(tempfile.gettempdir()) != Path(wanted).absolute():
            return ["TMPDIR: is no folder that can be written to"]
        return []

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
            wrong += [_sentence(item["loc"], item) for item in error.errors(include_input=False, include_url=False)]
        if wrong:
            raise SettingsError("\n".join(wrong))
        return settings


def _sentence(place: Sequence[int | str], error: Mapping[str, Any]) -> str:
    """`SMS_PROVIDERS[0].name: is missing`. A rule over several variables names them itself."""
    text = "is missing" if error["type"] == "missing" else str(error["msg"]).removeprefix("Value error, ")
    if not place:
        return text
    within = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place[1:])
    return f"{str(place[0]).upper()}{within}: {text}"


def read_or_exit(settings_class: type[S]) -> S:
    """For a process's first line: prints what is wrong to stderr and exits with status 78."""
    try:
        return settings_class.read()
    except SettingsError as error:
        cannot_start(str(error))


def cannot_start(wrong: str) -> NoReturn:
    print(f"cannot start: {wrong}", file=sys.stderr)
    raise SystemExit(EX_CONFIG)


def trusts_nobody(path: Path | None) -> bool:
    """Whether there is no certificate at the place: no file is named, or an empty one, which is how a container without
    any fills its place. Raises ValueError when there is something else than certificates in PEM."""
    # An empty variable becomes this path.
    if path is None or path == Path():
        return True
    try:
        # Between certificates there may be words in any language.
        text = path.read_text(encoding="utf-8").encode("ascii", "ignore").decode()
        if text.strip():
            ssl.create_default_context().load_verify_locations(cadata=text)
    except (OSError, ValueError):
        raise ValueError("is not a readable file of certificates in PEM") from None
    return not text.strip()


def with_password(url: str, password: str | None) -> str:
    """The URL with the password put beside its user name, percent-encoded; unchanged without a password."""
    if password is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    if not user or ":" in user:
        return url
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
