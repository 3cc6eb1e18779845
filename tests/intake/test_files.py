"""Files over HTTP: sent at once and in chunks, kept, named, seen, and swept."""

import hashlib
import io
import json
import threading
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from werkzeug.test import TestResponse

from intake.domain import files as domain
from intake.domain.files import CHUNK_SIZE, KEPT_UNUSED, Scan, StoredFile
from intake.main import INTAKE
from intake.sweeper import LOOK_AGAIN, Sweeper
from native.access import Persona
from tests.intake.making import body
from tests.intake.uploading import send, sent, store_of
from tests.support import contents
from tests.support.catalogue import ELSEWHERE, HERE
from tests.support.databases import empty
from tests.support.plans import watched
from tests.support.services import (
    Clock,
    Running,
    Tokens,
    another_process,
    database_url,
    pointers,
    problem,
    running,
)
from tests.support.uploads import BOUNDARY, form_type
from tests.support.uploads import form as form_of

DOC = contents.office()
"""What is inspected quickest."""
FORM = form_type()
NEIGHBOUR = Persona("Nguyễn Văn Nam", ("dossiers.file", "dossiers.read"))
OFFICER_ELSEWHERE = Persona("Lê Thị Na", ("dossiers.file", "dossiers.receive", "dossiers.read"), ELSEWHERE)


def form(content: bytes, part: str = "file") -> bytes:
    return form_of(content, "giay-to.docx", part=part)


def kept(intake: Running) -> list[str]:
    """Identifiers of the contents that lie in GridFS, whole or in part."""
    return sorted({row["files_id"] for row in intake.database["contents.chunks"].find({}, {"files_id": 1})})


def download(intake: Running, id: str, who: str | Persona = "citizen") -> TestResponse:
    return intake.get(f"files/{id}", who)


# -- sent at once ------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_and_given_back_as_it_was(intake: Running) -> None:
    content = contents.pdf(2)
    answer = send(intake, content, name="Giấy khai sinh.pdf")
    assert answer.status_code == 201
    found = answer.get_json()
    assert found == {
        "id": found["id"],
        "name": "Giấy khai sinh.pdf",
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": "application/pdf",
        "size": len(content),
        "pages": 2,
        "scan": "unscanned",
    }
    assert answer.headers["Location"] == f"/api/intake/v1/files/{found['id']}"
    back = download(intake, found["id"])
    assert (back.status_code, back.data, back.mimetype) == (200, content, "application/pdf")
    assert back.headers["Content-Length"] == str(len(content))


def test_a_file_is_served_so_that_nothing_in_it_can_act(intake: Running) -> None:
    headers = download(intake, sent(intake, DOC)["id"]).headers
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-store"


def test_a_large_file_lies_in_pieces_and_comes_back_whole(intake: Running) -> None:
    content = contents.office(parts={"word/media/a.png": contents.noise(5_500_000)})
    found = sent(intake, content)
    assert intake.database["contents.chunks"].count_documents({}) == 6
    assert hashlib.sha256(download(intake, found["id"]).data).hexdigest() == found["sha256"]


def test_what_is_kept_of_an_image_is_what_the_hash_is_of(intake: Running) -> None:
    content = contents.photo_with_place() + b"#EVIL"
    found = sent(intake, content, name="anh.jpg")
    back = download(intake, found["id"]).data
    assert (found["sha256"], found["size"]) == (hashlib.sha256(back).hexdigest(), len(back))
    assert b"EVIL" not in back


def test_the_same_key_gets_the_first_answer_and_keeps_one_content(intake: Running) -> None:
    first = send(intake, DOC, key="k1")
    again = send(intake, DOC, key="k1", boundary="another")
    assert (again.status_code, again.data, again.headers["ETag"]) == (201, first.data, first.headers["ETag"])
    assert len(kept(intake)) == 1
    problem(send(intake, contents.office(parts={"a.xml": b""}), key="k1"), 422, "idempotency_key_reused")
    problem(send(intake, DOC, key="k1", name="khac.pdf"), 422, "idempotency_key_reused")
    assert send(intake, DOC, NEIGHBOUR, key="k1").get_json()["id"] != first.get_json()["id"]
    assert len(kept(intake)) == 2


def test_the_same_click_twice_at_once_is_one_file_and_leaves_nothing_behind(intake: Running) -> None:
    answers: list[TestResponse] = []
    ready = threading.Barrier(2)

    def click() -> None:
        ready.wait(60)
        answers.append(send(intake, DOC, key="twice"))

    with another_process(intake):
        threads = [threading.Thread(target=click) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].data == answers[1].data
    [row] = intake.rows("files")
    assert kept(intake) == [row["content"]]


def test_a_repetition_that_lost_the_race_takes_its_content_away(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other one is done between this one's first look and its write.
    put = store_of(intake).files.contents.put
    first: list[TestResponse | None] = []

    def slow(self: Any, stream: Any, now: datetime) -> str:
        if not first:
            first.append(None)
            first[0] = send(intake, DOC, key="race")
        return put(stream, now)

    monkeypatch.setattr("intake.store.files.Contents.put", slow)
    answer = send(intake, DOC, key="race")
    assert first[0] is not None
    assert answer.data == first[0].data
    assert kept(intake) == [intake.rows("files")[0]["content"]]


def test_who_may_send(intake: Running) -> None:
    problem(send(intake, DOC, None), 401, "unauthenticated")
    problem(send(intake, DOC, "editor"), 403, "forbidden")
    problem(send(intake, DOC, key=None), 428, "precondition_required")
    assert kept(intake) == []


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (contents.SVG, "logo.svg", 415, "file_type_refused"),
        (contents.HTML, "don.pdf", 415, "file_type_refused"),
        (contents.archive({"a": b"b"}), "a.docx", 415, "file_type_refused"),
        (b"", "trong.pdf", 422, "file_empty"),
        (contents.pdf(objects=[contents.SCRIPT]), "don.pdf", 422, "file_active_content"),
        (contents.pdf(tail=contents.archive({"a": b"b"})), "don.pdf", 422, "file_foreign_data"),
        (contents.pdf(501), "day.pdf", 422, "file_too_many_pages"),
        (contents.png_of(100_000, 100_000), "anh.png", 422, "file_image_too_large"),
        (contents.office(parts={"word/a.xml": bytes(60_000_000)}), "don.docx", 422, "file_expands_too_much"),
        (contents.looping_pages(), "don.pdf", 422, "file_too_complex"),
        (contents.image()[:200], "anh.jpg", 422, "file_damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_hostile_file_is_refused_by_a_clear_code_and_leaves_nothing(
    intake: Running, content: bytes, name: str, status: int, code: str
) -> None:
    found = problem(send(intake, content, name=name), status, code)
    assert found["title"] != "Dữ liệu không hợp lệ"
    assert intake.rows("files") == []
    assert kept(intake) == []


def test_a_content_with_another_types_name_is_what_it_is(intake: Running) -> None:
    found = sent(intake, contents.image("PNG"), name="don.pdf")
    assert (found["media_type"], found["name"]) == ("image/png", "don.png")


def part(name: str, filename: str | None = None, text: str = "x") -> bytes:
    """The begin of a form: a part, and the boundary of the next one is to follow."""
    told = f'; filename="{filename}"' if filename is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n{text}\r\n'.encode()


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        (b"", [("/file", "missing")]),
        (form(DOC, part="tep"), [("/file", "missing"), ("/tep", "extra_forbidden")]),
        (part("file", "a") + form(DOC), [("/file", "missing")]),
        (part("a/b") + form(DOC), [("/a~1b", "extra_forbidden")]),
        (part("").replace(b' name="";', b"").replace(b'; name=""', b"") + form(DOC), [("/", "extra_forbidden")]),
        (part("c", "c.pdf") + form(DOC), [("/c", "extra_forbidden")]),
        (part("file") + f"--{BOUNDARY}--\r\n".encode(), [("/file", "missing")]),
    ],
)
def test_a_form_has_one_file_and_nothing_else(intake: Running, data: bytes, wrong: list[tuple[str, str]]) -> None:
    answer = intake.post("files", "citizen", data=data, headers={"Content-Type": FORM})
    assert pointers(answer) == wrong
    assert intake.rows("files") == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"not a form", FORM),
        (form(DOC)[: len(DOC) // 2], FORM),
        (form(DOC), "multipart/form-data"),
        (form(DOC), FORM + "x"),
    ],
)
def test_a_form_that_cannot_be_read_is_a_problem(intake: Running, data: bytes, kind: str) -> None:
    problem(intake.post("files", "citizen", data=data, headers={"Content-Type": kind}), 400, "unreadable")
    assert intake.rows("files") == []


@pytest.mark.parametrize("data", [part("a") * 30 + form(DOC), part("a", text="x" * 600_000) + form(DOC)])
def test_a_form_of_many_or_of_large_fields_is_too_large(intake: Running, data: bytes) -> None:
    problem(intake.post("files", "citizen", data=data, headers={"Content-Type": FORM}), 413, "too_large")


def test_json_is_not_a_form_and_a_form_is_not_json(intake: Running) -> None:
    problem(intake.post("files", "citizen", {"file": "x"}), 415, "unsupported_media_type")
    answer = intake.post(
        "dossiers", "citizen", data=form(DOC), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    problem(answer, 415, "unsupported_media_type")


@pytest.fixture
def small(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock
) -> Iterator[Running]:
    """Intake with narrow limits."""
    empty(mongo, f"{databases}intake")
    limits = {"file_max_bytes": 2_000_000, "file_max_pages": 3, "file_quota_bytes": 3_000_000}
    with running(INTAKE, database_url(mongo_url, f"{databases}intake"), tokens, clock, **limits) as service:
        yield service


def test_a_file_may_be_larger_than_json_may_and_no_larger_than_allowed(small: Running) -> None:
    padded = contents.office(parts={"word/media/a.png": contents.noise(1_900_000)})
    assert send(small, padded, "counter_officer").status_code == 201
    problem(send(small, padded + b" " * 200_000, "counter_officer"), 413, "too_large")
    problem(send(small, padded + b" " * 100_000, "counter_officer"), 413, "too_large")
    problem(small.post("dossiers", "citizen", {"form": {"a": "x" * 1_100_000}}), 413, "too_large")
    problem(send(small, contents.pdf(4)), 422, "file_too_many_pages")
    problem(begin(small, 2_000_001), 413, "file_too_large")


def test_somebody_without_an_agency_cannot_fill_the_store(small: Running) -> None:
    padded = contents.office(parts={"word/media/a.png": contents.noise(1_390_000)})
    assert send(small, padded).status_code == 201
    assert begin(small, 1_400_000).status_code == 201
    problem(send(small, padded), 409, "file_quota_reached")
    problem(begin(small, 1_400_000), 409, "file_quota_reached")
    for who in (NEIGHBOUR, "counter_officer"):
        assert send(small, padded, who).status_code == 201
    small.clock.move(hours=49)
    assert begin(small, 1_400_000).status_code == 201
    for _ in range(3):
        assert send(small, padded, "counter_officer").status_code == 201


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Giấy khai sinh.pdf", "Giấy khai sinh.pdf"),
        (unicodedata.normalize("NFD", "Giấy khai sinh.PDF"), "Giấy khai sinh.pdf"),
        ("..\\..\\windows\\đơn.pdf", "đơn.pdf"),
        ("/etc/passwd", "passwd.pdf"),
        ("../..", "tep.pdf"),
        ("", "tep.pdf"),
        ("   . .pdf", "pdf.pdf"),
        ("virus.exe", "virus.exe.pdf"),
        ("anh.jpg", "anh.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie x=1.pdf"),
        ('a"; filename="b.exe', "a ; filename= b.exe.pdf"),
        ("hoa\u202efdp.exe", "hoa fdp.exe.pdf"),
        ("a\x00b\u200b\ud800.pdf", "a b.pdf"),
        ("=cmd|' /C calc'!A0.pdf", "C calc'!A0.pdf"),
        ("đ" * 300 + ".pdf", "đ" * 88 + ".pdf"),
    ],
)
def test_a_name_is_made_safe_and_stays_readable(given: str, name: str) -> None:
    assert domain.safe_name(given, "application/pdf") == name


def test_a_name_is_told_in_a_header_that_every_browser_reads(intake: Running) -> None:
    found = sent(intake, DOC, name='Đơn "xin".docx')
    assert found["name"] == "Đơn xin.docx"
    told = download(intake, found["id"]).headers["Content-Disposition"]
    assert told == "attachment; filename=\"__n xin.docx\"; filename*=UTF-8''%C4%90%C6%A1n%20xin.docx"


# -- who sees ----------------------------------------------------------------------------------------------------------


def named(intake: Running, file: str, who: str | Persona = "citizen", **changes: Any) -> str:
    """A dossier that names the file."""
    answer = intake.post("dossiers", who, body(components=[{"code": "TP1", "file": file}], **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def readers(intake: Running, file: str) -> set[str]:
    """Which of these can open it; to the others it is not there."""
    people: dict[str, str | Persona] = {
        "uploader": "citizen", "neighbour": NEIGHBOUR, "here": "officer", "elsewhere": OFFICER_ELSEWHERE,
        "leader": "leader",
    }  # fmt: skip
    found = set()
    for word, who in people.items():
        answers = [download(intake, file, who), intake.get(f"files/{file}/state", who)]
        assert len({answer.status_code for answer in answers}) == 1
        if answers[0].status_code == 200:
            found.add(word)
        else:
            unknown = download(intake, "0" * 36, who)
            assert problem(answers[0], 404)["code"] == problem(unknown, 404)["code"]
    return found


def test_a_citizens_file_is_theirs_until_a_dossier_takes_it_to_an_agency(intake: Running) -> None:
    file = sent(intake, DOC)["id"]
    assert readers(intake, file) == {"uploader", "leader"}
    named(intake, file)
    assert readers(intake, file) == {"uploader", "leader", "here"}


def test_an_officers_file_is_the_agencys(intake: Running) -> None:
    file = sent(intake, DOC, "counter_officer")["id"]
    assert readers(intake, file) == {"here", "leader"}
    problem(intake.get(f"files/{file}", "editor"), 403)
    problem(intake.get(f"files/{file}"), 401)


def test_a_person_sees_the_document_that_an_officer_scanned_for_them(intake: Running) -> None:
    file = sent(intake, DOC, "counter_officer")["id"]
    owner = Persona("Nguyễn Thị Hoa", ("dossiers.read",), identity="038185001234")
    problem(download(intake, file, owner), 404)
    intake.database["documents"].insert_one({"_id": "d", "owner": "038185001234", "file": file})
    assert download(intake, file, owner).status_code == 200
    problem(download(intake, file, Persona("Khác", ("dossiers.read",), identity="038185009999")), 404)


def test_a_filing_names_only_files_of_its_own(intake: Running) -> None:
    file = sent(intake, DOC)["id"]
    for who in (NEIGHBOUR, "volunteer"):
        answer = intake.post("dossiers", who, body(components=[{"code": "TP1", "file": file}]))
        assert [pointer for pointer, _ in pointers(answer)] == ["/components/0/file"]
    assert domain.may_name(stored(), "hoa", None)
    assert not domain.may_name(stored(scan=Scan.INFECTED), "hoa", None)
    assert not domain.may_name(stored(), "nam", None)
    assert domain.may_name(stored(agency=HERE), "lan", HERE)
    assert not domain.may_name(stored(agency=HERE), "na", ELSEWHERE)


def stored(**changes: Any) -> StoredFile:
    plain = {
        "id": "f", "owner": "hoa", "agency": None, "name": "a.pdf", "media_type": "application/pdf", "size": 1,
        "sha256": "", "pages": 1, "content": "c", "scan": Scan.PENDING, "uploaded_at": datetime(2026, 3, 4, tzinfo=UTC),
    }  # fmt: skip
    return StoredFile(**{**plain, **changes})


# -- in chunks ---------------------------------------------------------------------------------------------------------


def begin(intake: Running, size: int, who: str | Persona = "citizen", **options: Any) -> TestResponse:
    named = {"name": "ban-ve.docx", "size": size, **options.pop("body", {})}
    return intake.post("uploads", who, named, **options)


def chunk(
    intake: Running, id: str, n: Any, data: bytes, who: str | Persona = "citizen", **options: Any
) -> TestResponse:
    headers = {"Content-Type": "application/octet-stream", **options.pop("headers", {})}
    return intake.request("PUT", f"uploads/{id}/chunks/{n}", who, data=data, headers=headers, **options)


def complete(intake: Running, id: str, who: str | Persona = "citizen", **options: Any) -> TestResponse:
    return intake.post(f"uploads/{id}/completion", who, {}, **options)


LARGE = contents.office(parts={"word/media/a.png": contents.noise(2 * CHUNK_SIZE)})


def pieces(content: bytes) -> list[bytes]:
    return [content[at : at + CHUNK_SIZE] for at in range(0, len(content), CHUNK_SIZE)]


def test_a_large_file_comes_in_any_order_and_is_gone_on_with_later(intake: Running) -> None:
    begun = begin(intake, len(LARGE), body={"sha256": hashlib.sha256(LARGE).hexdigest()})
    assert begun.status_code == 201
    found = begun.get_json()
    id = found["id"]
    assert (found["chunk_size"], found["chunks"], found["received"], found["file"]) == (CHUNK_SIZE, 3, [], None)
    sent_pieces = pieces(LARGE)
    for n in (2, 0):
        answer = chunk(intake, id, n, sent_pieces[n])
        assert answer.get_json() == {
            "n": n, "size": len(sent_pieces[n]), "sha256": hashlib.sha256(sent_pieces[n]).hexdigest()
        }  # fmt: skip
    incomplete = problem(complete(intake, id), 409, "upload_incomplete")
    assert incomplete["detail"].endswith("missing: 1")
    # The connection broke; on another device it is asked what is there.
    with another_process(intake) as other:
        assert other.get(f"uploads/{id}", "citizen").get_json()["received"] == [0, 2]
        assert chunk(other, id, 0, sent_pieces[0]).status_code == 200
        assert chunk(other, id, 1, sent_pieces[1]).status_code == 200
        done = complete(other, id, key="done")
    assert done.status_code == 201
    file = done.get_json()
    assert (file["size"], file["sha256"], file["name"]) == (
        len(LARGE),
        hashlib.sha256(LARGE).hexdigest(),
        "ban-ve.docx",
    )
    assert download(intake, file["id"]).data == LARGE
    assert intake.get(f"uploads/{id}", "citizen").get_json() | {"expires_at": 0} == found | {
        "received": [0, 1, 2], "file": file["id"], "expires_at": 0,
    }  # fmt: skip
    assert intake.database["upload_chunks"].count_documents({}) == 0


def test_an_upload_becomes_one_file_however_often_it_is_completed(intake: Running) -> None:
    id = begin(intake, len(DOC)).get_json()["id"]
    chunk(intake, id, 0, DOC)
    first = complete(intake, id, key="a")
    assert complete(intake, id, key="a").data == first.data
    problem(complete(intake, id, key="b"), 409, "upload_completed")
    problem(chunk(intake, id, 0, DOC), 409, "upload_completed")
    assert len(intake.rows("files")) == 1
    assert len(kept(intake)) == 1


def test_a_completion_that_died_before_its_last_write_is_repeated(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begin(intake, len(DOC)).get_json()["id"]
    chunk(intake, id, 0, DOC)
    with monkeypatch.context() as patched:
        patched.setattr("intake.store.files.Uploads.completed", lambda *_: None)
        first = complete(intake, id, key="a")
    assert complete(intake, id, key="a").data == first.data
    problem(complete(intake, id, key="b"), 409, "upload_completed")


def test_chunks_are_refused_that_do_not_fit(intake: Running) -> None:
    id = begin(intake, len(LARGE)).get_json()["id"]
    first, _, last = pieces(LARGE)
    problem(chunk(intake, id, 0, last), 422, "chunk_size")
    problem(chunk(intake, id, 2, first), 422, "chunk_size")
    problem(chunk(intake, id, 0, first + b"x"), 413, "too_large")
    problem(chunk(intake, id, 0, b""), 422, "chunk_size")
    problem(chunk(intake, id, 3, last), 404)
    problem(chunk(intake, id, "-1", last), 404)
    problem(chunk(intake, id, 10**30, last), 404)
    problem(chunk(intake, id, "x", last), 404)
    problem(chunk(intake, "unknown", 0, first), 404)
    problem(chunk(intake, id, 0, first, NEIGHBOUR), 404)
    problem(chunk(intake, id, 0, first, headers={"Content-Type": "application/json"}), 415, "unsupported_media_type")
    problem(intake.get(f"uploads/{id}", NEIGHBOUR), 404)
    problem(complete(intake, id, NEIGHBOUR), 404)
    assert intake.database["upload_chunks"].count_documents({}) == 0


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": -1}, {"size": 2**70}, {"name": ""}, {"sha256": "x"}, {"sha256": "g" * 64}, {"a": 1}]
)
def test_what_is_announced_is_checked(intake: Running, wrong: dict[str, Any]) -> None:
    assert [pointer for pointer, _ in pointers(begin(intake, 10, body=wrong))] == [f"/{next(iter(wrong))}"]


def test_an_upload_is_announced_once(intake: Running) -> None:
    first = begin(intake, 10, key="u")
    assert begin(intake, 10, key="u").data == first.data
    problem(begin(intake, 11, key="u"), 422, "idempotency_key_reused")
    problem(begin(intake, 10, key=None), 428)
    assert len(intake.rows("uploads")) == 1


def test_other_bytes_than_were_announced_are_refused(intake: Running) -> None:
    id = begin(intake, len(DOC), body={"sha256": "0" * 64}).get_json()["id"]
    chunk(intake, id, 0, DOC)
    problem(complete(intake, id), 422, "file_hash_mismatch")
    assert kept(intake) == []


def test_what_came_in_chunks_is_looked_into_as_well(intake: Running) -> None:
    id = begin(intake, len(contents.SVG)).get_json()["id"]
    chunk(intake, id, 0, contents.SVG)
    problem(complete(intake, id), 415, "file_type_refused")
    assert intake.rows("files") == []


# -- swept -------------------------------------------------------------------------------------------------------------


def sweep(intake: Running) -> bool:
    found = store_of(intake)
    return Sweeper(found.files, found.uploads, intake.clock).once()


def test_a_file_that_nothing_names_is_swept_after_two_days(intake: Running) -> None:
    lost, used = sent(intake, DOC)["id"], sent(intake, DOC)["id"]
    named(intake, used)
    intake.clock.move(hours=47)
    sweep(intake)
    assert download(intake, lost).status_code == 200
    intake.clock.move(hours=2)
    sweep(intake)
    problem(download(intake, lost), 404)
    assert download(intake, used).data == DOC
    assert len(kept(intake)) == 1
    # It is not looked at again.
    assert intake.rows("files")[0]["keep_until"] is None


def test_a_draft_keeps_its_files_as_long_as_it_is_there(intake: Running) -> None:
    file = sent(intake, DOC)["id"]
    intake.database["drafts"].insert_one({"_id": "draft", "owner": "x", "slot": 0, "files": ["other", file]})
    intake.clock.move(hours=49)
    sweep(intake)
    assert intake.rows("files")[0]["keep_until"] == intake.clock() + LOOK_AGAIN
    intake.database["drafts"].delete_one({"_id": "draft"})
    intake.clock.move(days=8)
    sweep(intake)
    assert kept(intake) == []


@pytest.mark.parametrize(
    ("collection", "document"),
    [
        ("documents", {"file": "FILE"}),
        ("dossiers", {"handover": {"signature": "FILE"}}),
        ("dossiers", {"components": [{"code": "a"}, {"code": "b", "file": "FILE"}]}),
    ],
)
def test_every_place_that_names_a_file_keeps_it(intake: Running, collection: str, document: dict[str, Any]) -> None:
    file = sent(intake, DOC)["id"]
    intake.database[collection].insert_one({"_id": "x", **json.loads(json.dumps(document).replace("FILE", file))})
    intake.clock.move(hours=49)
    sweep(intake)
    assert [row["keep_until"] for row in intake.rows("files")] == [None]


def test_whoever_is_about_to_name_a_file_keeps_it_from_the_sweep(intake: Running) -> None:
    files = store_of(intake).files
    id = sent(intake, DOC)["id"]
    intake.clock.move(hours=49)
    [unused] = files.unused(intake.clock(), 10)
    # Between the sweep's look and its update somebody claims it.
    assert files.claim([id, "unknown"], intake.clock()).keys() == {id}
    assert not files.sweep(unused, intake.clock())
    assert download(intake, id).status_code == 200
    # When its time comes again, nobody has named it.
    intake.clock.move(hours=3)
    assert files.sweep(unused, intake.clock())
    assert files.claim([id], intake.clock()) == {}


def test_what_the_sweep_has_taken_cannot_be_claimed_even_when_it_died_in_between(
    intake: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = store_of(intake).files
    id = sent(intake, DOC)["id"]
    intake.clock.move(hours=49)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("intake.store.files.Contents.delete", die)
        with pytest.raises(KeyboardInterrupt):
            sweep(intake)
    assert files.claim([id], intake.clock()) == {}
    assert files.get(id) is None
    problem(download(intake, id), 404)
    sweep(intake)
    assert (intake.rows("files"), kept(intake)) == ([], [])


def test_a_claim_writes_only_when_the_sweep_would_come_soon(
    intake: Running, mongo: MongoClient[dict[str, Any]]
) -> None:
    files = store_of(intake).files
    id = sent(intake, DOC)["id"]
    before = intake.rows("files")
    assert files.claim([id], intake.clock())[id].keep_until == intake.clock() + KEPT_UNUSED
    assert intake.rows("files") == before
    intake.clock.move(hours=47)
    assert files.claim([id], intake.clock())[id].keep_until == intake.clock() + domain.CLAIM


def test_a_content_whose_process_died_is_swept_and_no_other(intake: Running) -> None:
    # A content's identifier has the real time in it.
    intake.clock.now = datetime.now(UTC)
    files = store_of(intake).files
    used = sent(intake, DOC)["id"]
    named(intake, used)
    with contents_of(DOC) as stream:
        whole = files.contents.put(stream, intake.clock())
    # Its process died before the last write.
    intake.database["contents.files"].delete_one({"_id": whole})
    assert len(kept(intake)) == 2
    sweep(intake)
    assert len(kept(intake)) == 2
    intake.clock.move(hours=50)
    while sweep(intake):
        pass
    assert download(intake, used).data == DOC
    assert len(kept(intake)) == 1
    assert whole not in kept(intake)


def contents_of(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)


def test_the_sweep_of_contents_goes_on_where_it_ended(intake: Running) -> None:
    files = store_of(intake).files
    now = datetime.now(UTC)
    for _ in range(5):
        files.contents.put(contents_of(b"x"), now)
    later = now.replace(year=now.year + 1)
    assert [files.sweep_contents(later, 2) for _ in range(4)] == [(2, True), (2, True), (1, False), (0, False)]
    assert kept(intake) == []


def test_an_upload_that_is_not_completed_in_time_is_swept(intake: Running) -> None:
    id = begin(intake, len(LARGE)).get_json()["id"]
    chunk(intake, id, 0, pieces(LARGE)[0])
    intake.clock.move(hours=47)
    sweep(intake)
    assert intake.get(f"uploads/{id}", "citizen").status_code == 200
    intake.clock.move(hours=2)
    for answer in (
        intake.get(f"uploads/{id}", "citizen"),
        chunk(intake, id, 1, pieces(LARGE)[1]),
        complete(intake, id),
    ):
        problem(answer, 404)
    sweep(intake)
    assert intake.rows("uploads") == []
    assert intake.database["upload_chunks"].count_documents({}) == 0


# -- queries -----------------------------------------------------------------------------------------------------------


def test_every_query_has_an_index(intake: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    file = sent(intake, DOC)["id"]
    other = sent(intake, DOC)["id"]
    named(intake, file)
    id = begin(intake, len(DOC)).get_json()["id"]
    with watched(mongo, intake.database.name) as seen:
        chunk(intake, id, 0, DOC)
        intake.get(f"uploads/{id}", "citizen")
        complete(intake, id)
        download(intake, file, "officer")
        download(intake, other, OFFICER_ELSEWHERE)
        intake.clock.move(hours=49)
        files = store_of(intake).files
        files.claim([file, other], intake.clock())
        files.waiting(Scan.UNSCANNED)
        files.no_scanner()
        files.take_to_scan(intake.clock(), intake.clock())
        intake.clock.move(hours=3)
        sweep(intake)
    ours = ("files", "uploads", "upload_chunks", "contents.files", "contents.chunks", "documents", "drafts", "dossiers")
    unindexed = [ran for ran in seen.of(*ours) if "COLLSCAN" in ran.plan or ran.sorted_in_memory]
    assert unindexed == []
    assert {ran.collection for ran in seen.of(*ours)} >= {*ours}


def test_the_routes_say_what_they_take(intake: Running) -> None:
    document = intake.get("openapi.json").get_json()["paths"]
    file = document["/api/intake/v1/files"]["post"]["requestBody"]["content"]
    assert file["multipart/form-data"]["schema"]["required"] == ["file"]
    assert (
        document["/api/intake/v1/files/{id}"]["get"]["responses"]["200"]["content"].keys() == domain.MEDIA_TYPES.keys()
    )
    raw = document["/api/intake/v1/uploads/{id}/chunks/{n}"]["put"]["requestBody"]["content"]
    assert raw.keys() == {"application/octet-stream"}


def test_the_receivers_signature_is_a_file_of_the_officers(intake: Running) -> None:
    answer = intake.post("dossiers", "counter_officer", body(channel="counter"))
    id = answer.get_json()["id"]
    intake.database["dossiers"].update_one(
        {"_id": id}, {"$set": {"status": "processed", "finished_at": intake.clock(), "outcome": "approved"}}
    )
    signed = {"to": "Nguyễn Thị Hoa", "method": "collect", "signature": sent(intake, DOC)["id"]}
    refused = intake.post(f"dossiers/{id}/handover", "counter_officer", signed)
    assert pointers(refused) == [("/signature", "unknown_file")]
    signed["signature"] = sent(intake, DOC, "counter_officer")["id"]
    assert intake.post(f"dossiers/{id}/handover", "counter_officer", signed).status_code == 200
