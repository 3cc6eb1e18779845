"""The keys that callers prove themselves with: the pair that signs bearer tokens, and offices' API keys.

`make_key_pair` and `mint_token` are for development and for a province without an identity provider; with one, `JWKS`
is its URL.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"
ISSUER = AUDIENCE = "motcua"


def write_secret(path: Path, text: str) -> None:
    """Writes a file that only its owner reads, and never half: a reader sees the old text or the new one."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def make_key_pair(directory: Path) -> None:
    """Writes `jwt_private.jwk` and `jwks.json`, unless both are there."""
    private, public = directory / "jwt_private.jwk", directory / "jwks.json"
    if private.exists() and public.exists():
        return
    key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": ALGORITHM}, private=True)
    write_secret(private, json.dumps(key.as_dict(private=True)))
    write_secret(public, json.dumps(KeySet([ECKey.import_key(key.as_dict(private=False))]).as_dict(private=False)))


def mint_token(
    private_key: Path,
    *,
    subject: str,
    name: str,
    scopes: Sequence[str],
    agency: str | None = None,
    roles: Sequence[str] = (),
    identity: str | None = None,
    lifetime: timedelta = timedelta(hours=12),
    now: datetime | None = None,
    issuer: str = ISSUER,
    audience: str = AUDIENCE,
) -> str:
    """A signed bearer token (RFC 7519) with our claims: `scope` (words separated by spaces), `agency`, `roles`,
    `identity`."""
    key = ECKey.import_key(json.loads(private_key.read_text(encoding="utf-8")))
    now = now or datetime.now(UTC)
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "name": name,
        "scope": " ".join(scopes),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "roles": list(roles),
    }
    if agency is not None:
        claims["agency"] = agency
    if identity is not None:
        claims["identity"] = identity
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def hash_of(api_key: str) -> str:
    """What is kept of an API key: its SHA-256 in hexadecimal. The key has 256 random bits, so it needs no salt."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def mint_api_key(api_keys: Path, *, client: str, scopes: Sequence[str], agency: str | None = None) -> str:
    """Makes a key for an office's software, adds its hash to the file, and returns the key: it is shown this once.

    A client has at most two live keys, the newest ones, so that it can change over without a gap.
    """
    key = f"mc_{secrets.token_urlsafe(32)}"
    entries = json.loads(api_keys.read_text(encoding="utf-8"))["keys"] if api_keys.exists() else []
    mine = [entry for entry in entries if entry["client"] == client][-1:]
    others = [entry for entry in entries if entry["client"] != client]
    entry = {
        "client": client,
        "sha256": hash_of(key),
        "scopes": list(scopes),
        "agency": agency,
        "made_at": datetime.now(UTC).isoformat(),
    }
    write_secret(api_keys, json.dumps({"keys": [*others, *mine, entry]}, indent=1))
    return key
