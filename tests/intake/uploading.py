"""Sending files to intake as a browser does."""

from typing import Any

from werkzeug.test import TestResponse

from chassis import store
from intake.store import IntakeStore
from native.access import Persona
from tests.support.services import Running
from tests.support.uploads import BOUNDARY, form, form_type


def send(
    intake: Running,
    content: bytes,
    who: str | Persona | None = "citizen",
    *,
    name: str = "giay-to.docx",
    boundary: str = BOUNDARY,
    **options: Any,
) -> TestResponse:
    return intake.post(
        "files",
        who,
        data=form(content, name, boundary=boundary),
        headers={"Content-Type": form_type(boundary)},
        **options,
    )


def sent(intake: Running, content: bytes, who: str | Persona = "citizen", **options: Any) -> dict[str, Any]:
    """What was answered to a file that was taken."""
    answer = send(intake, content, who, **options)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def store_of(intake: Running) -> IntakeStore:
    """The store as a worker has it."""
    return IntakeStore(intake.database, store.Carrier(intake.clock))
