"""Every problem's status, code and title, and the answer that it becomes (RFC 9457)."""

from collections.abc import Iterator

import pytest
from flask import Flask

from chassis import errors
from chassis.errors import FieldError, Problem
from chassis.web import problem_response

EXPECTED = {
    errors.Unreadable: (400, "unreadable"),
    errors.Unauthenticated: (401, "unauthenticated"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not_found"),
    errors.MethodNotAllowed: (405, "method_not_allowed"),
    errors.WrongState: (409, "wrong_state"),
    errors.Stale: (412, "stale"),
    errors.TooLarge: (413, "too_large"),
    errors.UnsupportedMediaType: (415, "unsupported_media_type"),
    errors.Invalid: (422, "invalid"),
    errors.KeyReused: (422, "idempotency_key_reused"),
    errors.KeyMissing: (428, "precondition_required"),
    errors.Unavailable: (503, "unavailable"),
    errors.Internal: (500, "internal"),
}


@pytest.fixture(autouse=True)
def _request() -> Iterator[None]:
    with Flask("toy").test_request_context(environ_overrides={"motcua.request_id": "request-1"}):
        yield


def test_all_problems_are_expected_here() -> None:
    assert set(EXPECTED) == {kind for kind in Problem.__subclasses__() if kind.__module__ == "chassis.errors"}


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_a_problem_becomes_its_answer(kind: type[Problem]) -> None:
    response = problem_response(kind("in English"))
    status, code = EXPECTED[kind]
    assert response.status_code == status
    assert response.content_type == "application/problem+json; charset=utf-8"
    assert response.json == {
        "type": f"urn:motcua:problem:{code}",
        "title": kind.title,
        "status": status,
        "code": code,
        "detail": "in English",
        "instance": "request-1",
    }
    assert not kind.title.isascii()
    assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert "Retry-After" not in response.headers


def test_fields_code_and_waiting_time_are_told() -> None:
    wrong = errors.Invalid("x", code="narrower", errors=[FieldError("/a~1b/0", "missing", "m")], retry_after=7)
    response = problem_response(wrong)
    assert response.json is not None
    assert response.json["errors"] == [{"pointer": "/a~1b/0", "code": "missing", "message": "m"}]
    assert (response.json["code"], response.json["type"]) == ("narrower", "urn:motcua:problem:narrower")
    assert response.headers["Retry-After"] == "7"
    assert errors.Invalid().code == "invalid"


def test_a_services_own_problem_keeps_status_and_has_its_code() -> None:
    class Closed(errors.WrongState):
        code, title = "dossier_closed", "Hồ sơ đã đóng"

    response = problem_response(Closed())
    assert response.json is not None
    assert (response.status_code, response.json["code"], response.json["title"]) == (
        409, "dossier_closed", "Hồ sơ đã đóng",
    )  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 503])
def test_what_flask_raises_has_a_problem_of_the_same_status(status: int) -> None:
    assert errors.HTTP_STATUS[status].status == status
