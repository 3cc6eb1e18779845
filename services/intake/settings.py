"""Intake's settings."""

from pydantic import Field

from chassis.settings import Settings


class IntakeSettings(Settings):
    """Most requests of a province's day are intake's, and one process keeps only one core busy."""

    web_processes: int = Field(default=2, ge=1, le=64)
