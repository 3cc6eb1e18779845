"""What catalog's processes are started with, besides what every service is."""

from pydantic import Field

from chassis.settings import Settings


class CatalogSettings(Settings):
    port: int = Field(default=8001, ge=1, le=65535)
    health_port: int = Field(default=8101, ge=1, le=65535)
    max_body_bytes: int = Field(default=20_000_000, ge=1_000)
    """An import brings a province's whole catalogue in one body."""
