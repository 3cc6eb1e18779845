"""The chat platform: messages of the province's account there to people who linked theirs (an interface like that of
Zalo's Official Accounts).

A message is `POST <url>/v3.0/oa/message/cs`, header `access_token`, `{"recipient": {"user_id"}, "message": {"text"},
"tracking_id": <the message's id>}`; where the platform wants registered words, `POST <url>/v3.0/oa/message/template`,
`{"recipient", "template_id", "template_data": {name: text}, "tracking_id"}` (?). Both are answered with 200 and
`{"error": 0, "message", "data": {"message_id"}}`, where `error` says what went wrong. Whether the platform knows a
message again by its tracking_id is not said (?): one whose answer got lost may be told twice.

Tokens: `POST <auth>/v4/oa/access_token`, header `secret_key`, a form of `refresh_token`, `app_id`, `grant_type`;
answered `{"access_token", "refresh_token", "expires_in": seconds}`. A refresh token is good once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, Protocol

from chassis import logs
from chassis.clock import Clock
from notify.channels.http import Http, Reply
from notify.domain.messages import Events, Message, news
from notify.outlets import Accepted, Answer, Away, Deferred, Refused, Uncertain
from notify.sealing import Sealing, Unsealable
from notify.store.tokens import Tokens
from notify.templates import TemplateBroken, Templates, local

log = logs.get()
NAME = "chat"
TEXT_PATH, TEMPLATE_PATH, TOKEN_PATH = "/v3.0/oa/message/cs", "/v3.0/oa/message/template", "/v4/oa/access_token"
MOST_TOKEN = 4000
LONGEST_TEXT = 2000
"""Characters (?)."""
EARLY = timedelta(minutes=5)
"""So long before it expires a token is renewed."""
RENEWAL = timedelta(seconds=60)
"""So long nobody else renews a token that one process has begun to."""
SHORTEST_LIFE, LONGEST_LIFE = 600, 90 * 86_400
_TRIES = 3
Meaning = Literal["taken", "token", "permanent", "later", "unusable"]
CODES: Mapping[str, Meaning] = {
    "0": "taken",
    "-124": "token",
    "-216": "token",
    "-201": "permanent",  # No such person.
    "-213": "permanent",  # Does not follow the province's account.
    "-217": "permanent",  # Has blocked it.
    "-227": "permanent",  # Is banned, or gone.
    "-230": "permanent",  # Has not spoken with it for too long.
    "-32": "later",
    "-200": "later",
    "-144": "later",  # The day's quota of the account.
    "-211": "later",  # The quota.
    "-204": "unusable",  # The account itself is not in order.
    "-209": "unusable",
    "-221": "unusable",
    "-224": "unusable",
}
"""As programs around the platform list them (?). One that is not here is tried again later."""


def event_signature(app_id: str, secret: str, timestamp: str, body: bytes) -> str:
    """How the platform signs what it tells of its own accord: SHA-256 over the app's id, the body, its timestamp and
    the secret, in hexadecimal."""
    return sha256(app_id.encode() + body + timestamp.encode() + secret.encode()).hexdigest()


class TokensKept(Protocol):
    """See `notify.store.tokens`."""

    def load(self, platform: str) -> Tokens | None: ...
    def begin_anew(self, platform: str, seed: str, refresh: bytes, instead_of: int | None) -> None: ...
    def begin_renewal(self, platform: str, version: int, now: datetime, until: datetime) -> bool: ...
    def renewed(self, platform: str, version: int, access: bytes, refresh: bytes, expires_at: datetime) -> None: ...
    def not_renewed(self, platform: str, version: int) -> None: ...


class Access:
    """The platform's tokens: of all processes one renews them, and the others take the new ones from the store.

    `first`: a refresh token that the operator got from the platform. Another one in its place begins anew, as it must
    where an answer with the next one was lost.
    """

    def __init__(
        self, kept: TokensKept, sealing: Sealing, clock: Clock, *, auth_url: str, app_id: str, secret: str, first: str
    ) -> None:
        self._kept = kept
        self._sealing = sealing
        self._clock = clock
        self._url = auth_url.rstrip("/") + TOKEN_PATH
        self._app_id = app_id
        self._secret = secret
        self._first = first
        self._seed = sha256(first.encode()).hexdigest()

    def token(self, http: Http, instead_of: str | None = None) -> str:
        """One that is good; `instead_of`: the one that the platform takes no more. Raises Away."""
        for _ in range(_TRIES):
            tokens = self._kept.load(NAME)
            if tokens is None or tokens.seed != self._seed:
                sealed = self._sealing.seal(self._first.encode(), "chat refresh token")
                self._kept.begin_anew(NAME, self._seed, sealed, None if tokens is None else tokens.version)
                continue
            now = self._clock()
            if tokens.access is not None and tokens.expires_at is not None and now < tokens.expires_at - EARLY:
                access = self._opened(tokens.access, "chat access token")
                if access != instead_of:
                    return access
            if not self._kept.begin_renewal(NAME, tokens.version, now, now + RENEWAL):
                raise Away("token_is_being_renewed")
            return self._renewed(http, tokens)
        raise Away("token_is_being_renewed")

    def _renewed(self, http: Http, tokens: Tokens) -> str:
        refresh = self._opened(tokens.refresh, "chat refresh token")
        form = {"refresh_token": refresh, "app_id": self._app_id, "grant_type": "refresh_token"}
        try:
            reply = http.post(self._url, form=form, headers={"secret_key": self._secret})
        except Away as away:
            self._kept.not_renewed(NAME, tokens.version)
            # No message was in hand.
            raise Away(f"token_{away.reason}") from None
        access, following = (reply.text(name, MOST_TOKEN) for name in ("access_token", "refresh_token"))
        if access is None or following is None:
            self._kept.not_renewed(NAME, tokens.version)
            raise Away(f"token_refused_{reply.text('error') or reply.status}")
        life = reply.text("expires_in")
        seconds = int(life) if life and life.isascii() and life.isdigit() and len(life) < 10 else SHORTEST_LIFE
        expires_at = self._clock() + timedelta(seconds=min(max(seconds, SHORTEST_LIFE), LONGEST_LIFE))
        self._kept.renewed(
            NAME,
            tokens.version,
            self._sealing.seal(access.encode(), "chat access token"),
            self._sealing.seal(following.encode(), "chat refresh token"),
            expires_at,
        )
        return access

    def _opened(self, sealed: bytes, context: str) -> str:
        try:
            return self._sealing.open(sealed, context).decode()
        except Unsealable:
            raise Away("token_cannot_be_opened") from None


class ChatOutlet:
    """`template_ids`: by our template's name the one that the platform has registered; others go as a text."""

    name = NAME
    lot = 1

    def __init__(
        self, url: str, access: Access, templates: Templates, *, timeout: float, template_ids: Mapping[str, str]
    ) -> None:
        self._url = url.rstrip("/")
        self._access = access
        self._templates = templates
        self._timeout = timeout
        self._template_ids = template_ids

    @contextmanager
    def open(self) -> Iterator["_ChatLine"]:
        with Http(self._timeout) as http:
            yield _ChatLine(http, self._access, self._send, self._access.token(http))

    def news(self, row: Message, at: datetime) -> Events:
        return news(row, at)

    def _send(self, http: Http, token: str, message: Message) -> tuple[Reply, int] | Answer:
        """What the platform answered, and the version of the words."""
        try:
            rendered = self._templates.render(message)
        except TemplateBroken as error:
            log.error("template_broken", message=message.id, template=message.template, reason=str(error))
            return Deferred("template_broken", ours=True)
        body: dict[str, object] = {"recipient": {"user_id": message.to}, "tracking_id": message.id}
        template = self._template_ids.get(message.template)
        if template is None:
            body["message"] = {"text": rendered.text[:LONGEST_TEXT]}
        else:
            body |= {"template_id": template, "template_data": template_data(message, self._templates.lookup(message))}
        path = TEXT_PATH if template is None else TEMPLATE_PATH
        return http.post(self._url + path, json=body, headers={"access_token": token}), rendered.version


class _ChatLine:
    def __init__(
        self,
        http: Http,
        access: Access,
        send: Callable[[Http, str, Message], tuple[Reply, int] | Answer],
        token: str,
    ) -> None:
        self._http = http
        self._access = access
        self._ask = send
        self._token = token

    def send(self, rows: Sequence[Message]) -> list[Answer]:
        return [self._send(row) for row in rows]

    def _send(self, message: Message) -> Answer:
        answer = self._answer(message)
        if answer is None:
            self._token = self._access.token(self._http, instead_of=self._token)
            answer = self._answer(message)
        if answer is None:
            raise Away("token_refused")
        return answer

    def _answer(self, message: Message) -> Answer | None:
        """None when the platform does not take the token."""
        asked = self._ask(self._http, self._token, message)
        if not isinstance(asked, tuple):
            return asked
        reply, version = asked
        if reply.status == 401:
            return None
        if reply.status != 200:
            return _unexpected(reply.status)
        code = reply.text("error")
        if code is None:
            return Uncertain("answer_not_understood")
        detail = f"error {code}"
        match CODES.get(code):
            case "taken":
                data = reply.data.get("data")
                receipt = data.get("message_id") if isinstance(data, dict) else None
                kept = receipt[:100] if isinstance(receipt, str) else None
                return Accepted(detail, kept, noted={"template_version": version})
            case "token":
                return None
            case "permanent":
                return Refused(detail)
            case "unusable":
                raise Away(f"code_{code}"[:60])
            case _:
                return Deferred(detail)


def template_data(message: Message, lookup: str) -> dict[str, str]:
    """What the platform may put into registered words: the message's params that are a text or a time."""
    given = {"code": message.code or message.dossier, "lookup": lookup, **message.params}
    return {
        name: local(value) if isinstance(value, datetime) else str(value)
        for name, value in given.items()
        if isinstance(value, (str, datetime))
    }


def _unexpected(status: int) -> Answer:
    word = f"status_{status}"
    if status in (429, 503):
        return Deferred(word)
    if status >= 500:
        return Uncertain(word)
    raise Away(word)
