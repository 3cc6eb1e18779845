"""Workflow's settings."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from chassis.settings import Settings, trusts_nobody


class WorkflowSettings(Settings):
    """Most requests of a province's day are workflow's, and one process keeps only one core busy."""

    web_processes: int = Field(default=2, ge=1, le=64)
    result_max_bytes: int = Field(default=20_000_000, ge=10_000, le=20_000_000)
    result_max_pages: int = Field(default=200, ge=1, le=5_000)
    result_signatures: Literal["templates", "always", "never"] = "templates"
    signing_keys: Path | None = None
    signing_tsa_url: str | None = Field(default=None, pattern="^https?://")
    trusted_certificates_file: Path | None = None
    undo_minutes: int = Field(default=5, ge=0, le=1440)
    alert_share: float = Field(default=0.8, gt=0, le=1)
    alert_escalate_days: int = Field(default=2, ge=1, le=60)

    def unusable(self, command: str) -> list[str]:
        wrong = super().unusable(command)
        if command == "web":
            try:
                trusts_nobody(self.trusted_certificates_file)
            except ValueError as error:
                wrong.append(f"TRUSTED_CERTIFICATES_FILE: {error}")
        # The keys are the worker's alone; for the others nothing need be at that place.
        if command == "worker" and self.signing_keys is not None and not self.signing_keys.is_dir():
            wrong.append("SIGNING_KEYS: is no folder")
        return wrong
