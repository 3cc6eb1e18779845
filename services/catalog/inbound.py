"""Catalog's own reading of what intake publishes: only the fields that it uses, and nothing of a person."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    procedure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierReceived:
    """A dossier was received: its procedure was used once."""

    dimensions: Dimensions
    received_at: datetime
