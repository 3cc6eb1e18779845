"""What webhooks need. Without `sealing_key`, which their secrets are sealed with, there are none."""

import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from chassis.settings import Settings
from notify.courier import MAX_TIMEOUT_SECONDS
from notify.webhooks.addresses import read_networks, read_ports


def _ports(text: str) -> str:
    read_ports(text)
    return text


def _networks(text: str) -> str:
    read_networks(text)
    return text


def _readable(path: Path | None) -> Path | None:
    """An empty file is how a deployment without authorities of its own leaves its place."""
    try:
        if path is None or not (certificates := path.read_text(encoding="ascii")).strip():
            return None
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (OSError, ValueError):
        raise ValueError("is not a readable file of certificates in PEM") from None
    return path


class WebhookSettings(Settings):
    """`webhook_networks`: networks that are not public and yet allowed, `10.1.0.0/16,fd00::/8`; `webhook_http`: also
    without TLS and on any port, for development; `webhook_ca_file`: who vouches for receivers besides the authorities
    of the system. `webhook_lines`: to how many receivers a worker speaks at once; `webhook_keep_days`: how long events
    can be replayed and deliveries looked at; `webhook_failing_days`: after so many without any success a webhook is
    disabled."""

    webhook_ports: Annotated[str, AfterValidator(_ports)] = "443,8443"
    webhook_networks: Annotated[str, AfterValidator(_networks)] = ""
    webhook_http: bool = False
    webhook_ca_file: Annotated[Path | None, BeforeValidator(lambda text: text or None), AfterValidator(_readable)] = (
        None
    )
    webhook_timeout_seconds: float = Field(default=15, gt=0, le=MAX_TIMEOUT_SECONDS)
    webhook_lines: int = Field(default=8, ge=2, le=64)
    webhook_batch: int = Field(default=50, ge=1, le=500)
    webhook_keep_days: int = Field(default=30, ge=1, le=365)
    webhook_failing_days: float = Field(default=5, gt=0)
