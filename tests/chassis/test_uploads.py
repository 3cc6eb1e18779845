"""Routes that take a file: as a form or as the body itself, on disk when it is large, and never more than allowed."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis import store
from chassis.auth import Authenticator
from chassis.openapi import document
from chassis.web import Answer, Call, Health, Router, Upload, UploadRule, application
from tests.chassis.toy import Hands
from tests.support.uploads import form, form_type

LIMIT = 1_000_000


@dataclass
class Toy:
    client: FlaskClient
    router: Router
    seen: list[tuple[Call, Upload, bytes, bool]] = field(default_factory=list)
    """The call, the upload, its bytes, and whether it lay on disk."""

    def post(self, path: str, data: Any, **options: Any) -> TestResponse:
        return self.client.post(f"/api/toy/v1{path}", data=data, **options)

    def form(self, content: bytes, name: str = "a", boundary: str = "b") -> TestResponse:
        return self.post("/form", form(content, name, boundary=boundary), content_type=form_type(boundary))

    def raw(self, data: bytes, **options: Any) -> TestResponse:
        return self.post("/raw", data, content_type="application/octet-stream", **options)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    router = Router("toy", {})

    def took(call: Call, upload: Upload) -> Answer:
        made.seen.append((call, upload, upload.file.read(), bool(getattr(upload.file, "_rolled", True))))
        return Answer({"size": upload.size})

    @router.post("/form", public="it is a toy", upload=UploadRule("multipart", LIMIT), answers={200: None})
    def take_form(call: Call, upload: Upload) -> Answer:
        return took(call, upload)

    @router.post("/raw", public="it is a toy", upload=UploadRule("raw", LIMIT), answers={200: None})
    def take_raw(call: Call, upload: Upload) -> Answer:
        return took(call, upload)

    @router.get("/stream", public="it is a toy", answers={200: ("image/png", "image/jpeg")})
    def stream(call: Call) -> Answer:
        pieces: Iterator[bytes] = iter([b"ab", b"cd"])
        return Answer(stream=pieces, headers={"Content-Length": "4", "X-Own": "1"}, media_type="image/png")

    client = application(
        router, Authenticator(str(tmp_path / "none"), None, issuer="a", audience="b"), Hands(),
        Health(lambda: (True, {}), {"version": "1"}), max_body_bytes=1_000, unavailable=store.UNAVAILABLE,
    ).test_client()  # fmt: skip
    made = Toy(client, router)
    return made


def test_a_form_brings_its_file_and_what_the_sender_calls_it(toy: Toy) -> None:
    answer = toy.form(b"abc", "Đơn.pdf")
    assert answer.get_json() == {"size": 3}
    [(_, upload, data, _)] = toy.seen
    assert (upload.name, upload.size, upload.sha256, data) == ("Đơn.pdf", 3, hashlib.sha256(b"abc").hexdigest(), b"abc")
    assert upload.file.closed


def test_a_body_may_be_the_file(toy: Toy) -> None:
    assert toy.raw(b"abc").get_json() == {"size": 3}
    assert (toy.seen[0][1].name, toy.seen[0][2]) == ("", b"abc")
    assert toy.seen[0][1].file.closed


@pytest.mark.parametrize("size", [10, LIMIT])
def test_what_is_large_lies_on_disk(toy: Toy, size: int) -> None:
    toy.raw(bytes(size))
    toy.form(bytes(size))
    assert [(len(data), on_disk) for _, _, data, on_disk in toy.seen] == [(size, size == LIMIT)] * 2


def test_more_than_allowed_is_refused_whether_or_not_its_length_is_told(toy: Toy) -> None:
    for size in (LIMIT + 1, 2 * LIMIT):
        assert toy.raw(bytes(size)).status_code == 413
        assert toy.form(bytes(size)).status_code == 413
        # As in chunks: the server says where it ends.
        told = {"input_stream": io.BytesIO(bytes(size)), "environ_overrides": {"wsgi.input_terminated": True}}
        answer = toy.post("/raw", None, content_type="application/octet-stream", **told)
        assert (answer.status_code, answer.get_json()["code"]) == (413, "too_large")
    assert toy.seen == []


def test_a_body_that_breaks_off_is_no_file(toy: Toy) -> None:
    answer = toy.raw(b"abc", environ_overrides={"CONTENT_LENGTH": "10"})
    assert (answer.status_code, toy.seen) == (400, [])


def test_the_same_file_is_the_same_request_whatever_its_form_looks_like(toy: Toy) -> None:
    for content, name, boundary in ((b"a", "x", "1"), (b"a", "x", "2"), (b"b", "x", "1"), (b"a", "y", "1")):
        toy.form(content, name, boundary)
    first, again, other, renamed = (call.body_hash for call, *_ in toy.seen)
    assert first == again
    assert len({first, other, renamed}) == 3


def test_another_media_type_is_refused(toy: Toy) -> None:
    assert toy.post("/raw", b"{}", content_type="application/json").status_code == 415
    assert toy.post("/form", b"{}", content_type="application/octet-stream").status_code == 415


def test_a_stream_is_sent_with_its_own_headers(toy: Toy) -> None:
    answer = toy.client.get("/api/toy/v1/stream")
    assert (answer.data, answer.mimetype, answer.headers["X-Own"]) == (b"abcd", "image/png", "1")
    assert answer.headers["Content-Length"] == "4"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_document_tells_of_files(toy: Toy) -> None:
    paths = document(toy.router, "1")["paths"]
    form = paths["/api/toy/v1/form"]["post"]
    assert form["requestBody"]["content"]["multipart/form-data"]["schema"]["required"] == ["file"]
    assert {"400", "413", "415", "422"} <= form["responses"].keys()
    assert paths["/api/toy/v1/raw"]["post"]["requestBody"]["content"].keys() == {"application/octet-stream"}
    assert paths["/api/toy/v1/stream"]["get"]["responses"]["200"]["content"].keys() == {"image/png", "image/jpeg"}
