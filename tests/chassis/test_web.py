"""HTTP: what a handler gets, what a caller gets back, and that nothing that goes wrong is anything but a problem."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, Field
from pymongo.errors import AutoReconnect
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from chassis import errors, keys, store
from chassis.auth import Authenticator
from chassis.web import Answer, Body, Call, Health, Router, application
from tests.chassis.toy import Hands

SCOPES = {"toy.write": "Writes", "toy.read": "Reads", "backdate": "Backdates"}
LONG = "x" * 70_000


class Part(Body):
    name: str = Field(min_length=1)
    count: int = 1


class ThingBody(Body):
    name: str
    parts: tuple[Part, ...] = ()
    form: dict[str, str] = Field(default_factory=dict)


class Filter(BaseModel):
    q: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


@dataclass
class Toy:
    """The app, and what its handlers were given."""

    tokens: Callable[..., dict[str, str]]
    clock: Hands = field(default_factory=Hands)
    calls: list[tuple[Call, dict[str, Any]]] = field(default_factory=list)
    ready: bool = True
    raises: Exception | None = None
    client: FlaskClient = field(init=False)

    def build(self, authenticator: Authenticator) -> "Toy":
        router = Router("toy", SCOPES)

        def handled(call: Call, status: int = 200, **arguments: Any) -> Answer:
            if self.raises is not None:
                raise self.raises
            self.calls.append((call, arguments))
            return Answer({"ok": True}, status, version=7)

        @router.post("/things", scope="toy.write", needs="key", answers={201: None})
        def make(call: Call, body: ThingBody) -> Answer:
            return handled(call, 201, body=body)

        @router.post("/things/<id>/paint", scope="toy.write", needs="key_or_match", answers={200: None})
        def paint(call: Call, id: str, body: ThingBody) -> Answer:
            return handled(call, id=id, body=body)

        @router.get("/things", scope="toy.read", answers={200: None})
        def search(call: Call, query: Filter) -> Answer:
            return handled(call, query=query)

        @router.get("/things/<id>", public="it is a toy", answers={200: None})
        def show(call: Call, id: str) -> Answer:
            return handled(call, id=id)

        @router.get("/years/<int:year>", public="it is a toy", answers={200: None})
        def show_year(call: Call, year: int) -> Answer:
            return handled(call, year=year)

        @router.post("/public", public="it is a toy", answers={204: None})
        def nothing(call: Call) -> Answer:
            self.calls.append((call, {}))
            return Answer(status=204, headers={"X-Own": "1"})

        @router.get("/text", public="it is a toy", answers={200: "text/csv"})
        def text(call: Call) -> Answer:
            return Answer("a,b\n", media_type="text/csv", headers={"Cache-Control": "max-age=60"})

        self.client = application(
            router, authenticator, self.clock, Health(lambda: (self.ready, {"store": "ok"}), {"version": "9"}),
            max_body_bytes=100_000, unavailable=store.UNAVAILABLE,
        ).test_client()  # fmt: skip
        return self

    def post(
        self, path: str, body: Any = None, scopes: tuple[str, ...] = ("toy.write",), **headers: str
    ) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.client.post(
            f"/api/toy/v1{path}",
            data=data,
            headers={"Content-Type": "application/json", **self.tokens(*scopes), **named},
        )

    def get(self, path: str, scopes: tuple[str, ...] = ("toy.read",), **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(f"/api/toy/v1{path}", headers={**self.tokens(*scopes), **named})

    @property
    def last(self) -> Call:
        return self.calls[-1][0]

    @property
    def body(self) -> ThingBody:
        body = self.calls[-1][1]["body"]
        assert isinstance(body, ThingBody)
        return body


@pytest.fixture(scope="module")
def secret_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    keys.make_key_pair(folder)
    return folder


@pytest.fixture
def toy(secret_folder: Path) -> Toy:
    def tokens(*scopes: str, subject: str = "u1") -> dict[str, str]:
        token = keys.mint_token(secret_folder / "jwt_private.jwk", subject=subject, name="Đức", scopes=scopes)
        return {"Authorization": f"Bearer {token}"}

    authenticator = Authenticator(str(secret_folder / "jwks.json"), None, issuer="motcua", audience="motcua")
    return Toy(tokens).build(authenticator)


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem's body, after checking that it is one in every respect."""
    assert response.status_code == status
    assert response.content_type == "application/problem+json; charset=utf-8"
    body: dict[str, Any] = json.loads(response.data)
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["instance"] == response.headers["X-Request-Id"]
    return body


# -- who may call ------------------------------------------------------------------------------------------------------


def test_a_route_states_a_scope_or_why_it_is_public() -> None:
    router = Router("toy", SCOPES)
    with pytest.raises(ValueError, match="must state a scope"):
        router.get("/x", answers={})
    with pytest.raises(ValueError, match="must state a scope"):
        router.get("/x", answers={}, scope="toy.read", public="also")
    with pytest.raises(ValueError, match=r"toy\.other is not described"):
        router.get("/x", answers={}, scope="toy.other")


def test_without_credentials_it_is_401_and_with_too_few_403(toy: Toy) -> None:
    response = toy.client.post("/api/toy/v1/things", json={"name": "a"})
    problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    problem(toy.post("/things", {"name": "a"}, scopes=("toy.read",), Idempotency_Key="k"), 403, "forbidden")
    assert not toy.calls


def test_credentials_are_looked_at_before_the_body(toy: Toy) -> None:
    problem(toy.client.post("/api/toy/v1/things", data=b"{"), 401, "unauthenticated")


def test_a_public_route_asks_nobody_who_they_are(toy: Toy) -> None:
    assert toy.client.get("/api/toy/v1/things/a").status_code == 200
    assert toy.client.get("/api/toy/v1/things/a", headers={"Authorization": "Bearer bad"}).status_code == 200
    assert toy.last.principal.subject == "public"
    assert toy.last.principal.scopes == frozenset()


# -- bodies ------------------------------------------------------------------------------------------------------------


def test_a_good_request_reaches_its_handler(toy: Toy) -> None:
    response = toy.post("/things", {"name": "  Đức ", "parts": [{"name": "p"}]}, Idempotency_Key="k1")
    assert response.status_code == 201
    assert json.loads(response.data) == {"ok": True}
    assert response.content_type == "application/json"
    assert toy.body.name == "Đức"
    assert toy.last.now == toy.last.occurred_at == toy.clock.now
    assert (toy.last.key, toy.last.if_match, toy.last.trace) == ("k1", None, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b"{'name': 'a'}", b'{"name": "a"} x', b"\xff\xfe{}", b'{"name": "\\ud800"}',
     b'\xef\xbb\xbf{"name":"a"}', b'{"name": "\\u12"}', b"[" * 50_000,
     b'{"name": "\\u0041", "parts": ' + b"[" * 50_000],
)  # fmt: skip
def test_what_is_not_json_in_utf8_is_400(toy: Toy, body: bytes) -> None:
    problem(toy.post("/things", body, Idempotency_Key="k"), 400, "unreadable")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_media_type_is_415(toy: Toy, kind: str) -> None:
    problem(toy.post("/things", {"name": "a"}, Idempotency_Key="k", Content_Type=kind), 415, "unsupported_media_type")


def test_a_charset_may_be_said(toy: Toy) -> None:
    kind = "application/json; charset=utf-8"
    assert toy.post("/things", {"name": "a"}, Idempotency_Key="k", Content_Type=kind).status_code == 201


def test_a_body_over_the_limit_is_413(toy: Toy) -> None:
    assert toy.post("/things", {"name": "x" * 99_000}, Idempotency_Key="k").status_code == 201
    problem(toy.post("/things", {"name": "x" * 100_001}, Idempotency_Key="k"), 413, "too_large")


def test_wrong_fields_are_422_with_pointers_and_never_with_values(toy: Toy) -> None:
    body = {
        "name": 5,
        "parts": [{"name": "a"}, {"name": "", "count": "Nguyễn"}],
        "form": {"a/b~c": 1},
        "extra": "0912345678",
    }
    found = problem(toy.post("/things", body, Idempotency_Key="k"), 422, "invalid")
    assert {(e["pointer"], e["code"]) for e in found["errors"]} == {
        ("/name", "string_type"),
        ("/parts/1/name", "string_too_short"),
        ("/parts/1/count", "int_parsing"),
        ("/form/a~1b~0c", "string_type"),
        ("/extra", "extra_forbidden"),
    }
    assert all(e["message"] for e in found["errors"])
    assert "Nguyễn" not in str(found)
    assert "0912345678" not in str(found)


def test_at_most_fifty_wrong_fields_are_told(toy: Toy) -> None:
    found = problem(toy.post("/things", {"name": "a", "parts": [{}] * 1000}, Idempotency_Key="k"), 422, "invalid")
    assert len(found["errors"]) == 50


DECOMPOSED = unicodedata.normalize("NFD", "Nguyễn Thị Đức, Ốc, Ặ")


@pytest.mark.parametrize("escaped", [True, False], ids=["escapes", "plain"])
def test_text_arrives_in_nfc_however_it_was_typed(toy: Toy, escaped: bool) -> None:
    body = {"name": DECOMPOSED, "form": {DECOMPOSED: DECOMPOSED}}
    response = toy.post("/things", json.dumps(body, ensure_ascii=escaped), Idempotency_Key="k")
    assert response.status_code == 201
    composed = unicodedata.normalize("NFC", DECOMPOSED)
    assert composed != DECOMPOSED
    assert toy.body.name == composed
    assert toy.body.form == {composed: composed}


def test_half_escaped_marks_are_composed_too(toy: Toy) -> None:
    assert toy.post("/things", '{"name": "e\\u0301"}', Idempotency_Key="k").status_code == 201
    assert toy.body.name == "é"


def test_escapes_of_json_itself_survive(toy: Toy) -> None:
    name = 'a"b\\c\n\td\u0001é'
    assert toy.post("/things", json.dumps({"name": name}), Idempotency_Key="k").status_code == 201
    assert toy.body.name == name
    assert toy.post("/things", json.dumps({"name": name}, ensure_ascii=False), Idempotency_Key="k").status_code == 201
    assert toy.body.name == name


def test_a_mark_behind_an_escape_does_not_break_the_text(toy: Toy) -> None:
    for ascii_only in (True, False):
        name = "a\n\u0301b"
        body = json.dumps({"name": name}, ensure_ascii=ascii_only)
        assert toy.post("/things", body, Idempotency_Key="k").status_code == 201
        assert toy.body.name == unicodedata.normalize("NFC", name)


def test_path_and_query_arrive_in_nfc(toy: Toy) -> None:
    assert toy.client.get("/api/toy/v1/things/" + DECOMPOSED.replace(" ", "_")).status_code == 200
    assert toy.calls[-1][1]["id"] == unicodedata.normalize("NFC", DECOMPOSED).replace(" ", "_")
    assert (
        toy.client.get("/api/toy/v1/things", query_string={"q": DECOMPOSED}, headers=toy.tokens("toy.read")).status_code
        == 200
    )
    assert toy.calls[-1][1]["query"].q == unicodedata.normalize("NFC", DECOMPOSED)


def test_a_number_in_the_path_arrives_as_one(toy: Toy) -> None:
    assert toy.client.get("/api/toy/v1/years/2026").status_code == 200
    assert toy.calls[-1][1]["year"] == 2026


def test_a_wrong_query_is_422_with_its_pointer(toy: Toy) -> None:
    found = problem(toy.get("/things?limit=Nguyen"), 422, "invalid")
    assert [e["pointer"] for e in found["errors"]] == ["/limit"]
    assert "Nguyen" not in str(found["errors"])


# -- keys, versions, times ---------------------------------------------------------------------------------------------


def test_what_creates_needs_a_key(toy: Toy) -> None:
    problem(toy.post("/things", {"name": "a"}), 428, "precondition_required")
    problem(toy.post("/things", {"name": "a"}, If_Match='"1"'), 428, "precondition_required")


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_malformed_key_is_400(toy: Toy, key: str) -> None:
    problem(toy.post("/things", {"name": "a"}, Idempotency_Key=key), 400, "idempotency_key_malformed")
    assert toy.post("/things", {"name": "a"}, Idempotency_Key="x" * 200).status_code == 201


def test_what_changes_needs_a_key_or_a_version(toy: Toy) -> None:
    problem(toy.post("/things/t/paint", {"name": "a"}), 428, "precondition_required")
    assert toy.post("/things/t/paint", {"name": "a"}, Idempotency_Key="k").status_code == 200
    assert toy.post("/things/t/paint", {"name": "a"}, If_Match='"12"').status_code == 200
    assert (toy.last.key, toy.last.if_match) == (None, 12)


@pytest.mark.parametrize(("header", "version"), [('"0"', 0), ('W/"3"', 3), ("4", 4), (' "5" ', 5)])
def test_if_match_is_the_etag_that_was_given(toy: Toy, header: str, version: int) -> None:
    assert toy.post("/things/t/paint", {"name": "a"}, If_Match=header).status_code == 200
    assert toy.last.if_match == version


@pytest.mark.parametrize("header", ["*", '"x"', '"-1"', '""', '"1", "2"', '"²"', '"' + "9" * 13 + '"'])
def test_any_other_if_match_is_412(toy: Toy, header: str) -> None:
    problem(toy.post("/things/t/paint", {"name": "a"}, If_Match=header), 412, "stale")


def test_the_same_callers_same_key_gives_the_same_identifier(toy: Toy) -> None:
    def made(kind: str = "thing", subject: str = "u1", key: str = "k1") -> str:
        headers = {**toy.tokens("toy.write", subject=subject), "Idempotency-Key": key}
        assert toy.client.post("/api/toy/v1/things", json={"name": "a"}, headers=headers).status_code == 201
        return toy.last.id_for_new(kind)

    assert made() == made()
    assert len({made(), made(kind="other"), made(subject="u2"), made(key="k2")}) == 4
    toy.post("/things/t/paint", {"name": "a"}, If_Match='"1"')
    assert toy.last.id_for_new("thing") != toy.last.id_for_new("thing")


def test_the_bodys_hash_tells_requests_apart(toy: Toy) -> None:
    hashes = []
    for path, body in (("/things", {"name": "a"}), ("/things", {"name": "b"}), ("/things/t/paint", {"name": "a"})):
        for _ in range(2):
            toy.post(path, body, Idempotency_Key="k")
            hashes.append(toy.last.body_hash)
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_an_act_may_have_occurred_earlier_for_those_who_may_say_so(toy: Toy) -> None:
    then = "2025-12-31T23:59:59.123456+07:00"
    response = toy.post("/things", {"name": "a"}, ("toy.write", "backdate"), Idempotency_Key="k", Occurred_At=then)
    assert response.status_code == 201
    assert toy.last.occurred_at == datetime(2025, 12, 31, 16, 59, 59, 123000, tzinfo=UTC)
    assert toy.last.occurred_at.tzinfo is UTC
    assert toy.last.now == toy.clock.now


def test_nobody_else_may(toy: Toy) -> None:
    then = "2025-12-31T23:59:59Z"
    problem(toy.post("/things", {"name": "a"}, Idempotency_Key="k", Occurred_At=then), 403, "forbidden")
    problem(toy.client.post("/api/toy/v1/public", headers={"Occurred-At": then}), 403, "forbidden")
    assert not toy.calls


@pytest.mark.parametrize(
    "then",
    ["yesterday", "", "2025-12-31", "2025-12-31T23:59:59", "2025-13-01T00:00:00Z", "1999-12-31T00:00:00Z",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"],
)  # fmt: skip
def test_a_malformed_time_is_400(toy: Toy, then: str) -> None:
    response = toy.post("/things", {"name": "a"}, ("toy.write", "backdate"), Idempotency_Key="k", Occurred_At=then)
    problem(response, 400, "occurred_at_malformed")


def test_the_future_is_422_but_for_a_clock_that_is_a_minute_fast(toy: Toy) -> None:
    def at(**ahead: float) -> TestResponse:
        then = (toy.clock.now + timedelta(**ahead)).isoformat()
        return toy.post("/things", {"name": "a"}, ("toy.write", "backdate"), Idempotency_Key="k", Occurred_At=then)

    problem(at(seconds=61), 422, "occurred_at_in_future")
    assert at(seconds=59).status_code == 201
    assert toy.last.occurred_at == toy.clock.now


def test_a_trace_is_carried_if_it_is_one(toy: Toy) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    toy.get("/things", traceparent=trace)
    assert toy.last.trace == trace
    toy.get("/things", traceparent=f"{trace}-Nguyen")
    assert toy.last.trace is None


# -- answers -----------------------------------------------------------------------------------------------------------


def test_the_version_is_the_etag(toy: Toy) -> None:
    assert toy.get("/things").headers["ETag"] == '"7"'


def test_answers_are_not_kept_or_guessed_at_unless_a_route_says_so(toy: Toy) -> None:
    response = toy.get("/things")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    text = toy.client.get("/api/toy/v1/text")
    assert (text.data, text.content_type.partition(";")[0]) == (b"a,b\n", "text/csv")
    assert text.headers["Cache-Control"] == "max-age=60"


def test_an_answer_may_be_empty(toy: Toy) -> None:
    response = toy.client.post("/api/toy/v1/public")
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["X-Own"] == "1"


def test_a_request_id_is_given_back_or_made(toy: Toy) -> None:
    assert toy.get("/things", X_Request_Id="abcd-1234.x_Y").headers["X-Request-Id"] == "abcd-1234.x_Y"
    for bad in ("short", "x" * 101, "Nguyễn Văn A", "a b c d e f g h", "<script>alert(1)</script>"):
        made = toy.get("/things", X_Request_Id=bad).headers["X-Request-Id"]
        assert made != bad
        assert len(made) == 36
    assert toy.get("/things").headers["X-Request-Id"] != toy.get("/things").headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path", ["/", "/api/toy/v1", "/api/toy/v1/nothing", "/api/other/v1/things", "/api/toy/v1/years/x"]
)
def test_an_unknown_path_is_404(toy: Toy, path: str) -> None:
    problem(toy.client.get(path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/toy/v1/things"), ("POST", "/livez"), ("BREW", "/livez")])
def test_another_method_is_405_and_says_which_are_allowed(toy: Toy, method: str, path: str) -> None:
    response = toy.client.open(path, method=method)
    problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] in ("GET, HEAD, POST", "GET, HEAD, OPTIONS")


def test_every_made_up_method_does_not_become_a_metric(toy: Toy) -> None:
    toy.client.open("/livez", method="NGUYEN")
    metrics = toy.client.get("/metrics").data.decode()
    assert 'method="other"' in metrics
    assert "NGUYEN" not in metrics


def test_a_slash_at_the_end_is_forgiven(toy: Toy) -> None:
    assert toy.get("/things/").status_code == 200


@pytest.mark.parametrize("error", [AutoReconnect("10.0.0.1:27017 Nguyễn"), store.UNAVAILABLE[1]("Nguyễn")])
def test_a_store_that_is_away_is_503_with_a_waiting_time(toy: Toy, error: Exception) -> None:
    toy.raises = error
    response = toy.get("/things")
    found = problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "Nguyễn" not in str(found)


def test_what_was_not_foreseen_is_500_without_its_text_and_is_logged_with_its_place(toy: Toy) -> None:
    toy.raises = ValueError("Nguyễn Văn A, 0912345678")
    with capture_logs() as logged:
        found = problem(toy.get("/things"), 500, "internal")
    assert "Nguyễn" not in str(found)
    # What becomes of exc_info is test_logs' matter: class and place, never the text.
    assert [line for line in logged if line["event"] == "request_failed"] == [
        {"event": "request_failed", "log_level": "error", "route": "/api/toy/v1/things", "exc_info": toy.raises}
    ]


def test_a_handlers_own_problem_is_its_answer(toy: Toy) -> None:
    toy.raises = errors.WrongState("closed", code="dossier_closed")
    problem(toy.get("/things"), 409, "dossier_closed")


def test_long_and_repeated_headers_are_harmless(toy: Toy) -> None:
    headers = [
        ("Idempotency-Key", "a"),
        ("Idempotency-Key", "b"),
        ("X-Long", LONG),
        ("Content-Type", "application/json"),
    ]
    response = toy.client.post(
        "/api/toy/v1/things", data='{"name": "a"}', headers=[*headers, *toy.tokens("toy.write").items()]
    )
    # Two of a kind arrive as one value, which is a key like any other: never taken for one of the two.
    assert (response.status_code, toy.last.key) == (201, "a, b")
    bad = [("Authorization", "Bearer " + LONG)]
    problem(toy.client.post("/api/toy/v1/things", data="{}", headers=bad), 401, "unauthenticated")


# -- health ------------------------------------------------------------------------------------------------------------


def test_health_version_and_metrics(toy: Toy) -> None:
    assert toy.client.get("/livez").json == {"status": "ok"}
    assert toy.client.get("/version").json == {"version": "9"}
    assert (toy.client.get("/readyz").status_code, toy.client.get("/readyz").json) == (200, {"store": "ok"})
    toy.ready = False
    assert toy.client.get("/readyz").status_code == 503
    assert toy.client.get("/livez").status_code == 200


def test_requests_are_measured_by_route_and_never_by_path(toy: Toy) -> None:
    toy.client.get("/api/toy/v1/things/0912345678")
    toy.client.get("/0912345678")
    metrics = toy.client.get("/metrics").data.decode()
    assert 'motcua_http_request_seconds_count{method="GET",route="/api/toy/v1/things/<id>",status="200"}' in metrics
    assert 'route="unmatched",status="404"' in metrics
    assert "0912345678" not in metrics
