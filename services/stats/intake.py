"""Intake over HTTP, for the recount alone: nothing that counts depends on it."""

from collections.abc import Iterator

import requests
from pydantic import BaseModel, ValidationError

from chassis.errors import Unavailable
from stats.inbound.states import State

PAGE = 1000


class IntakeUnavailable(Unavailable):
    code, title = "intake_unavailable", "Chưa đối chiếu được với hệ thống tiếp nhận, xin thử lại"


class _Page(BaseModel):
    items: list[State]
    next: str | None


class IntakeStates:
    """Pages through `GET /api/intake/v1/dossiers/states`; IntakeUnavailable for anything but what that promises."""

    def __init__(self, url: str, api_key: str, timeout_seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/api/intake/v1/dossiers/states"
        self._headers = {"X-Api-Key": api_key}
        self._timeout = timeout_seconds

    def states(self) -> Iterator[State]:
        cursor: str | None = None
        with requests.Session() as session:
            # A proxy of the environment is for the world outside.
            session.trust_env = False
            while True:
                page = self._page(session, cursor)
                yield from page.items
                if page.next is None:
                    return
                if page.next == cursor:
                    raise IntakeUnavailable("intake's pages do not advance")
                cursor = page.next

    def _page(self, session: requests.Session, cursor: str | None) -> _Page:
        parameters = {"limit": str(PAGE)} | ({} if cursor is None else {"cursor": cursor})
        try:
            answer = session.get(
                self._url, params=parameters, headers=self._headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise IntakeUnavailable(f"intake does not answer: {type(error).__name__}", retry_after=30) from None
        if answer.status_code != 200:
            raise IntakeUnavailable(f"intake answered {answer.status_code}", retry_after=30)
        try:
            return _Page.model_validate_json(answer.content)
        except ValidationError as error:
            places = {
                ".".join(map(str, item["loc"])) for item in error.errors(include_input=False, include_url=False)[:3]
            }
            raise IntakeUnavailable(
                f"intake's answer is not as promised at {', '.join(sorted(places)) or 'its start'}"
            ) from None
