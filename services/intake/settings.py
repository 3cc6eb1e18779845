"""Intake's settings."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    StringConstraints,
    model_validator,
)

from chassis.settings import MAX_PORT, Settings


class AccountSettings(BaseModel):
    """An account that fees go to: the bank's six digits at NAPAS, the account's number, and whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,19}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ProviderSettings(BaseModel):
    """A payment provider: the secret that it signs with, or two while it changes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: Annotated[tuple[Annotated[str, StringConstraints(min_length=24)], ...], Field(min_length=1, max_length=2)]


_EMPTY_IS_NONE = BeforeValidator(lambda text: text or "{}")
"""An empty file is how a deployment without any fills its place."""


def _clamd(address: str) -> str:
    port = address.rpartition(":")[2]
    if not address.startswith("/") and address and not 1 <= int(port) <= MAX_PORT:
        raise ValueError(f"has a port that is no number up to {MAX_PORT}")
    return address


class IntakeSettings(Settings):
    """Most requests of a province's day are intake's, and one process keeps only one core busy."""

    web_processes: int = Field(default=2, ge=1, le=64)
    vietqr_accounts: Annotated[Json[dict[str, AccountSettings]], _EMPTY_IS_NONE] = Field(default={})
    """By agency, and as `*` for those that have none of their own. Without one, nobody is told to pay by a transfer."""
    payment_providers: Annotated[Json[dict[str, ProviderSettings]], _EMPTY_IS_NONE] = Field(default={})
    """By the name that is in the path of a provider's call-backs."""
    clamd_address: Annotated[str, Field(pattern=r"^(|/.+|.+:\d{1,5})$"), AfterValidator(_clamd)] = ""
    """Where clamd listens, `host:port` or the path of a Unix socket. Empty: files are not scanned, and say so."""
    clamd_timeout_seconds: int = Field(default=60, ge=1, le=120)
    file_max_bytes: int = Field(default=50 * 1024 * 1024, ge=1_000, le=50 * 1024 * 1024)
    """The gateway lets through what is this large at most."""
    file_max_pages: int = Field(default=500, ge=1, le=5_000)
    file_quota_bytes: int = Field(default=1_000_000_000, ge=1_000)
    """What somebody without an agency may have uploaded and not used yet."""
    population_url: str | None = Field(default=None, pattern=r"^https?://")
    """The sharing platform's address of the population database. None: nothing is pre-filled."""
    population_api_key: str | None = Field(default=None, min_length=1)
    population_timeout_seconds: float = Field(default=3, ge=0.1, le=10)
    population_log_key: str | None = Field(default=None, min_length=16)
    """What the identity numbers in the log of look-ups are hashed with: without a key, trying all numbers would undo
    the hash."""

    @model_validator(mode="after")
    def _log_key_beside_url(self) -> Self:
        if self.population_url is not None and self.population_log_key is None:
            raise ValueError("POPULATION_URL needs POPULATION_LOG_KEY")
        return self
