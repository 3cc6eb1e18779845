"""HTTP: a route says what it takes, what it answers, and who may call it; everything around that is here, once.

A service's `api.py` builds a `Router`; `application` makes the Flask app of it. Handlers take a `Call` and, by the
names of their parameters, `body` and `query` (pydantic models), `upload`, and the path's parts; they return an `Answer`
or raise a `Problem`.
"""

import hashlib
import inspect
import math
import re
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import IO, Any, Literal, TypeVar, get_args

from flask import Flask, Response, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from structlog.contextvars import bound_contextvars
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.routing import Rule

from chassis import errors, logs, metrics, openapi, scrape
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
class UploadRule:
    """A route takes a file of at most `limit` bytes and no JSON: as the part `file` of a form (`multipart/form-data`),
    or as the body itself (of the media type). `besides`: media types of bodies that may come in the place of the form.
    A route that has a `body` too takes either: JSON, or a file.
    """

    kind: Literal["multipart", "raw"]
    limit: int
    media_type: str = "application/octet-stream"
    besides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent, whole. A large one lies on disk (TMPDIR); it is gone when the handler returns. `name` is
    what the sender calls it, in NFC, and may be anything.
    """

    file: IO[bytes]
    name: str
    size: int
    sha256: str


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
    last_event_id: str | None = None
    """Where an interrupted stream of events goes on (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

    def id_for_new(self, kind: str) -> str:
        """The identifier of what this call creates. The same caller's same key gives the same one."""
        return new_id() if self.key is None else id_from(kind, self.principal.subject, self.key)


NOBODY = Principal("public", "", frozenset(), None, frozenset(), "person")


@dataclass(frozen=True, slots=True)
class Answer:
    """`body`: a model, plain data, or bytes that are JSON already. `version` becomes the ETag. `stream`: what is sent
    piece by piece in the place of a body; its length is told by a header of the handler's.
    """

    body: Any = None
    status: int = 200
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    stream: Iterable[bytes] | None = None

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
    upload: UploadRule | None = None


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
        upload: UploadRule | None = None,
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """`scope`: the one that is needed; or `public`: in words, why nobody needs any. `needs`: "key" for what
        creates, "key_or_match" for what changes a state (428 without). `answers`: status → model, media type, a tuple
        of media types, or None.
        """
        if (scope is None) == (public is None):
            raise ValueError(f"{method} {path} must state a scope, or say in words why it is public")
        if scope is not None and scope not in self.scopes:
            raise ValueError(f"{method} {path}: the scope {scope} is not described")

        def register(handler: Callable[..., Answer]) -> Callable[..., Answer]:
            hints = inspect.get_annotations(handler, eval_str=True)
            # Of a handler that takes JSON or a file, either may be missing: `body: Model | None = None`.
            body, query = next(iter(get_args(hints.get("body"))), hints.get("body")), hints.get("query")
            route = Route(method, path, handler, scope, public, answers, needs, body, query, raises, upload)
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
    app.url_rule_class = _Rule
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
    # Made when it is first asked for: it takes longer than everything else in the start of a process.
    document = cache(lambda: to_json(openapi.document(router, health.version["version"])))
    _plain(app, f"{router.prefix}/openapi.json", lambda: Response(document(), mimetype="application/json"))
    _plain(app, "/livez", lambda: _json({"status": "ok"}))
    _plain(app, "/readyz", lambda: _ready(health))
    _plain(app, "/version", lambda: _json(health.version))
    _plain(app, "/metrics", _metrics)
    _handle_errors(app, unavailable)
    app.after_request(_headers)
    _measure(app)
    return app


class _Rule(Rule):
    """A rule that only matches. werkzeug generates and compiles two functions a rule that write its address, which
    takes most of the time that the app does; nothing here asks for them (`url_for`)."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        return _not_built


def _not_built(*_: Any, **__: Any) -> tuple[str, str]:
    raise RuntimeError("addresses are written by hand here, see _Rule")


def _plain(app: Flask, path: str, view: Callable[[], Response]) -> None:
    app.add_url_rule(path, endpoint=path, view_func=view, methods=["GET"])


def _metrics() -> Response:
    body, kind = scrape.text()
    return Response(body, content_type=kind)


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
        if route.body is not None and (route.upload is None or request.mimetype == "application/json"):
            text = _text()
            arguments["body"] = validated(route.body, text)
        if route.query is not None:
            arguments["query"] = _query(route.query)
        uploaded: Any = nullcontext()
        if route.upload is not None and "body" not in arguments:
            upload = arguments["upload"] = _uploaded(route.upload)
            # Not the body itself: a form that is sent again has another boundary.
            text, uploaded = f"{upload.sha256} {upload.name}", closing(upload.file)
        with uploaded:
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
        last_event_id=_HEADERS.get("Last-Event-ID"),
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
    return now if header is None else backdated(header, principal, now)


def backdated(at: str, principal: Principal, now: datetime) -> datetime:
    """The instant that a caller says an act counts at. Raises Forbidden, Unreadable, Invalid."""
    principal.require(BACKDATE)
    instant: datetime | None
    try:
        instant = _INSTANT.validate_python(at).astimezone(UTC)
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
    return nfc(data)


def nfc(data: bytes) -> str:
    """A JSON text in NFC; Unreadable when it cannot be one."""
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
    return plain if unicodedata.is_normalized("NFC", plain) else to_json(composed(parsed)).decode()


def composed(value: Any) -> Any:
    """What JSON says, with every text in NFC."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [composed(item) for item in value]
    if isinstance(value, dict):
        return {composed(key): composed(item) for key, item in value.items()}
    return value


_AROUND = 64 * 1024
"""What a form has around its file, at most."""
_IN_MEMORY = 512 * 1024
_PIECE = 1024 * 1024


def _uploaded(rule: UploadRule) -> Upload:
    request.max_content_length = rule.limit + _AROUND
    if rule.kind == "multipart" and request.mimetype not in rule.besides:
        name, file = _part()
    else:
        name, file = "", _spooled(rule.besides or (rule.media_type,))
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    if size > rule.limit:
        file.close()
        raise errors.TooLarge(f"a file has {rule.limit} bytes at most")
    file.seek(0)
    readable = name.encode(errors="replace").decode()
    return Upload(file, unicodedata.normalize("NFC", readable), size, digest.hexdigest())


def _part() -> tuple[str, IO[bytes]]:
    """The form's one file and what it is called; on disk when it is large."""
    if request.mimetype != "multipart/form-data":
        raise errors.UnsupportedMediaType("send multipart/form-data")
    made: list[IO[bytes]] = []
    try:
        return _parsed_form(made)
    except BaseException as error:
        for each in made:
            each.close()
        if isinstance(error, ValueError):
            raise errors.Unreadable("the form is malformed") from None
        raise


def _parsed_form(made: list[IO[bytes]]) -> tuple[str, IO[bytes]]:
    """`made` gets every file that is opened on the way. ValueError: the form is malformed."""

    def opened(*_: Any, **__: Any) -> IO[bytes]:
        made.append(tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 (the caller closes it)
        return made[-1]

    parser = FormDataParser(opened, max_form_memory_size=_IN_MEMORY, max_form_parts=20, silent=False)
    options = dict(request.mimetype_params)
    _, fields, files = parser.parse(request.stream, request.mimetype, request.content_length, options)
    sent = files.getlist("file")
    wrong = [
        errors.FieldError(f"/{name.replace('~', '~0').replace('/', '~1')}"[:100], "extra_forbidden", "is not asked for")
        # A part may have no name at all, whatever the parser's types say.
        for name in dict.fromkeys(str(name or "") for name in [*files, *fields])
        if name != "file"
    ]
    if len(sent) != 1 or "file" in fields:
        wrong.insert(0, errors.FieldError("/file", "missing", "one part `file` with a filename is needed"))
    if wrong:
        raise errors.Invalid("the form must have one file", errors=wrong)
    return sent[0].filename or "", sent[0].stream


def _spooled(media_types: Sequence[str]) -> IO[bytes]:
    """The body, on disk when it is large."""
    if request.mimetype not in media_types:
        raise errors.UnsupportedMediaType(f"send {' or '.join(media_types)}")
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (the caller closes it)
    try:
        while piece := request.stream.read(_PIECE):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    if request.content_length not in (None, file.tell()):
        file.close()
        raise errors.Unreadable("the body is shorter than its Content-Length")
    file.seek(0)
    return file


def validated(model: type[M], text: str) -> M:
    """The model of a JSON text. Raises Unreadable, and Invalid with a field error for each field that is wrong."""
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
    if answer.stream is not None:
        return Response(answer.stream, answer.status, answer.headers, content_type=answer.media_type)
    data = answer.text()
    response = Response(data, status=answer.status, content_type=answer.media_type if data else None)
    response.headers.extend(answer.headers)
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    return response


def _json(body: Any, status: int = 200) -> Response:
    return Response(to_json(body), status=status, content_type="application/json")


def problem_body(problem: errors.Problem) -> dict[str, Any]:
    """What the current request is told of the problem."""
    return _problem_body(problem, problem.status, request.environ.get("motcua.request_id", ""))


def _problem_body(problem: errors.Problem, status: int, instance: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"urn:motcua:problem:{problem.code}",
        "title": problem.title,
        "status": status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = [{"pointer": e.pointer, "code": e.code, "message": e.message} for e in problem.errors]
    return body


def refusal(status: int) -> bytes:
    """The whole HTTP answer to what the server could not read as a request (400, 414, 431 …), or failed over (500).
    What was sent is not repeated: it may hold personal data."""
    reason = HTTPStatus(status).phrase
    problem = errors.Internal("The server failed") if status == 500 else errors.Unreadable(reason)
    body = to_json(_problem_body(problem, status, new_id()))
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/problem+json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def problem_response(problem: errors.Problem) -> Response:
    """RFC 9457."""
    response = Response(
        to_json(problem_body(problem)), status=problem.status, content_type="application/problem+json; charset=utf-8"
    )
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
