"""What stats needs besides what every process needs."""

from pydantic import Field

from chassis.settings import Settings


class StatsSettings(Settings):
    # A batch changes each agency's sums once, however many of its events are the agency's.
    consumer_batch: int = Field(default=4000, ge=1, le=5000)
    consumer_gather_ms: int = Field(default=200, ge=0, le=5000)
    intake_url: str = Field(default="http://127.0.0.1:8002", pattern="^https?://")
    intake_api_key: str = Field(min_length=1)
    intake_timeout_seconds: float = Field(default=10, gt=0)
    feed_seconds: float = Field(default=2, ge=0.05, le=60)
    """At most this often the feed says something new of the same agency and month."""
    feed_followers: int = Field(default=8, ge=1, le=200)
    """How many may follow the feed in one web process at once; each holds one of its threads."""
