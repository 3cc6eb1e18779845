"""The client of the sharing platform's service of the national population database (CSDL quốc gia về dân cư).

`TraCuuThongTinCongDan` takes SoDinhDanh, HoVaTen and NgayThangNamSinh, which must belong together, and answers with
the citizen in `Body.CongdanCollection.CongDan`, or with an empty collection. A look-up takes as long as the setting
says, never longer, and while the platform is away nobody waits for it.
"""

import json
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import date
from typing import Any

import requests

from chassis import logs, metrics
from intake.domain.population import Person, State

log = logs.get()
SERVICE = "TraCuuThongTinCongDan"
FAILURES = 3
"""After so many in a row nobody is sent to the platform for PAUSE_SECONDS; then one is, to see."""
PAUSE_SECONDS = 30.0
MOST_AT_ONCE = 8
"""Half of a web process's threads: a slow platform leaves the others to those who file."""
MOST_BYTES = 256_000
_PIECE = 16_384
_LINE = 300
_SEX = {"1": "Nam", "2": "Nữ", "Nam": "Nam", "Nữ": "Nữ"}
"""QCVN 109:2017/BTTTT; 0 and 3 say that it is not known."""
_COUNTRIES = {"VN": "Việt Nam"}
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom the caller means: the three must belong to one person."""

    identity: str
    name: str
    birth_date: date


class Malformed(Exception):  # noqa: N818 (a state of a look-up)
    """The answer is none that can be used."""


class _Away(Exception):  # noqa: N818 (a state of a look-up)
    """The platform did not answer, or only that something is wrong with it. The reason is a constant word."""


class Breaker:
    """Lets nobody through for a while after FAILURES in a row, then one at a time until one succeeds. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def lets_through(self) -> bool:
        with self._lock:
            if self._failures < FAILURES:
                return True
            now = self._clock()
            if now < self._closed_until:
                return False
            # This one goes to see; the others wait for what becomes of it.
            self._closed_until = now + PAUSE_SECONDS
            return True

    def note(self, *, success: bool) -> None:
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures >= FAILURES:
                self._closed_until = self._clock() + PAUSE_SECONDS


class Population:
    """`url`: None when the platform is not connected. Thread-safe; made after any fork."""

    def __init__(self, url: str | None, api_key: str | None, timeout_seconds: float) -> None:
        self._url = None if url is None else f"{url.rstrip('/')}/{SERVICE}"
        self._headers = {"X-Api-Key": api_key} if api_key else {}
        self._timeout = timeout_seconds
        self._breaker = Breaker()
        self._room = threading.BoundedSemaphore(MOST_AT_ONCE)

    @property
    def configured(self) -> bool:
        return self._url is not None

    def look_up(self, asked: Asked, request_id: str, agency: str | None) -> tuple[State, Person]:
        """The person's data, empty unless the state is OK. It does not raise: a look-up never keeps anybody from
        filing. `request_id` and `agency` go into the platform's own log."""
        if self._url is None:
            return State.NOT_CONFIGURED, {}
        state, person = self._guarded(asked, request_id, agency)
        metrics.POPULATION.labels(state.value).inc()
        return state, person

    def _guarded(self, asked: Asked, request_id: str, agency: str | None) -> tuple[State, Person]:
        if not self._breaker.lets_through():
            return State.UNAVAILABLE, {}
        if not self._room.acquire(blocking=False):
            return State.UNAVAILABLE, {}
        body = {
            "MaYeuCau": request_id,
            "MaDonVi": agency or "",
            "SoDinhDanh": asked.identity,
            "HoVaTen": asked.name,
            "NgayThangNamSinh": f"{asked.birth_date:%Y%m%d}",
        }
        try:
            answer = self._in_time(body)
        except _Away as away:
            self._breaker.note(success=False)
            log.warning("population_away", reason=str(away))
            return State.UNAVAILABLE, {}
        except Malformed as malformed:
            self._breaker.note(success=True)
            log.warning("population_malformed", reason=str(malformed))
            return State.MALFORMED, {}
        self._breaker.note(success=True)
        try:
            return read(answer, asked)
        except Malformed as malformed:
            log.warning("population_malformed", reason=str(malformed))
            return State.MALFORMED, {}

    def _in_time(self, body: Mapping[str, str]) -> Any:
        """The answer's JSON within the time, whatever the other side does: a socket's own timeout starts anew with
        each byte."""
        result: Future[Any] = Future()
        deadline = time.monotonic() + self._timeout

        def run() -> None:
            try:
                result.set_result(self._post(body, deadline))
            except BaseException as error:
                # It is raised where the result is taken.
                result.set_exception(error)
            finally:
                self._room.release()

        threading.Thread(target=run, daemon=True, name="population").start()
        try:
            return result.result(self._timeout)
        except TookTooLong:
            raise _Away("timeout") from None

    def _post(self, body: Mapping[str, str], deadline: float) -> Any:
        with requests.Session() as session:
            # No proxy, .netrc or redirect of anybody's has a say in where a person's number is sent.
            session.trust_env = False
            try:
                with session.post(
                    self._url or "", json=body, headers=self._headers, timeout=self._timeout, stream=True,
                    allow_redirects=False,
                ) as answer:  # fmt: skip
                    if answer.status_code == _NOT_FOUND:
                        return {}
                    if answer.status_code != requests.codes.ok:
                        raise _Away(f"status_{answer.status_code}")
                    data = _read_all(answer, deadline)
            except requests.RequestException as error:
                raise _Away(type(error).__name__) from None
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Malformed("not_json") from None


def _read_all(answer: requests.Response, deadline: float) -> bytes:
    data = b""
    for piece in answer.iter_content(_PIECE):
        data += piece
        if len(data) > MOST_BYTES:
            raise Malformed("too_large")
        if time.monotonic() > deadline:
            raise _Away("timeout")
    return data


# -- reading the answer ------------------------------------------------------------------------------------------------


def read(answer: Any, asked: Asked) -> tuple[State, Person]:
    """The citizen of an answer. Raises Malformed when there is none to be read, or it is not the one asked for."""
    body = _object(answer, "answer")
    found = _object(_object(body.get("Body"), "body").get("CongdanCollection"), "collection").get("CongDan")
    if isinstance(found, list):
        if len(found) > 1:
            raise Malformed("several")
        found = found[0] if found else None
    if not found:
        return State.NOT_FOUND, {}
    citizen = _object(found, "citizen")
    if asked.identity not in (_text(citizen.get("SoDinhDanh")), _text(citizen.get("SoCMND"))):
        raise Malformed("another_person")
    name, (birth_date, year) = _name(citizen.get("HoVaTen")), _birth(citizen.get("NgayThangNamSinh"))
    if name is None or year is None:
        raise Malformed("no_name_or_birth")
    same_day = birth_date == asked.birth_date.isoformat() if birth_date else year == f"{asked.birth_date:%Y}"
    if _folded(name) != _folded(asked.name) or not same_day:
        # The platform should not have answered; to somebody who does not know all three, there is nobody.
        return State.NOT_FOUND, {}
    father, mother, spouse = (_relative(citizen.get(key)) for key in ("Cha", "Me", "VoChong"))
    nationality = _text(citizen.get("QuocTich"))
    known = {
        "name": name,
        "identity": asked.identity,
        "sex": _SEX.get(_text(citizen.get("GioiTinh")) or ""),
        "birth_date": birth_date,
        "birth_registration_place": _place(citizen.get("NoiDangKyKhaiSinh")),
        "nationality": _COUNTRIES.get(nationality or "", nationality),
        "hometown": _place(citizen.get("QueQuan")),
        "permanent_address": _place(citizen.get("ThuongTru")),
        "present_address": _place(citizen.get("NoiOHienTai")),
        "father_name": father[0],
        "father_identity": father[1],
        "mother_name": mother[0],
        "mother_identity": mother[1],
        "spouse_name": spouse[0],
        "spouse_identity": spouse[1],
    }
    return State.OK, {key: value for key, value in known.items() if value}


def _object(value: Any, what: str) -> Mapping[str, Any]:
    """An object; nothing at all is an empty one, since that is how the platform says that it found nobody."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Malformed(f"{what}_is_no_object")
    return value


def _text(value: Any) -> str | None:
    """One line of text, or a number as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    plain = "".join(
        " " if unicodedata.category(letter) == "Cc" else letter for letter in unicodedata.normalize("NFC", str(value))
    )
    text = " ".join(plain.split())
    return text if 0 < len(text) <= _LINE else None


def _name(value: Any) -> str | None:
    if isinstance(value, dict):
        return _text(" ".join(filter(None, (_text(value.get(part)) for part in ("Ho", "ChuDem", "Ten")))))
    return _text(value)


def _birth(value: Any) -> tuple[str | None, str | None]:
    """(YYYY-MM-DD, YYYY); of some people only the year is known."""
    whole, year = (value.get("NgayThangNam"), value.get("Nam")) if isinstance(value, dict) else (value, None)
    text = _text(whole) or ""
    if len(text) == 8 and text.isascii() and text.isdigit():
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat(), text[:4]
        except ValueError:
            return None, None
    return None, _text(year)


def _place(value: Any) -> str | None:
    return _text(value.get("ChiTiet")) if isinstance(value, dict) else _text(value)


def _relative(value: Any) -> tuple[str | None, str | None]:
    if not isinstance(value, dict):
        return None, None
    return _name(value.get("HoVaTen")), _text(value.get("SoDinhDanh")) or _text(value.get("SoCMND"))


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
