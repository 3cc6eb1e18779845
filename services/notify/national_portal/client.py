"""The portal's interface over HTTP: login, and the services that take or give something.

Every call is a POST of `{session, madonvi, service, …}` and answers `{error_code, message, result}`; 0 is success. The
description names no other code, and programs around it tell the answers apart by their words, so this does too (?): a
session that is over, a thing that is there already, a thing that is not there; anything else is a refusal.
"""

import json
import threading
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from chassis import logs
from notify.outlets import Away, Stage

log = logs.get()
MOST_BYTES = 8_000_000
_PIECE = 65_536
_SESSION_OVER = ("phien lam viec", "session")
_EXISTS, _UNKNOWN = ("da ton tai", "already exist"), ("khong ton tai", "khong tim thay", "not exist", "not found")


class PortalAway(Away):
    """`answered`: the portal answered, though nothing that can be understood; else nothing came back in time."""

    def __init__(self, reason: str, stage: Stage, *, answered: bool = False) -> None:
        super().__init__(reason, stage)
        self.answered = answered


@dataclass(frozen=True, slots=True)
class Said:
    """What the portal answered to a call, or said of one element of it."""

    code: str
    message: str
    result: Any = None

    @property
    def ok(self) -> bool:
        return self.code == "0"

    @property
    def exists(self) -> bool:
        return not self.ok and _speaks(self.message, _EXISTS)

    @property
    def unknown(self) -> bool:
        return not self.ok and _speaks(self.message, _UNKNOWN)

    @property
    def session_over(self) -> bool:
        return not self.ok and _speaks(self.message, _SESSION_OVER)


class Portal:
    """`url`: where login and calls go; `agency`: our code there (`madonvi`); `dstcode`: the receiving system's, in the
    login's header. One session for all threads: it is renewed by whoever is told first that it is over, and the others
    take the new one.
    """

    def __init__(
        self, url: str, user: str, password: str, *, agency: str, dstcode: str, timeout_seconds: float
    ) -> None:
        self._url = url
        self._user = user
        self._password = password
        self._agency = agency
        self._dstcode = dstcode
        self._timeout = timeout_seconds
        self._session: str | None = None
        self._renewing = threading.Lock()
        self._own = threading.local()

    def login(self) -> None:
        """A session, if there is none yet. Raises Away."""
        self._session_instead_of(None)

    def call(self, service: str, **fields: Any) -> Said:
        """What the portal answers. Away when it cannot be asked (stage "connection"), or when nobody knows whether it
        took what it was sent (stage "content")."""
        session = self._session_instead_of(None)
        said = self._ask(service, session, fields)
        if said.session_over:
            said = self._ask(service, self._session_instead_of(session), fields)
        if said.session_over:
            raise PortalAway("session_refused", "connection")
        return said

    def _ask(self, service: str, session: str, fields: Mapping[str, Any]) -> Said:
        body = {"session": session, "madonvi": self._agency, "service": service, **fields}
        return _said(self._post(body, {}, "content"))

    def _session_instead_of(self, over: str | None) -> str:
        """The session, or a new one if it is `over`; one renewal for all that wait for it."""
        known = self._session
        if known is not None and known != over:
            return known
        with self._renewing:
            if self._session is None or self._session == over:
                self._session = self._new_session()
            return self._session

    def _new_session(self) -> str:
        body = {"username": self._user, "password": self._password}
        answer = self._post(body, {"dstcode": self._dstcode}, "connection")
        said = _said(answer)
        session = answer.get("session")
        if not said.ok:
            raise PortalAway(f"login_refused_{said.code}"[:60], "connection")
        if not isinstance(session, str) or not session:
            raise PortalAway("login_without_session", "connection", answered=True)
        return session

    def _post(self, body: Mapping[str, Any], headers: Mapping[str, str], stage: Stage) -> dict[str, Any]:
        deadline = time.monotonic() + self._timeout
        try:
            with self._http().post(
                self._url, data=json.dumps(body, ensure_ascii=False).encode(), timeout=self._timeout, stream=True,
                headers={"Content-Type": "application/json", **headers}, allow_redirects=False,
            ) as answer:  # fmt: skip
                if answer.status_code != requests.codes.ok:
                    raise PortalAway(f"status_{answer.status_code}", stage, answered=True)
                data = _read_all(answer, deadline, stage)
        except requests.ConnectTimeout:
            raise PortalAway("connect_timeout", "connection") from None
        except requests.ConnectionError as error:
            raise PortalAway("connection_failed", "connection" if stage_of(error) == "connection" else stage) from None
        except requests.RequestException as error:
            raise PortalAway(type(error).__name__, stage) from None
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise PortalAway("not_json", stage, answered=True) from None
        if not isinstance(found, dict) or "error_code" not in found:
            raise PortalAway("no_answer_of_the_portal", stage, answered=True)
        return found

    def _http(self) -> requests.Session:
        """A thread's own connections."""
        found: requests.Session | None = getattr(self._own, "http", None)
        if found is None:
            found = requests.Session()
            # No proxy or .netrc of anybody's has a say in where people's data goes.
            found.trust_env = False
            self._own.http = found
        return found


def stage_of(error: requests.RequestException) -> Stage:
    """How far a call had come. Refused before anything was sent, or broken off after it: requests does not say which,
    its cause does."""
    refused = any(word in repr(error) for word in ("NewConnectionError", "NameResolutionError"))
    return "connection" if refused or isinstance(error, requests.ConnectTimeout) else "content"


def of_each(said: Said) -> dict[str, Said]:
    """What was said of elements of a lot, by their numbers (MaHoSo): a list of `{MaHoSo, error_code, message}` in the
    result (?), of all of them or of some. Empty where the answer is for the whole lot."""
    found: dict[str, Said] = {}
    for each in said.result if isinstance(said.result, list) else ():
        if isinstance(each, dict) and isinstance(each.get("MaHoSo"), str) and "error_code" in each:
            found[each["MaHoSo"]] = _said(each)
    return found


def _said(answer: Mapping[str, Any]) -> Said:
    message = answer.get("message")
    return Said(str(answer.get("error_code")), message if isinstance(message, str) else "", answer.get("result"))


def _speaks(message: str, words: tuple[str, ...]) -> bool:
    plain = unicodedata.normalize("NFD", message.casefold().replace("đ", "d"))
    folded = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return any(word in folded for word in words)


def _read_all(answer: requests.Response, deadline: float, stage: Stage) -> bytes:
    data = b""
    for piece in answer.iter_content(_PIECE):
        data += piece
        if len(data) > MOST_BYTES:
            raise PortalAway("answer_too_large", stage, answered=True)
        if time.monotonic() > deadline:
            raise PortalAway("timeout", stage)
    return data
