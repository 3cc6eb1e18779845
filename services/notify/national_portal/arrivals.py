"""Dossiers that were filed on the portal: fetched from it, kept as rows, and taken to intake.

The row is written before anything else, so what was fetched once comes to intake, whoever is down in between; the
portal is told that it arrived, and under which number, when intake has it. Intake's Idempotency-Key is the portal's
number, so a dossier that is taken there twice is there once.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from chassis import logs
from chassis.clock import Clock, id_from
from chassis.store import New
from notify.national_portal.client import Portal, stage_of
from notify.national_portal.domain.inbound_dossiers import (
    FromPortal,
    GivenFile,
    NotADossier,
    arrived,
    files_of,
    filing,
    number_of,
)
from notify.national_portal.store import NationalPortalStore
from notify.outlets import Accepted, Answer, Away, Deferred, Refused, Uncertain
from notify.sealing import Secrets, Unsealable

log = logs.get()
GIVEN, CONFIRMED = "LayDanhSachHoSoMoi", "XacNhanHoSo"
"""Our names for what the portal's description does not name (?): the list of what is new, and that it arrived."""
MOST_FILE_BYTES, FILE_SECONDS = 50 * 1024 * 1024, 15.0
_PIECE = 65_536
_OURS = (401, 403)
"""What intake says when our key is wrong, which is no dossier's fault."""
_LATER = (409, 429, 503)


def row_of(number: str) -> str:
    """The id of the row of a dossier with this number at the portal."""
    return id_from("from the national portal", number)


class Fetching:
    """Asks the portal what is new. Everything new becomes a row, or is logged by its number's place alone."""

    def __init__(self, store: NationalPortalStore, portal: Portal, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._portal = portal
        self._secrets = secrets
        self._clock = clock

    def once(self) -> bool:
        """True when something new came. Raises Away."""
        said = self._portal.call(GIVEN)
        if not said.ok or not isinstance(said.result, list):
            raise Away(f"no_list_{said.code}"[:60])
        now, rows = self._clock(), []
        for place, record in enumerate(said.result):
            try:
                id = row_of(number_of(record))
                rows.append(arrived(id, record, self._secrets.record(id, record), now))
            except NotADossier as wrong:
                log.error("portal_gave_no_dossier", place=place, reason=str(wrong))
        added = self._store.arrivals.add([New(row.id, row, (), now) for row in rows])
        return any(refused is None for refused in added)


class IntakeOutlet:
    """Intake's public API as an outlet. `host`: of the portal; files are fetched from nowhere else."""

    name = "portal_arrivals"
    lot = 1

    def __init__(
        self, intake_url: str, api_key: str, portal: Portal, portal_url: str, secrets: Secrets, *, timeout: float
    ) -> None:
        self._intake = f"{intake_url.rstrip('/')}/api/intake/v1"
        self._key = api_key
        self._portal = portal
        self._host = urlsplit(portal_url).netloc
        self._secrets = secrets
        self._timeout = timeout

    @contextmanager
    def open(self) -> Iterator["IntakeOutlet"]:
        self._portal.login()
        yield self

    def news(self, _row: FromPortal, _at: datetime) -> Sequence[Any]:
        """What intake does with it, it tells itself."""
        return ()

    def send(self, rows: Sequence[FromPortal]) -> list[Answer]:
        return [self._send(row) for row in rows]

    def _send(self, row: FromPortal) -> Answer:
        try:
            record = self._secrets.open_record(row.id, row.sealed)
        except Unsealable as error:
            return Deferred(f"unsealable: {error}", ours=True)
        try:
            with requests.Session() as http:
                http.trust_env = False
                return self._filed(http, row, record)
        except NotADossier as wrong:
            return Refused(str(wrong))
        except _Failed as failed:
            return failed.answer

    def _filed(self, http: requests.Session, row: FromPortal, record: dict[str, Any]) -> Answer:
        files: dict[str, str] = {}
        for n, given in enumerate(files_of(record)):
            if given.component not in files:
                files[given.component] = self._uploaded(http, row, n, given)
        answer = self._posted(
            http, "dossiers", key=row.number, data=json.dumps(filing(record, files)),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        id = str(answer["id"])
        confirmation = {"MaHoSo": row.number, "MaHoSoDonVi": str(answer.get("code") or id), "TrangThai": "1"}
        said = self._portal.call(CONFIRMED, data=[confirmation])
        if not said.ok:
            return Deferred(f"not_confirmed_{said.code}"[:60])
        return Accepted("201", receipt=id)

    def _uploaded(self, http: requests.Session, row: FromPortal, n: int, given: GivenFile) -> str:
        content = self._fetched(http, given.url)
        answer = self._posted(http, "files", key=f"{row.number}/{n}", files={"file": (given.name, content)})
        return str(answer["id"])

    def _fetched(self, http: requests.Session, url: str) -> bytes:
        """A file's content, from the portal's own host only: an address in a dossier is anybody's."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.netloc != self._host:
            raise NotADossier("file_elsewhere")
        try:
            return self._content(http, url)
        except requests.RequestException as error:
            # The portal answers, as the line is open; it is this file that it does not give.
            raise _Failed(Deferred(f"file_{type(error).__name__}")) from None

    def _content(self, http: requests.Session, url: str) -> bytes:
        deadline, content = time.monotonic() + FILE_SECONDS, b""
        with http.get(url, timeout=self._timeout, stream=True, allow_redirects=False) as answer:
            if answer.status_code != requests.codes.ok:
                raise _Failed(Deferred(f"file_status_{answer.status_code}"))
            for piece in answer.iter_content(_PIECE):
                content += piece
                if len(content) > MOST_FILE_BYTES:
                    raise NotADossier("file_too_large")
                if time.monotonic() > deadline:
                    raise _Failed(Deferred("file_timeout"))
        return content

    def _posted(
        self, http: requests.Session, path: str, *, key: str, headers: dict[str, str] | None = None, **sent: Any
    ) -> dict[str, Any]:
        try:
            answer = http.post(
                f"{self._intake}/{path}", timeout=self._timeout, allow_redirects=False,
                headers={"X-Api-Key": self._key, "Idempotency-Key": key, **(headers or {})}, **sent,
            )  # fmt: skip
            if answer.status_code == requests.codes.created:
                found: dict[str, Any] = answer.json()
                return found
        except requests.RequestException as error:
            # Over this one intake may break each time: it waits, and the others get their turn.
            raise Away(f"intake_{type(error).__name__}", stage_of(error)) from None
        if answer.status_code in _OURS:
            raise Away(f"intake_status_{answer.status_code}")
        if answer.status_code in _LATER:
            raise _Failed(Deferred(f"intake_status_{answer.status_code}"))
        if answer.status_code >= 500:
            raise _Failed(Uncertain(f"intake_status_{answer.status_code}"))
        raise _Failed(Refused(_words(answer)))


class _Failed(Exception):  # noqa: N818 (carries an answer)
    def __init__(self, answer: Answer) -> None:
        super().__init__(type(answer).__name__)
        self.answer = answer


def _words(answer: requests.Response) -> str:
    """Intake's code and the wrong fields' places; its words may quote what was filed."""
    try:
        problem = answer.json()
        places = [f"{each['pointer']} {each['code']}" for each in problem.get("errors", [])]
        return f"{problem['code']}: {', '.join(places)}"[:200]
    except (ValueError, KeyError, TypeError):
        return f"intake_status_{answer.status_code}"
