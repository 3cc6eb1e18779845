"""HTTP: a route says what it takes, what it answers, and who may call it; everything around that is here, once.

A service's `api.py` builds a `Router`; `application` makes the Flask app of it. Handlers take a `Call` and, by the
names of their parameters, `body` and `query` (pydantic models), and the path's parts; they return an `Answer` or raise
a `Problem`.
"""

import inspect
import math
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from structlog.contextvars import bound_contextvars
from werkzeug.exceptions import HTTPException

from chassis import errors, logs, metrics, openapi
from chassis.auth import BACKDATE, Authenticator, Principal
from chassis.clock import Clock, id_from, new_id

log = logs.get()
M = TypeVar("M", bound=BaseModel)

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,100}$")
_TRACE = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""A caller may send any word as the method; in a metric it would be a time series of its own for ever."""
MAX_FUTURE_SECONDS = 60
"""Clocks differ: an Occurred-At this far ahead of ours is still taken for now."""


class Body(BaseModel):
    """The base of request bodies: text is trimmed, an unknown field is an error, since it is usually a misspelt one."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class Call:
    """What every handler may need of a request besides body, query and path."""

    principal: Principal
    now: datetime
    occurred_at: datetime
    """When the act counts: `Occurred-At` for callers with the scope `backdate`, else `now`."""
    key: str | None
    if_match: int | None
    trace: str | None
    body_hash: str

    def id_for_new(self, kind: str) -> str:
        """The identifier of what this call creates. The same caller's same key gives the same one."""
        return new_id() if self.key is None else id_from(kind, self.principal.subject, self.key)


NOBODY = Principal("public", "", frozenset(), None, frozenset(), "person")


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: a model, plain data, or bytes that are JSON already. `version` becomes the ETag."""

    body: Any = None
    status: int = 200
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def text(self) -> bytes | str:
        """The body as it is sent."""
        if self.body is None:
            return ""
        return self.body if isinstance(self.body, (bytes, str)) else to_json(self.body).decode()


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Callable[..., Answer]
    scope: str | None
    public: str | None
    answers: Mapping[int, Any]
    needs: Literal["key", "key_or_match"] | None
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    raises: Sequence[type[errors.Problem]]


class Router:
    """The routes of one service under `/api/<service>/v1`, and the scopes that they name."""

    def __init__(self, service: str, scopes: Mapping[str, str]) -> None:
        self.service = service
        self.scopes = scopes
        self.prefix = f"/api/{service}/v1"
        self.routes: list[Route] = []

    def get(self, path: str, **options: Any) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        return self._route("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        return self._route("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        return self._route("PUT", path, **options)

    def _route(
        self,
        method: str,
        path: str,
        *,
        answers: Mapping[int, Any],
        scope: str | None = None,
        public: str | None = None,
        needs: Literal["key", "key_or_match"] | None = None,
        raises: Sequence[type[errors.Problem]] = (),
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """`scope`: the one that is needed; or `public`: in words, why nobody needs any. `needs`: "key" for what
        creates, "key_or_match" for what changes a state (428 without).
        """
        if (scope is None) == (public is None):
            raise ValueError(f"{method} {path} must state a scope, or say in words why it is public")
        if scope is not None and scope not in self.scopes:
            raise ValueError(f"{method} {path}: the scope {scope} is not described")

        def register(handler: Callable[..., Answer]) -> Callable[..., Answer]:
            hints = inspect.get_annotations(handler, eval_str=True)
            route = Route(
                method, path, handler, scope, public, answers, needs, hints.get("body"), hints.get("query"), raises
            )
            self.routes.append(route)
            return handler

        return register


@dataclass(frozen=True, slots=True)
class Health:
    """What `/readyz` and `/version` say: (ready, details), and what runs."""

    checks: Callable[[], tuple[bool, Mapping[str, Any]]]
    version: Mapping[str, str]


def application(
    router: Router,
    authenticator: Authenticator,
    clock: Clock,
    health: Health,
    *,
    max_body_bytes: int,
    unavailable: tuple[type[Exception], ...],
) -> Flask:
    """The Flask app: the routes, the health paths, and problem+json for everything that goes wrong."""
    app = Flask(router.service, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.url_map.strict_slashes = False
    for route in router.routes:
        app.add_url_rule(
            router.prefix + route.path,
            endpoint=f"{route.method} {route.path}",
            view_func=_view(route, authenticator, clock),
            methods=[route.method],
            provide_automatic_options=False,
        )
    document = to_json(openapi.document(router, health.version["version"]))
    _plain(app, f"{router.prefix}/openapi.json", lambda: Response(document, mimetype="application/json"))
    _plain(app, "/livez", lambda: _json({"status": "ok"}))
    _plain(app, "/readyz", lambda: _ready(health))
    _plain(app, "/version", lambda: _json(health.version))
    _plain(app, "/metrics", lambda: Response(generate_latest(), content_type=CONTENT_TYPE_LATEST))
    _handle_errors(app, unavailable)
    app.after_request(_headers)
    _measure(app)
    return app


def _plain(app: Flask, path: str, view: Callable[[], Response]) -> None:
    app.add_url_rule(path, endpoint=path, view_func=view, methods=["GET"])


def _ready(health: Health) -> Response:
    ready, details = health.checks()
    return _json(details, 200 if ready else 503)


def _view(route: Route, authenticator: Authenticator, clock: Clock) -> Callable[..., Response]:
    def view(**path: Any) -> Response:
        now = clock()
        principal = NOBODY
        if route.scope is not None:
            principal = authenticator.principal(_HEADERS)
            principal.require(route.scope)
        arguments: dict[str, Any] = {
            name: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
            for name, value in path.items()
        }
        text = ""
        if route.body is not None:
            text = _text()
            arguments["body"] = _validated(route.body, text)
        if route.query is not None:
            arguments["query"] = _query(route.query)
        call = _call(route, principal, now, text)
        answer = route.handler(call, **arguments)
        return _respond(answer)

    return view


class _RequestHeaders:
    """The current request's headers, by a look-up in its environment: Flask's own view of them costs ten times that."""

    def get(self, name: str, /) -> str | None:
        value: str | None = request.environ.get(f"HTTP_{name.upper().replace('-', '_')}")
        return value


_HEADERS = _RequestHeaders()


def _call(route: Route, principal: Principal, now: datetime, text: str) -> Call:
    key = _HEADERS.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= 200:
        raise errors.Unreadable("Idempotency-Key must have 1 to 200 characters", code="idempotency_key_malformed")
    if_match = _if_match(_HEADERS.get("If-Match"))
    if route.needs == "key" and key is None:
        raise errors.KeyMissing("send an Idempotency-Key, a new one for each thing to be created")
    if route.needs == "key_or_match" and key is None and if_match is None:
        raise errors.KeyMissing("send an Idempotency-Key, or If-Match with the version that you saw")
    trace = _HEADERS.get("traceparent")
    return Call(
        principal=principal,
        now=now,
        occurred_at=_occurred_at(principal, now),
        key=key,
        if_match=if_match,
        trace=trace if trace and _TRACE.match(trace) else None,
        body_hash=id_from(request.method, request.path, text),
    )


def _if_match(header: str | None) -> int | None:
    if header is None:
        return None
    version = header.strip().removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdigit() or len(version) > 12:
        raise errors.Stale("If-Match must be an ETag that this service gave")
    return int(version)


def _occurred_at(principal: Principal, now: datetime) -> datetime:
    header = _HEADERS.get("Occurred-At")
    if header is None:
        return now
    principal.require(BACKDATE)
    instant: datetime | None
    try:
        instant = _INSTANT.validate_python(header).astimezone(UTC)
    except (ValidationError, OverflowError):
        instant = None
    if instant is None or instant.year < 2000:
        raise errors.Unreadable("Occurred-At must be an RFC 3339 time with its offset", code="occurred_at_malformed")
    if (instant - now).total_seconds() > MAX_FUTURE_SECONDS:
        raise errors.Invalid("Occurred-At lies in the future", code="occurred_at_in_future")
    return min(instant.replace(microsecond=instant.microsecond // 1000 * 1000), now)


def _text() -> str:
    """The body's text in NFC, so that the same word is the same wherever it was typed."""
    if request.mimetype != "application/json":
        raise errors.UnsupportedMediaType("send application/json")
    data = request.get_data(cache=False)
    # A body without a Content-Length is cut at the limit, and what is left of it may look like a whole one.
    if request.content_length is None and len(data) >= (request.max_content_length or math.inf):
        raise errors.TooLarge("the body is too large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise errors.Unreadable("the body is not UTF-8") from None
    if "\\" not in text:
        return unicodedata.normalize("NFC", text)
    # An escaped mark is not composed with the letter before it, and one behind `\\n` would be composed with the n: the
    # text is looked at as it reads, and taken apart only when something in it is to be composed.
    try:
        parsed = from_json(data)
    except ValueError:
        raise errors.Unreadable("the body is not JSON") from None
    plain = to_json(parsed).decode()
    return plain if unicodedata.is_normalized("NFC", plain) else to_json(_composed(parsed)).decode()


def _composed(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_composed(item) for item in value]
    if isinstance(value, dict):
        return {_composed(key): _composed(item) for key, item in value.items()}
    return value


def _validated(model: type[M], text: str) -> M:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors(include_input=False)):
            raise errors.Unreadable("the body is not JSON") from None
        raise errors.Invalid("some fields are wrong", errors=field_errors(error)) from None


def _query(model: type[M]) -> M:
    try:
        # `?level=` is a form's empty field, the same as none.
        values = {name: unicodedata.normalize("NFC", value) for name, value in request.args.items() if value}
        return model.model_validate(values)
    except ValidationError as error:
        raise errors.Invalid("some query parameters are wrong", errors=field_errors(error)) from None


def field_errors(error: ValidationError) -> list[errors.FieldError]:
    """pydantic's findings as field errors; the message never repeats the value."""
    return [
        errors.FieldError(
            "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in item["loc"]),
            item["type"],
            item["msg"],
        )
        for item in error.errors(include_input=False, include_url=False, include_context=False)[:50]
    ]


def _respond(answer: Answer) -> Response:
    data = answer.text()
    response = Response(data, status=answer.status, content_type=answer.media_type if data else None)
    response.headers.extend(answer.headers)
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    return response


def _json(body: Any, status: int = 200) -> Response:
    return Response(to_json(body), status=status, content_type="application/json")


def problem_response(problem: errors.Problem) -> Response:
    """RFC 9457."""
    body: dict[str, Any] = {
        "type": f"urn:motcua:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": request.environ.get("motcua.request_id", ""),
    }
    if problem.errors:
        body["errors"] = [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in problem.errors]
    response = Response(to_json(body), status=problem.status, content_type="application/problem+json; charset=utf-8")
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="motcua"'
    return response


def _handle_errors(app: Flask, unavailable: tuple[type[Exception], ...]) -> None:
    def of_problem(problem: errors.Problem) -> Response:
        return problem_response(problem)

    def of_flask(error: HTTPException) -> Response:
        kind = errors.HTTP_STATUS.get(error.code or 500, errors.Internal)
        response = problem_response(kind(error.name))
        if error.code == 405 and (allowed := getattr(error, "valid_methods", None)):
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    def of_store(error: Exception) -> Response:
        log.warning("store_unavailable", reason=type(error).__name__)
        return problem_response(errors.Unavailable("the store cannot be reached", retry_after=5))

    def of_anything(error: Exception) -> Response:
        log.error("request_failed", route=str(request.url_rule), exc_info=error)
        return problem_response(errors.Internal("an unexpected error; the log has it under this instance"))

    app.register_error_handler(errors.Problem, of_problem)
    app.register_error_handler(HTTPException, of_flask)
    for kind in unavailable:
        app.register_error_handler(kind, of_store)
    app.register_error_handler(Exception, of_anything)


def _headers(response: Response) -> Response:
    response.headers["X-Request-Id"] = request.environ.get("motcua.request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _measure(app: Flask) -> None:
    """Outside Flask, so that what Flask itself refuses is measured and named too."""
    inner = app.wsgi_app

    def measured(environ: dict[str, Any], start_response: Any) -> Any:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ["motcua.request_id"] = given if _REQUEST_ID.match(given) else new_id()
        started = time.perf_counter()

        def start(status: str, headers: Any, *rest: Any) -> Any:
            rule = environ.get("motcua.rule", "unmatched")
            method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "other"
            metrics.REQUESTS.labels(method, rule, status[:3]).observe(time.perf_counter() - started)
            return start_response(status, headers, *rest)

        with bound_contextvars(request=environ["motcua.request_id"]):
            return inner(environ, start)

    def remember_rule(_endpoint: str | None = None) -> None:
        if request.url_rule is not None:
            request.environ["motcua.rule"] = request.url_rule.rule

    app.before_request(remember_rule)
    app.wsgi_app = measured  # type: ignore[method-assign]
