"""Who is calling, and what they may do: bearer tokens (RFC 6750, RFC 7519) and offices' API keys.

Each service lists its scopes with what they allow; each route names one of them, or says in words why it is public.
"""

import hmac
import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis import keys, logs
from chassis.errors import Forbidden, Unauthenticated, Unavailable

log = logs.get()
ALGORITHMS = ["ES256", "RS256", "EdDSA"]
KEPT_SECONDS = 300
"""A verified token and the key set are kept this long: then a key that was taken out of the set is of no more use."""
KEPT_TOKENS = 4096
LOOK_AGAIN_SECONDS = 10
LEEWAY_SECONDS = 60
"""Clocks differ: a token is taken this long before `nbf` and after `exp`."""

BACKDATE = "backdate"
COMMON_SCOPES = {
    BACKDATE: "May say when an act happened (Occurred-At): offices that were offline, migration, replays",
    "parked.manage": "Lists, replays and discards parked messages of any service",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a system that proved who it is.

    `agency` is the one it acts for, None for citizens and for the whole province. `identity`: the number under which
    the state knows the person, when whoever signed the token vouches for it (claim `identity`).
    """

    subject: str
    name: str
    scopes: frozenset[str]
    agency: str | None
    roles: frozenset[str]
    kind: str  # "person" or "system"
    identity: str | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Forbidden unless the principal has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"the scope {scope} is needed")


_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError)


def unusable(jwks: str, api_keys: Path | None) -> list[str]:
    """What is wrong with the files that callers are checked against, a line each. A web address is not looked at: the
    identity provider may be away now; a file of API keys may come later, into a folder that is there."""
    wrong = []
    if "://" not in jwks:
        try:
            _key_set(Path(jwks))
        except _UNREADABLE:
            wrong.append("JWKS: is no file with a JSON Web Key Set")
    if api_keys is not None and not (api_keys.parent.is_dir() and not api_keys.exists()):
        try:
            _entries(api_keys)
        except _UNREADABLE:
            wrong.append("API_KEYS_FILE: is no file of API keys, as `python -m chassis api-key` makes it")
    return wrong


class Headers(Protocol):
    """A request's headers, whatever their case."""

    def get(self, name: str, /) -> str | None: ...


class Authenticator:
    """Checks a request's credentials. Thread-safe; keeps verified tokens a while, since a signature costs 100 µs."""

    def __init__(
        self, jwks: str, api_keys: Path | None, *, issuer: str, audience: str, now: Callable[[], float] = time.time
    ) -> None:
        self._key_source = _KeySource(jwks)
        self._api_keys = _ApiKeys(api_keys)
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._now = now
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def principal(self, headers: Headers) -> Principal:
        """Whoever sent these headers, or Unauthenticated."""
        if api_key := headers.get("X-Api-Key"):
            return self._api_keys.principal(api_key)
        scheme, _, token = (headers.get("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("a bearer token or X-Api-Key is needed")
        with self._lock:
            known = self._verified.get(token)
        if known is not None and known[0] > self._now():
            return known[1]
        return self._verify(token.strip())

    def _verify(self, token: str) -> Principal:
        try:
            decoded = jwt.decode(token, self._key_source.key_for, algorithms=ALGORITHMS)
            claims = decoded.claims
            self._claims.validate(claims)
        except (JoseError, ValueError, KeyError) as error:
            raise Unauthenticated(f"the token is not valid: {type(error).__name__}") from None
        principal = Principal(
            subject=str(claims["sub"]),
            name=str(claims.get("name", "")),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            agency=claims.get("agency"),
            roles=frozenset(claims.get("roles", ())),
            kind="person",
            identity=str(claims["identity"]) if claims.get("identity") else None,
        )
        with self._lock:
            self._verified[token] = (min(float(claims["exp"]) + LEEWAY_SECONDS, self._now() + KEPT_SECONDS), principal)
            while len(self._verified) > KEPT_TOKENS:
                self._verified.popitem(last=False)
        return principal


class _KeySource:
    """The public keys, from a file or a URL.

    It looks again every KEPT_SECONDS, and for an unknown `kid`, but never more often than every LOOK_AGAIN_SECONDS.
    While the place cannot be read, the keys that are known remain good, and nobody who has one of them waits.
    """

    def __init__(self, place: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._clock = clock
        self._keys: KeySet | None = None
        self._looked_at = self._tried_at = -math.inf
        self._lock = threading.Lock()

    def key_for(self, token: Any) -> Any:
        """The key that the token names, KeyError when there is none, Unavailable when no key set was ever read."""
        kid = token.headers().get("kid")
        found = self._find(kid)
        if found is None or self._clock() - self._looked_at > KEPT_SECONDS:
            self._look(wait=found is None)
            found = self._find(kid)
        if found is None:
            if self._keys is None:
                raise Unavailable("the key set cannot be read", retry_after=LOOK_AGAIN_SECONDS)
            raise KeyError("kid")
        return found

    def _look(self, *, wait: bool) -> None:
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._clock() - self._tried_at > LOOK_AGAIN_SECONDS:
                self._tried_at = self._clock()
                self._keys = self._fetch()
                self._looked_at = self._clock()
        except _UNREADABLE as error:
            log.warning("key_set_away", reason=type(error).__name__)
        finally:
            self._lock.release()

    def _find(self, kid: str | None) -> Any:
        return None if self._keys is None else next((key for key in self._keys.keys if key.kid == kid), None)

    def _fetch(self) -> KeySet:
        if self._place.startswith(("http://", "https://")):
            answer = requests.get(self._place, timeout=5)
            answer.raise_for_status()
            return KeySet.import_key_set(answer.json())
        return _key_set(Path(self._place))


def _key_set(path: Path) -> KeySet:
    return KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))


class _ApiKeys:
    """The file of hashed API keys, read again when it changes. While it is there and cannot be read, the keys that are
    known remain good, as with the key set."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._entries: list[tuple[str, Principal]] = []
        self._lock = threading.Lock()

    def principal(self, api_key: str) -> Principal:
        digest = keys.hash_of(api_key)
        found = None
        # Every entry is compared, so that the time taken tells nothing about which one fits.
        for sha256, principal in self._current():
            if hmac.compare_digest(sha256, digest):
                found = principal
        if found is None:
            raise Unauthenticated("the API key is not known")
        return found

    def _current(self) -> list[tuple[str, Principal]]:
        if self._path is None:
            return []
        with self._lock:
            try:
                status = self._path.stat()
                if (stamp := (status.st_mtime_ns, status.st_ino)) != self._stamp:
                    # Also when it cannot be read: then it is looked at again, and told of, when it changes.
                    self._stamp = stamp
                    self._entries = _entries(self._path)
            except FileNotFoundError:
                self._entries, self._stamp = [], None
            except _UNREADABLE as error:
                log.error("api_keys_unreadable", reason=type(error).__name__)
            return self._entries


def _entries(path: Path) -> list[tuple[str, Principal]]:
    entries = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return [(str(entry["sha256"]), _system(entry)) for entry in entries]


def _system(entry: dict[str, Any]) -> Principal:
    return Principal(
        subject=f"system:{entry['client']}",
        name=entry["client"],
        scopes=frozenset(entry["scopes"]),
        agency=entry.get("agency"),
        roles=frozenset(),
        kind="system",
    )
