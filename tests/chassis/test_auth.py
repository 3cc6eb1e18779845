"""Who is let in: tokens of the right issuer, audience, time and key; API keys of the file as it is now. Nobody else."""

import base64
import hmac
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from structlog.testing import capture_logs

from chassis import auth, keys
from chassis.auth import Authenticator, Principal
from chassis.errors import Forbidden, Unauthenticated, Unavailable
from tests.support.waiting import until

NOW = 1_772_400_000.0
KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"}, private=True)
OTHER = ECKey.generate_key("P-256", {"kid": "k2", "use": "sig", "alg": "ES256"}, private=True)
CLAIMS: dict[str, Any] = {
    "iss": "motcua", "aud": "motcua", "sub": "u1", "name": "Đức", "scope": "tasks.read tasks.work", "agency": "H56.14",
    "roles": ["head"], "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
}  # fmt: skip


def key_set(*found: Any) -> str:
    return json.dumps(KeySet(list(found)).as_dict(private=False))


def token(key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}
    return jwt.encode(header or {"alg": "ES256", "kid": key.kid}, said, key, algorithms=["ES256", "RS256"])


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@dataclass
class Now:
    value: float = NOW

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(key_set(KEY))
    return path


@pytest.fixture
def authenticator(jwks: Path, now: Now) -> Authenticator:
    return Authenticator(str(jwks), None, issuer="motcua", audience="motcua", now=now)


def test_a_good_token_says_who_it_is(authenticator: Authenticator) -> None:
    for _ in range(2):  # the second time from memory
        assert authenticator.principal(bearer(token())) == Principal(
            "u1", "Đức", frozenset({"tasks.read", "tasks.work"}), "H56.14", frozenset({"head"}), "person"
        )


def test_a_token_may_say_no_more_than_who_it_is(authenticator: Authenticator) -> None:
    bare = token(name=..., scope=..., agency=..., roles=..., nbf=..., iat=...)
    assert authenticator.principal(bearer(bare)) == Principal("u1", "", frozenset(), None, frozenset(), "person")


@pytest.mark.parametrize(("claim", "identity"), [("038185001234", "038185001234"), ("", None), (None, None)])
def test_a_token_may_vouch_for_the_number_that_the_state_knows_the_person_by(
    authenticator: Authenticator, claim: str | None, identity: str | None
) -> None:
    assert authenticator.principal(bearer(token(identity=claim))).identity == identity
    assert authenticator.principal(bearer(token())).identity is None


def test_a_principal_may_what_its_scopes_allow() -> None:
    principal = Principal("u1", "", frozenset({"tasks.read"}), None, frozenset(), "person")
    principal.require("tasks.read")
    assert principal.may("tasks.read")
    assert not principal.may("tasks")
    with pytest.raises(Forbidden, match=r"tasks\.work"):
        principal.require("tasks.work")


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def unsigned(header: dict[str, Any]) -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(CLAIMS).encode())}"


def confused(secret: bytes) -> str:
    """Signed with the public key as if it were a shared secret."""
    content = unsigned({"alg": "HS256", "kid": "k1"})
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), 'sha256'))}"


def swapped() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{encoded(json.dumps({**CLAIMS, 'scope': 'any_agency'}).encode())}.{signature}"


BAD = {
    "expired": token(exp=NOW - 61),
    "without an end": token(exp=...),
    "not valid yet": token(nbf=NOW + 61),
    "another issuer": token(iss="elsewhere"),
    "no issuer": token(iss=...),
    "another audience": token(aud="elsewhere"),
    "no audience": token(aud=...),
    "nobody's": token(sub=...),
    "unsigned": unsigned({"alg": "none", "kid": "k1"}) + ".",
    "unsigned, in capitals": unsigned({"alg": "NONE", "kid": "k1"}) + ".",
    "without an algorithm": unsigned({"kid": "k1"}) + ".",
    "algorithm confusion with PEM": confused(KEY.as_pem(private=False)),
    "algorithm confusion with DER": confused(KEY.as_der(private=False)),
    "another key under this kid": token(OTHER, {"alg": "ES256", "kid": "k1"}),
    "unknown key": token(OTHER),
    "no kid": token(KEY, {"alg": "ES256"}),
    "changed claims": swapped(),
    "half a token": token()[:-20],
    "not a token": "abc",
    "three empty parts": "..",
    "not ASCII": "é.é.é",
    "an exp that is no number": token(exp="tomorrow"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_every_other_token_is_refused(authenticator: Authenticator, bad: str) -> None:
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            authenticator.principal(bearer(bad))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}, {"X-Api-Key": ""},
     {"Authorization": f"Basic {token()}"}, {"Authorization": token()}],
)  # fmt: skip
def test_without_credentials_nobody_is_let_in(authenticator: Authenticator, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        authenticator.principal(headers)


def test_clocks_may_differ_by_a_minute(authenticator: Authenticator) -> None:
    authenticator.principal(bearer(token(exp=NOW - 59)))
    authenticator.principal(bearer(token(nbf=NOW + 59)))


def test_one_of_several_audiences_will_do(authenticator: Authenticator) -> None:
    assert authenticator.principal(bearer(token(aud=["portal", "motcua"]))).subject == "u1"


def test_a_remembered_token_ends_when_it_ends(authenticator: Authenticator, now: Now) -> None:
    text = token(exp=NOW + 100)
    authenticator.principal(bearer(text))
    now.value += 159
    authenticator.principal(bearer(text))
    now.value += 2
    with pytest.raises(Unauthenticated):
        authenticator.principal(bearer(text))


def test_the_memory_of_tokens_does_not_grow_without_end(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KEPT_TOKENS", 3)
    for n in range(10):
        authenticator.principal(bearer(token(jti=str(n))))
    assert len(authenticator._verified) == 3


def test_rsa_keys_of_an_identity_provider_work(jwks: Path, authenticator: Authenticator) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "r1"}, private=True)
    jwks.write_text(key_set(rsa))
    assert authenticator.principal(bearer(token(rsa, {"alg": "RS256", "kid": "r1"}))).subject == "u1"


# -- the key set -------------------------------------------------------------------------------------------------------


@dataclass
class Provider:
    """An identity provider's key set over HTTP."""

    body: str = field(default_factory=lambda: key_set(KEY))
    status: int = 200
    asked: int = 0
    slow: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def __enter__(self) -> Self:
        provider = self
        self.slow.set()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                provider.slow.wait(60)
                self.send_response(provider.status)
                self.end_headers()
                self.wfile.write(provider.body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@dataclass
class Source:
    """The key source alone, with a clock that is moved."""

    now: Now
    keys: Any

    def kid(self, kid: str) -> Any:
        class Token:
            def headers(self) -> dict[str, str]:
                return {"kid": kid}

        return self.keys.key_for(Token())


@pytest.fixture
def source(provider: Provider) -> Source:
    # A machine that has just started: its monotonic clock is near 0.
    now = Now(1.0)
    return Source(now, auth._KeySource(provider.url, now))


def test_a_key_set_is_fetched_by_url_and_kept(provider: Provider) -> None:
    authenticator = Authenticator(provider.url, None, issuer="motcua", audience="motcua", now=lambda: NOW)
    for n in range(5):
        assert authenticator.principal(bearer(token(jti=str(n)))).subject == "u1"
    assert provider.asked == 1


def test_a_rotated_key_is_found_by_looking_again_and_not_too_often(provider: Provider, source: Source) -> None:
    assert source.kid("k1").kid == "k1"
    provider.body = key_set(KEY, OTHER)
    for _ in range(3):
        with pytest.raises(KeyError):
            source.kid("k2")
    assert provider.asked == 1
    source.now.value += 11
    assert source.kid("k2").kid == "k2"
    assert provider.asked == 2
    for _ in range(20):
        with pytest.raises(KeyError):
            source.kid("made up by a caller")
    assert provider.asked == 2


def test_a_key_that_was_taken_out_is_of_no_use_after_five_minutes(provider: Provider, source: Source) -> None:
    source.kid("k1")
    provider.body = key_set(OTHER)
    source.now.value += 299
    source.kid("k1")
    source.now.value += 2
    with pytest.raises(KeyError):
        source.kid("k1")


def test_a_remembered_token_of_a_taken_out_key_is_forgotten(jwks: Path, authenticator: Authenticator, now: Now) -> None:
    text = token()
    authenticator.principal(bearer(text))
    jwks.write_text(key_set(OTHER))
    authenticator._key_source._looked_at = authenticator._key_source._tried_at = -1e9
    authenticator.principal(bearer(text))
    now.value += 301
    with pytest.raises(Unauthenticated):
        authenticator.principal(bearer(text))


@pytest.mark.parametrize(("status", "body"), [(500, "{}"), (200, "not JSON"), (200, "[]"), (200, "{}")])
def test_while_the_provider_is_away_known_keys_are_good(
    provider: Provider, source: Source, status: int, body: str
) -> None:
    source.kid("k1")
    provider.status, provider.body = status, body
    source.now.value += 1000
    assert source.kid("k1").kid == "k1"
    with pytest.raises(KeyError):
        source.kid("k2")
    provider.status, provider.body = 200, key_set(OTHER)
    source.now.value += 11
    assert source.kid("k2").kid == "k2"


def test_nobody_with_a_known_key_waits_for_a_slow_provider(provider: Provider, source: Source) -> None:
    source.kid("k1")
    source.now.value += 1000
    provider.slow.clear()
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(KeyError):
            source.kid("k2")
        refused.append("k2")

    stranger = threading.Thread(target=ask)
    stranger.start()
    until(lambda: provider.asked == 2)
    before = time.monotonic()
    assert source.kid("k1").kid == "k1"
    assert time.monotonic() - before < 20
    provider.slow.set()
    stranger.join()
    assert refused == ["k2"]


def test_without_any_key_set_it_is_503_and_not_401(provider: Provider, now: Now) -> None:
    provider.status = 500
    authenticator = Authenticator(provider.url, None, issuer="motcua", audience="motcua", now=now)
    for _ in range(3):
        with pytest.raises(Unavailable) as error:
            authenticator.principal(bearer(token()))
        assert error.value.retry_after == 10
    assert provider.asked == 1


def test_a_missing_key_file_is_503(tmp_path: Path) -> None:
    authenticator = Authenticator(str(tmp_path / "none"), None, issuer="motcua", audience="motcua")
    with pytest.raises(Unavailable):
        authenticator.principal(bearer(token()))


# -- API keys ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def api_keys(tmp_path: Path) -> Path:
    return tmp_path / "api_keys.json"


@pytest.fixture
def offices(jwks: Path, api_keys: Path) -> Authenticator:
    return Authenticator(str(jwks), api_keys, issuer="motcua", audience="motcua")


def test_two_live_keys_let_an_office_change_over(offices: Authenticator, api_keys: Path) -> None:
    first = keys.mint_api_key(api_keys, client="office", scopes=["dossiers.file"], agency="H56.14")
    expected = Principal("system:office", "office", frozenset({"dossiers.file"}), "H56.14", frozenset(), "system")
    assert offices.principal({"X-Api-Key": first}) == expected
    second = keys.mint_api_key(api_keys, client="office", scopes=["dossiers.file"], agency="H56.14")
    assert offices.principal({"X-Api-Key": first}) == offices.principal({"X-Api-Key": second}) == expected
    third = keys.mint_api_key(api_keys, client="office", scopes=["dossiers.file"], agency="H56.14")
    assert offices.principal({"X-Api-Key": second}) == offices.principal({"X-Api-Key": third})
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": first})


@pytest.mark.parametrize("key", ["mc_unknown", "é", "x" * 10_000])
def test_an_unknown_key_is_refused(offices: Authenticator, api_keys: Path, key: str) -> None:
    keys.mint_api_key(api_keys, client="office", scopes=[])
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": key})
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": json.loads(api_keys.read_text())["keys"][0]["sha256"]})


def test_a_refused_key_is_not_saved_by_a_good_token(offices: Authenticator, api_keys: Path) -> None:
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": "mc_unknown", **bearer(token(exp=time.time() + 100, nbf=0))})


def test_without_a_file_no_key_is_known(jwks: Path) -> None:
    authenticator = Authenticator(str(jwks), None, issuer="motcua", audience="motcua")
    with pytest.raises(Unauthenticated):
        authenticator.principal({"X-Api-Key": "mc_x"})


def test_the_file_may_come_go_and_come_back(offices: Authenticator, api_keys: Path) -> None:
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": "mc_x"})
    key = keys.mint_api_key(api_keys, client="office", scopes=[])
    offices.principal({"X-Api-Key": key})
    away = api_keys.with_suffix(".away")
    api_keys.rename(away)
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": key})
    away.rename(api_keys)
    assert offices.principal({"X-Api-Key": key}).name == "office"


@pytest.mark.parametrize("content", ["{", "", '{"keys": [{}]}', "[]"])
def test_while_the_file_is_broken_the_keys_that_are_known_remain_good(
    offices: Authenticator, api_keys: Path, content: str
) -> None:
    """A slip of the operator's is no outage for all offices; a service that starts then says so and does not start."""
    key = keys.mint_api_key(api_keys, client="office", scopes=[])
    offices.principal({"X-Api-Key": key})
    good = api_keys.read_text()
    api_keys.write_text(content)
    os.utime(api_keys, ns=(1, 1))
    with capture_logs() as logged:
        for _ in range(3):
            assert offices.principal({"X-Api-Key": key}).name == "office"
            with pytest.raises(Unauthenticated):
                offices.principal({"X-Api-Key": "mc_x"})
    assert [entry["event"] for entry in logged] == ["api_keys_unreadable"]
    api_keys.write_text(json.dumps({"keys": json.loads(good)["keys"][:0]}))
    os.utime(api_keys, ns=(2, 2))
    with pytest.raises(Unauthenticated):
        offices.principal({"X-Api-Key": key})
