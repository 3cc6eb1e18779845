"""SMS by HTTP gateways: a request for each message, and for each one of the named answers.

A provider speaks one of two dialects:

- `rest`: `POST <url>`, `Authorization: Bearer <key>`, `{"to": "+84912345678", "text": …, "sender": <brand>,
  "key": <ours>}`; 200, 201 or 202, and 409 for a key that it knows, with `{"id", "status"}`; anything else with
  `{"code"}`. A receipt: `{"id", "key", "status": "delivered" | "undeliverable", "reason", "at"}`.
- `coded`: as several Vietnamese gateways do, everything in a 200: `POST <url>`, `{"ApiKey", "SecretKey", "Phone":
  "84912345678", "Content", "Brandname", "SmsType": "2", "IsUnicode": "0" | "1", "RequestId": <ours>}`, answered
  `{"CodeResult": "100", "SMSID"}` (https://developers.esms.vn). A receipt: `{"SMSID", "RequestId", "SendSuccess",
  "SendFailed", "ErrorInfo"}` (?).

Both know a message again by our key, so after an answer that got lost the same request is sent to the same provider.
What a provider's codes and reasons mean is in these tables, and in the provider's own, which count first.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from re import compile as pattern
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from chassis import logs, metrics
from chassis.clock import Clock
from notify.channels.http import Http, Reply
from notify.domain.messages import Events, Message, news
from notify.domain.phones import sms_obstacle
from notify.domain.receipts import Heard, key_of
from notify.domain.segments import length, unaccented
from notify.outlets import Accepted, Answer, Away, Deferred, Postponed, Refused, Uncertain
from notify.templates import TemplateBroken, Templates

log = logs.get()
Meaning = Literal["taken", "refused", "later", "unknown", "unusable"]
"""Of a code: the provider has it; will never take it; may take it later; nobody knows; takes nothing of ours at all,
for the account is empty or the key is wrong."""
Kind = Literal["permanent", "transient"]
LONGEST_PAUSE = 0.5
"""Seconds that a line waits for its turn, at most; what would have to wait longer goes back."""
_NUMBER = pattern(r"\+?\d(?:[ .-]?\d){6,}")
_INSTANT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_Word = Annotated[str, Field(min_length=1, max_length=60)]


class Provider(BaseModel):
    """`key`: for `coded` the two of them as `ApiKey:SecretKey`. `most_per_second`: of each worker. `receipt_secrets`:
    what its receipts are signed with, two while they are changed. `codes`, `reasons`: what its own words mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]
    url: Annotated[str, Field(pattern=r"^https?://")]
    key: Annotated[str, Field(min_length=1)]
    brand: Annotated[str, Field(min_length=1, max_length=11)]
    dialect: Literal["rest", "coded"] = "rest"
    most_per_second: Annotated[int, Field(ge=1, le=1000)] = 20
    receipt_secrets: tuple[Annotated[str, Field(min_length=32)], ...] = ()
    codes: Mapping[_Word, Meaning] = {}
    reasons: Mapping[_Word, Kind] = {}

    @model_validator(mode="after")
    def _both_keys(self) -> Self:
        if self.dialect == "coded" and not all(self.key.partition(":")[::2]):
            raise ValueError("the key of a provider that speaks `coded` is ApiKey:SecretKey")
        return self

    @property
    def outlet(self) -> str:
        """Under which name it stands in attempts, metrics and logs."""
        return f"sms_{self.name}"


# -- dialects ----------------------------------------------------------------------------------------------------------


class Dialect(Protocol):
    codes: Mapping[str, Meaning]
    reasons: Mapping[str, Kind]

    def request(self, provider: Provider, to: str, text: str, key: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The body and the headers."""

    def code(self, reply: Reply) -> tuple[str | None, str | None]:
        """The code of an answer that is none of HTTP's own, None where it has none; and the provider's number."""

    def heard(self, data: Mapping[str, Any]) -> "Told":
        """What a receipt says."""


@dataclass(frozen=True, slots=True)
class Told:
    """`reference`: the provider's number of the message; `key`: ours. `delivered`: None while that is not known."""

    reference: str | None
    key: str | None
    delivered: bool | None
    reason: str | None
    at: datetime | None = None


class Rest:
    codes: Mapping[str, Meaning] = {
        "accepted": "taken",
        "queued": "taken",
        "duplicate": "taken",
        "invalid_number": "refused",
        "blocked_number": "refused",
        "busy": "later",
        "no_balance": "unusable",
        "unknown_sender": "unusable",
    }
    reasons: Mapping[str, Kind] = {
        "unknown_number": "permanent",
        "blocked": "permanent",
        "absent": "transient",
        "expired": "transient",
        "network": "transient",
    }

    def request(self, provider: Provider, to: str, text: str, key: str) -> tuple[dict[str, Any], dict[str, str]]:
        body = {"to": to, "text": text, "sender": provider.brand, "key": key}
        return body, {"Authorization": f"Bearer {provider.key}"}

    def code(self, reply: Reply) -> tuple[str | None, str | None]:
        taken = reply.status in (200, 201, 202, 409)
        return reply.text("status" if taken else "code") or ("duplicate" if reply.status == 409 else None), (
            reply.text("id") if taken else None
        )

    def heard(self, data: Mapping[str, Any]) -> "Told":
        delivered = {"delivered": True, "undeliverable": False}.get(str(data.get("status")))
        try:
            at = _INSTANT.validate_python(data.get("at")).astimezone(UTC)
        except (ValidationError, OverflowError):
            at = None
        return Told(_word(data.get("id")), _word(data.get("key")), delivered, _word(data.get("reason")), at)


class Coded:
    codes: Mapping[str, Meaning] = {
        "100": "taken",
        "124": "taken",  # The RequestId is known.
        "99": "unknown",
        "101": "unusable",
        "103": "unusable",
        "104": "unusable",
        "146": "later",  # The words are not registered with the carriers yet.
    }
    reasons: Mapping[str, Kind] = {}

    def request(self, provider: Provider, to: str, text: str, key: str) -> tuple[dict[str, Any], dict[str, str]]:
        api_key, _, secret = provider.key.partition(":")
        body = {
            "ApiKey": api_key,
            "SecretKey": secret,
            "Phone": to.removeprefix("+"),
            "Content": text,
            "Brandname": provider.brand,
            "SmsType": "2",
            "IsUnicode": "0" if length(text).encoding == "gsm7" else "1",
            "RequestId": key,
        }
        return body, {}

    def code(self, reply: Reply) -> tuple[str | None, str | None]:
        return reply.text("CodeResult"), reply.text("SMSID")

    def heard(self, data: Mapping[str, Any]) -> "Told":
        failed, succeeded = (str(data.get(name, "0")) not in ("0", "") for name in ("SendFailed", "SendSuccess"))
        delivered = True if succeeded else False if failed else None
        return Told(_word(data.get("SMSID")), _word(data.get("RequestId")), delivered, _word(data.get("ErrorInfo")))


DIALECTS: Mapping[str, Dialect] = {"rest": Rest(), "coded": Coded()}


def read_receipt(provider: Provider, data: Any) -> Heard | None:
    """What a receipt says; None for one that says nothing final, or of nothing that can be known."""
    if not isinstance(data, dict):
        return None
    dialect = DIALECTS[provider.dialect]
    told = dialect.heard(data)
    if told.delivered is None or (told.reference is None and told.key is None):
        return None
    reason = told.reason or "unknown"
    kind = provider.reasons.get(reason) or dialect.reasons.get(reason, "permanent")
    return Heard(
        reference=told.reference,
        key=told.key,
        outcome="delivered" if told.delivered else "undeliverable",
        reason="" if told.delivered else without_numbers(reason),
        permanent=kind == "permanent",
        at=told.at,
    )


def _word(value: Any) -> str | None:
    """A short text without control characters, or a number as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = "".join(letter for letter in str(value)[:100] if letter.isprintable()).strip()
    return text or None


def without_numbers(text: str) -> str:
    """A provider's word, without anybody's telephone number."""
    return _NUMBER.sub("…", text)


# -- sending -----------------------------------------------------------------------------------------------------------


class Pace:
    """So many a second, spread over it; of all lines together."""

    def __init__(self, most_per_second: int, timer: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._interval = 1 / most_per_second
        self._timer = timer
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def turn(self) -> float:
        """0 when it is one's turn, which may take LONGEST_PAUSE; or in how many seconds it would be."""
        with self._lock:
            now = self._timer()
            wait = max(0.0, self._next - now)
            if wait > LONGEST_PAUSE:
                return wait
            self._next = now + wait + self._interval
        if wait:
            self._sleep(wait)
        return 0


class SmsOutlet:
    """One provider. `most_segments`: a longer text goes without accents; one that is too long then, not at all."""

    lot = 1

    def __init__(
        self,
        provider: Provider,
        templates: Templates,
        clock: Clock,
        *,
        timeout: float,
        most_segments: int,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = provider.outlet
        self._provider = provider
        self._dialect = DIALECTS[provider.dialect]
        self._templates = templates
        self._clock = clock
        self._timeout = timeout
        self._most_segments = most_segments
        self._pace = Pace(provider.most_per_second, timer, sleep)

    @contextmanager
    def open(self) -> Iterator["_SmsLine"]:
        with Http(self._timeout) as http:
            yield _SmsLine(lambda row: self._send(http, row))

    def news(self, row: Message, at: datetime) -> Events:
        return news(row, at)

    def _send(self, http: Http, message: Message) -> Answer:
        if obstacle := sms_obstacle(message.to):
            return Refused(obstacle)
        try:
            text, version = worded(self._templates, message, self._most_segments)
        except TemplateBroken as error:
            log.error("template_broken", message=message.id, template=message.template, reason=str(error))
            return Deferred("template_broken", ours=True)
        size = length(text)
        if size.segments > self._most_segments:
            # Shorter words come from an editor; until then the others must not wait.
            log.error("sms_too_long", message=message.id, template=message.template, segments=size.segments)
            return Deferred("too_long", ours=True)
        if seconds := self._pace.turn():
            return Postponed(self._clock() + timedelta(seconds=seconds))
        body, headers = self._dialect.request(self._provider, message.to, text, key_of(message))
        answer = self._answer(http.post(self._provider.url, json=body, headers=headers))
        if not isinstance(answer, Accepted):
            return answer
        metrics.SMS_SEGMENTS.labels(self.name, size.encoding).inc(size.segments)
        return replace(answer, noted={"template_version": version, "segments": size.segments})

    def _answer(self, reply: Reply) -> Answer:
        status = f"status_{reply.status}"
        if reply.status in (429, 503):
            return Deferred(status)
        if reply.status >= 500:
            return Uncertain(status)
        code, reference = self._dialect.code(reply)
        if code is None:
            if reply.status < 300:
                # Whatever this is, the provider may have taken the message.
                return Uncertain("answer_not_understood")
            if reply.status not in (400, 422):
                # The way there is wrong, or we are, and it would be so for every other message.
                raise Away(status)
            code = status
        table = {**self._dialect.codes, **self._provider.codes}
        meaning = table.get(code)
        detail = f"{reply.status} {without_numbers(code)}"
        match meaning:
            case "taken":
                return Accepted(detail, reference)
            case "refused":
                return Refused(detail)
            case "unknown":
                return Uncertain(detail)
            case "unusable":
                raise Away(f"code_{without_numbers(code)}"[:60])
            case _:
                if meaning is None and reply.status in (401, 402, 403, 404, 405):
                    raise Away(status)
                # An unknown word of a provider's is no reason to give somebody's message up.
                return Deferred(detail)


class _SmsLine:
    def __init__(self, send: Callable[[Message], Answer]) -> None:
        self._send = send

    def send(self, rows: Sequence[Message]) -> list[Answer]:
        return [self._send(row) for row in rows]


def worded(templates: Templates, message: Message, most_segments: int) -> tuple[str, int]:
    """The text as it is sent, and the version of its words; without accents where it is too long with them. Raises
    TemplateBroken."""
    rendered = templates.render(message)
    text = rendered.text
    if length(text).segments > most_segments:
        text = unaccented(text)
    return text, rendered.version
