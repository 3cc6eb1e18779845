"""What stats needs besides what every process needs."""

from pydantic import Field

from chassis.settings import Settings


class StatsSettings(Settings):
    intake_url: str = Field(default="http://127.0.0.1:8002", pattern="^https?://")
    intake_api_key: str = Field(min_length=1)
    intake_timeout_seconds: float = Field(default=10, gt=0)
