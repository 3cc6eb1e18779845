"""The prescribed papers: asked for over the API, printed by the worker, read with poppler's tools."""

import base64
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pymongo import MongoClient
from werkzeug.test import TestResponse

from chassis import papers, store
from chassis.papers import PaperMaker, Papers
from chassis.printing import Printer
from chassis.worktime import ZONE
from intake import texts
from intake.main import TEMPLATES
from intake.usecases import papers as asking
from tests.intake.making import applicant_body, body
from tests.support.plans import watched
from tests.support.services import Clock, Running, pointers, problem


def filed(intake: Running, channel: str = "counter", **changes: Any) -> dict[str, Any]:
    who = "citizen" if channel == "online" else "counter_officer"
    answer = intake.post("dossiers", who, body(channel=channel, **changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def maker(intake: Running, printer: Printer | None = None) -> PaperMaker:
    return PaperMaker(Papers(intake.database), intake.clock, printer or Sheets())


def printed(intake: Running, path: str, who: str = "counter_officer") -> bytes:
    """The PDF, after the worker's loop ran."""
    waiting = intake.get(path, who)
    assert waiting.status_code == 202, waiting.text
    assert waiting.headers["Retry-After"] == "1"
    assert waiting.get_json()["state"] == "waiting"
    assert maker(intake).once()
    made = intake.get(path, who)
    assert made.status_code == 200, made.text
    assert made.mimetype == "application/pdf"
    pdf: bytes = made.data
    assert pdf.startswith(b"%PDF-")
    return pdf


def text_of(pdf: bytes) -> str:
    read = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(read.stdout.decode().split())


def fonts_of(pdf: bytes, folder: Path) -> set[str]:
    (folder / "paper.pdf").write_bytes(pdf)
    read = subprocess.run(["pdffonts", folder / "paper.pdf"], capture_output=True, encoding="utf-8", check=True)
    return {line.split()[0].partition("+")[2] for line in read.stdout.splitlines()[2:]}


def local_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


class Sheets(Printer):
    """Intake's own."""

    def __init__(self) -> None:
        super().__init__(TEMPLATES, texts.ON_PAPER)


class Broken(Sheets):
    def pdf(self, kind: str, content: dict[str, Any]) -> bytes:
        raise ValueError(f"no ink for {kind} of {len(content)}")


def rows(intake: Running) -> list[store.Document]:
    return intake.rows("papers")


# --- what they say ----------------------------------------------------------------------------------------------------


def test_the_receipt_says_what_was_received_and_when_the_result_is_due(intake: Running, tmp_path: Path) -> None:
    found = filed(intake)
    pdf = printed(intake, f"dossiers/{found['id']}/receipt.pdf")
    text = text_of(pdf)
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ",
        found["code"],
        found["tracking"]["secret"],
        "Nguyễn Thị Hoa",
        "trực tiếp",
        "038185001234",
        "+84912345678",
        "Thôn 3, xã Hoằng Lộc",
        "09 giờ 00 phút, ngày 04/03/2026",
        f"{local_time(found['due_at']):%H giờ %M phút, ngày %d/%m/%Y}",
        "NGƯỜI NỘP HỒ SƠ",
    ):
        assert said in text, (said, text)
    # Every letter is in the papers' own fonts: with others, Vietnamese marks stand apart from their letters.
    assert fonts_of(pdf, tmp_path) == {"Liberation-Serif", "Liberation-Serif-Bold", "Liberation-Serif-Italic"}


def test_the_owner_of_an_online_dossier_gets_the_receipt_too(intake: Running) -> None:
    found = filed(intake, "online")
    problem(intake.get(f"dossiers/{found['id']}/receipt.pdf", "citizen"), 409, "nothing_to_print")
    assert intake.post(f"dossiers/{found['id']}/reception", "counter_officer").status_code == 200
    assert "qua dịch vụ bưu chính" not in text_of(printed(intake, f"dossiers/{found['id']}/receipt.pdf", "citizen"))


def test_the_refusal_gives_its_reason_line_by_line(intake: Running) -> None:
    found = filed(intake, "online")
    reason = "Thiếu giấy đề nghị.\nChưa ký tên."
    assert intake.post(f"dossiers/{found['id']}/refusal", "counter_officer", {"reason": reason}).status_code == 200
    text = text_of(printed(intake, f"dossiers/{found['id']}/refusal.pdf"))
    assert "PHIẾU TỪ CHỐI TIẾP NHẬN GIẢI QUYẾT HỒ SƠ" in text
    assert "Thiếu giấy đề nghị. Chưa ký tên." in text


def test_the_request_to_supplement_names_the_papers_the_reason_and_the_last_day(intake: Running) -> None:
    found = filed(intake, "online")
    asked = {"components": ["TP1"], "reason": "Giấy đề nghị chưa ký", "until": "2026-03-20"}
    answer = intake.post(f"dossiers/{found['id']}/supplement-request", "counter_officer", asked)
    assert answer.status_code == 200, answer.text
    text = text_of(printed(intake, f"dossiers/{found['id']}/supplement-request.pdf", "citizen"))
    assert "PHIẾU YÊU CẦU BỔ SUNG, HOÀN THIỆN HỒ SƠ" in text
    assert "Giấy đề nghị chưa ký" in text
    assert "đến hết 20/03/2026" in text


def test_the_receipt_of_a_payment_has_the_amount_in_words_and_is_void_once_reversed(intake: Running) -> None:
    found = filed(intake)
    taken = intake.post(f"dossiers/{found['id']}/payments", "counter_officer", {"amount": 150_000, "method": "cash"})
    assert taken.status_code == 201, taken.text
    payment = intake.rows("dossiers")[0]["payments"][0]
    path = f"dossiers/{found['id']}/payments/{payment['id']}/receipt"
    text = text_of(printed(intake, f"{path}.pdf"))
    for said in (payment["receipt"], "150.000", "Một trăm năm mươi nghìn đồng", "tiền mặt", "Nguyễn Thị Hoa"):
        assert said in text, (said, text)
    assert "ĐÃ HỦY" not in text
    intake.database["dossiers"].update_one(
        {"_id": found["id"]},
        {"$set": {"payments.0.reversal": {"at": intake.clock(), "by": "kế toán", "reason": "Ghi nhầm"}}},
    )
    assert "ĐÃ HỦY" in text_of(printed(intake, f"{path}.pdf"))
    problem(intake.get(f"dossiers/{found['id']}/payments/none/receipt.pdf", "counter_officer"), 404)


@pytest.mark.parametrize("path", ["refusal", "handover", "supplement-request"])
def test_a_paper_about_what_has_not_happened_is_refused(intake: Running, path: str) -> None:
    found = filed(intake)
    problem(intake.get(f"dossiers/{found['id']}/{path}.pdf", "counter_officer"), 409, "nothing_to_print")
    assert rows(intake) == []


def test_what_an_applicant_typed_is_text_and_fetches_nothing(intake: Running) -> None:
    typed = '<img src="file:///etc/hostname"><link rel=attachment href="file:///etc/hostname">'
    found = filed(intake, applicant={**body()["applicant"], "name": typed})
    pdf = printed(intake, f"dossiers/{found['id']}/receipt.pdf")
    assert '<img src="file:///etc/hostname">' in text_of(pdf)
    assert b"EmbeddedFile" not in pdf


def test_nothing_but_data_urls_is_fetched_for_a_paper(tmp_path: Path) -> None:
    class Careless(Sheets):
        def html(self, kind: str, content: dict[str, Any]) -> str:
            return f'<img src="{content["url"]}" alt="{kind}">'

    def images(url: str) -> int:
        (tmp_path / "paper.pdf").write_bytes(Careless().pdf("receipt", {"url": url}))
        listed = subprocess.run(["pdfimages", "-list", tmp_path / "paper.pdf"], capture_output=True, check=True).stdout
        return len(listed.splitlines()) - 2

    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    inside = base64.b64encode((tmp_path / "red.png").read_bytes()).decode()
    assert images(f"data:image/png;base64,{inside}") == 1
    assert images((tmp_path / "red.png").as_uri()) == 0


# --- made once, outside of requests -----------------------------------------------------------------------------------


def test_a_paper_that_says_the_same_is_printed_once(intake: Running) -> None:
    found = filed(intake)
    path = f"dossiers/{found['id']}/receipt.pdf"
    first = printed(intake, path)
    assert intake.get(path, "counter_officer").data == first
    assert not maker(intake).once(), "nothing waits"
    assert len(rows(intake)) == 1
    assert "content" not in rows(intake)[0], "what it says is not kept beside the PDF"


def test_when_what_it_says_changes_it_is_printed_anew(intake: Running) -> None:
    found = filed(intake)
    path = f"dossiers/{found['id']}/receipt.pdf"
    printed(intake, path)
    intake.database["dossiers"].update_one({"_id": found["id"]}, {"$set": {"applicant.name": "Trần Văn Bình"}})
    assert "Trần Văn Bình" in text_of(printed(intake, path))


def test_two_who_ask_at_once_let_it_be_printed_once(intake: Running) -> None:
    found = filed(intake)
    answers = [intake.get(f"dossiers/{found['id']}/receipt.pdf", "counter_officer").status_code for _ in range(3)]
    assert answers == [202, 202, 202]
    assert [maker(intake).once() for _ in range(2)] == [True, False]


def test_a_paper_that_cannot_be_printed_says_so_and_is_tried_again_later(intake: Running, clock: Clock) -> None:
    found = filed(intake)
    path = f"dossiers/{found['id']}/receipt.pdf"
    intake.get(path, "counter_officer")
    assert [maker(intake, Broken()).once() for _ in range(papers.TRIES + 1)] == [True] * papers.TRIES + [False]
    failed = intake.get(path, "counter_officer")
    problem(failed, 503, "paper_failed")
    assert failed.headers["Retry-After"] == "600"
    clock.move(minutes=10)
    printed(intake, path)


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["other_officer", "citizen"])
def test_a_stranger_learns_nothing(intake: Running, who: str) -> None:
    found = filed(intake)
    there = intake.get(f"dossiers/{found['id']}/receipt.pdf", who)
    nowhere = intake.get("dossiers/none/receipt.pdf", who)
    problem(there, 404)
    assert there.get_json()["code"] == nowhere.get_json()["code"]
    assert rows(intake) == []


# --- the register -----------------------------------------------------------------------------------------------------


def register(intake: Running, first: str, last: str, agency: str = "", who: str = "counter_officer") -> TestResponse:
    return intake.get(f"register.pdf?agency={agency or body()['agency']}&from={first}&to={last}", who)


def test_the_register_holds_what_was_received_on_its_days(intake: Running, clock: Clock) -> None:
    first = filed(intake, applicant=applicant_body(name="Lê Văn Một")["applicant"])
    clock.set("2026-03-05 16:59")
    second = filed(intake)
    clock.set("2026-03-06 08:00")
    third = filed(intake)
    waiting = filed(intake, "online")
    assert register(intake, "2026-03-04", "2026-03-05").status_code == 202
    assert maker(intake).once()
    text = text_of(register(intake, "2026-03-04", "2026-03-05").data).replace(" ", "")
    assert "SỔTHEODÕIHỒSƠ" in text
    assert "2hồsơ" in text
    assert text.index("LêVănMột") > 0
    assert third["code"] not in text
    assert waiting["id"] not in text
    assert first["code"] != second["code"]


def test_the_register_is_of_a_month_at_most_and_of_the_own_agency(intake: Running) -> None:
    assert pointers(register(intake, "2026-03-04", "2026-03-03")) == [("/to", "period")]
    assert pointers(register(intake, "2026-03-01", "2026-04-01")) == [("/to", "period")]
    assert register(intake, "2026-03-01", "2026-03-31").status_code == 202
    problem(register(intake, "2026-03-01", "2026-03-31", "H56.99"), 404)
    problem(register(intake, "2026-03-01", "2026-03-31", who="citizen"), 403)
    assert pointers(register(intake, "2026-03-01", "ngày mai")) == [("/to", "date_from_datetime_parsing")]


def test_a_register_that_is_too_long_is_refused(intake: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "REGISTER_ROWS", 1)
    filed(intake)
    assert register(intake, "2026-03-04", "2026-03-04").status_code == 202
    filed(intake)
    assert pointers(register(intake, "2026-03-04", "2026-03-04")) == [("/from", "too_many")]


def test_the_register_is_read_by_its_index(intake: Running, mongo: MongoClient[dict[str, Any]]) -> None:
    filed(intake)
    with watched(mongo, intake.database.name) as seen:
        assert register(intake, "2026-03-04", "2026-03-05").status_code == 202
    [read] = [ran for ran in seen.of("dossiers") if ran.plan != "IDHACK"]
    assert read.plan == "IXSCAN { dimensions.agency: 1, received_at: 1, _id: 1 }"
    assert not read.sorted_in_memory
