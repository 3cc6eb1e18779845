"""`.run/access.json`: credentials of one person of each kind, for trying things by hand and for the sample's drive."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from chassis import keys

LIFETIME = timedelta(days=30)
OFFICE = "office-software"
PAYMENT_PROVIDERS = "payment_providers.json"


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to act as. `agency` is one of the sample province's, None for citizens and for those of no agency.
    `identity`: the number that the token vouches for."""

    name: str
    scopes: tuple[str, ...]
    agency: str | None = None
    roles: tuple[str, ...] = ()
    identity: str | None = None


_CITIZEN = ("dossiers.file", "dossiers.read", "documents.read", "messages.read", "preferences.choose", "results.read")
_OFFICER = ("dossiers.read", "documents.read", "tasks.read", "tasks.work", "results.read", "results.sign")
PERSONAS: Mapping[str, Persona] = {
    "citizen": Persona("Nguyễn Thị Hoa", _CITIZEN, identity="038185001234"),
    "volunteer": Persona("Lê Văn Tình", _CITIZEN, roles=("volunteer",)),
    "counter_officer": Persona(
        "Trần Thị Lan",
        (
            "dossiers.file",
            "dossiers.receive",
            "partners.pickup",
            "stats.read",
            "stats.dossiers",
            "reports.read",
            *_OFFICER,
        ),
        agency="H56.30",
    ),
    "officer": Persona("Phạm Văn Đức", _OFFICER, agency="H56.30"),
    "other_officer": Persona("Hoàng Thị Mai", ("dossiers.receive", *_OFFICER), agency="H56.02"),
    "leader": Persona(
        "Vũ Quốc Việt",
        (
            "catalog.review",
            "dossiers.read",
            "dossiers.read_all",
            "tasks.read",
            "stats.read",
            "stats.dossiers",
            "reports.read",
            "reports.publish",
        ),
        agency="H56",
    ),
    "editor": Persona("Đỗ Thị Thu", ("catalog.edit", "catalog.review", "processes.simulate", "messages.edit")),
    "operator": Persona(
        "Ngô Minh Quân",
        (
            "parked.manage",
            "payments.reconcile",
            "population.audit",
            "messages.read",
            "messages.manage",
            "partners.read",
            "partners.open",
            "partners.repair",
            "webhooks.manage",
            "webhooks.manage_all",
            "stats.read",
            "stats.feed",
        ),
    ),
    "backdate": Persona(
        "Chuyển đổi dữ liệu",
        ("dossiers.file", "dossiers.receive", "dossiers.read_all", "any_agency", "backdate", *_OFFICER),
    ),
}
OFFICE_SCOPES = ("dossiers.file", "dossiers.receive", *_OFFICER)
OFFICE_AGENCY = "H56.30"


def write_access(path: Path, secrets: Path, base_url: str) -> None:
    """Mint a token for each persona. The office's API key of an earlier start is kept while the services know it."""
    tokens = {
        word: keys.mint_token(
            secrets / "jwt_private.jwk",
            subject=f"sample:{word}",
            name=persona.name,
            scopes=persona.scopes,
            agency=persona.agency,
            roles=persona.roles,
            identity=persona.identity,
            lifetime=LIFETIME,
        )
        for word, persona in PERSONAS.items()
    }
    agencies = {word: persona.agency for word, persona in PERSONAS.items() if persona.agency} | {
        "office": OFFICE_AGENCY
    }
    access = {
        "base_url": base_url,
        "tokens": tokens,
        "api_keys": {"office": _office_key(path, secrets / "api_keys.json")},
        "agencies": agencies,
    }
    keys.write_secret(path, json.dumps(access, indent=2, ensure_ascii=False) + "\n")


def write_payment_providers(path: Path) -> None:
    """A payment provider to try call-backs with, whose secret is this start's own; what is there is kept."""
    if not path.exists():
        keys.write_secret(path, json.dumps({"sample": {"secrets": [token_urlsafe(32)]}}) + "\n")


def _office_key(access: Path, api_keys: Path) -> str:
    if access.exists():
        earlier: str = _read(access)["api_keys"]["office"]
        wanted = {"sha256": keys.hash_of(earlier), "scopes": list(OFFICE_SCOPES), "agency": OFFICE_AGENCY}
        if any(wanted.items() <= entry.items() for entry in _read(api_keys)["keys"]):
            return earlier
    return keys.mint_api_key(api_keys, client=OFFICE, scopes=OFFICE_SCOPES, agency=OFFICE_AGENCY)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
