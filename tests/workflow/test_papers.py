"""Forms 04, 05 and 06: asked for over the API, printed by the worker, read with poppler's tools."""

import json
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from catalog.domain import Step
from chassis.papers import PaperMaker, Papers
from chassis.printing import Printer
from native.access import Persona
from tests.support import catalogue
from tests.support.catalogue import HERE
from tests.support.services import Clock, Running, local, problem
from tests.workflow import making
from tests.workflow.test_api import begin, complete
from workflow import texts
from workflow.domain import extensions, opinions, papers, pauses, returns
from workflow.domain.parts import Budget, By
from workflow.domain.processes import Process
from workflow.inbound import Personal
from workflow.main import TEMPLATES

LEADER = Persona("Lê Thị Bưởi", ("tasks.read", "tasks.work"), HERE, roles=("leader",))
LONG = "Nguyễn Phước Tôn Nữ Thị Thùy Dương Quỳnh Hương " * 3
NAMES = {making.LAN: "Phạm Thị Lan", making.DUC: "Đỗ Văn Đức"}
DAY = Budget(amount=1, unit="working_day")


def named(agency: str) -> str:
    return {HERE: "Ủy ban nhân dân huyện", "H56": "Ủy ban nhân dân tỉnh"}.get(agency, agency)


def at(text: str, who: str = making.LAN) -> By:
    return By(who, NAMES[who], local(text), local(text))


def text_of(pdf: bytes) -> str:
    read = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(read.stdout.decode().split())


def pages_of(pdf: bytes) -> int:
    read = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return int(next(line.split()[1] for line in read.splitlines() if line.startswith("Pages:")))


def sheet(paper: Any) -> bytes:
    content = json.loads(json.dumps(paper.content))
    return Printer(TEMPLATES, texts.ON_PAPER).pdf(paper.kind, content)


def rows(process: Process) -> list[tuple[Any, ...]]:
    found = papers.control_slip(process, named, NAMES).content["rows"]
    return [
        (row["step"], row["by"] and row["by"]["name"], [one["step"] for one in row["to"]], row["timing"], row["note"])
        for row in found
    ]


# --- what they say ----------------------------------------------------------------------------------------------------


def test_the_slip_says_who_handed_what_to_whom_and_whether_in_time() -> None:
    process, _ = making.started()
    process, _ = making.complete(process, "s1", at("2026-03-04 10:00"))
    process, _ = making.complete(process, "s2", at("2026-03-13 09:00", making.DUC), note="Đủ điều kiện")
    names = [task.name for task in process.tasks]
    assert rows(process) == [
        (None, None, names[:1], None, None),
        (names[0], "Phạm Thị Lan", names[1:2], "on_time", None),
        (names[1], "Đỗ Văn Đức", names[2:3], "late", "Đủ điều kiện"),
    ]
    content = papers.control_slip(process, named, NAMES).content
    assert [(each["step"], each["officer"]) for each in content["waiting"]] == [(names[2], None)]
    assert content["rows"][1]["due_at"] == making.task(process, "s1").due_at.isoformat()  # type: ignore[union-attr]


def test_what_was_sent_back_and_done_again_is_on_it_each_time() -> None:
    process, _ = making.started()
    process, _ = making.complete(process, "s1", at("2026-03-04 09:30"))
    task = making.task(process, "s2")
    process, _ = returns.send_back(process, task, "s1", "Thiếu: bản vẽ", making.CALENDAR, at("2026-03-04 10:00"))
    process, _ = making.complete(process, "s1", at("2026-03-04 11:00"))
    names = [task.name for task in process.tasks]
    assert [(row[0], row[2], row[3], row[4]) for row in rows(process)[1:]] == [
        (names[0], [names[1]], "done_again", None),
        (names[1], [names[0]], "returned", "Thiếu: bản vẽ"),
        (names[0], [names[1]], "on_time", None),
    ]


def test_a_step_done_on_its_due_day_is_on_time_until_its_very_minute() -> None:
    process, _ = making.started()
    due_at = making.task(process, "s1").due_at
    assert due_at is not None
    done, _ = making.complete(process, "s1", By(making.LAN, "Lan", due_at, due_at))
    assert rows(done)[1][3] == "on_time"


def test_opinions_are_on_it_too_and_those_that_nobody_gave() -> None:
    process, _ = making.started()
    question = opinions.Question("H56", catalogue.OFFICE, "expert", "Phù hợp?", DAY)
    process, _ = opinions.ask(process, making.task(process, "s1"), question, making.CALENDAR, at("2026-03-04 09:30"))
    process, _ = opinions.lapse(process, local("2026-03-10 09:00"), making.CALENDAR)
    names = [task.name for task in process.tasks]
    assert [(row[2], row[3]) for row in rows(process)[1:]] == [([names[0]], "lapsed")]


def test_pauses_and_extensions_are_told_beside_it() -> None:
    process, _ = making.started()
    process, _ = pauses.pause(process, "Giám định", "Luật", at("2026-03-04 10:00"))
    process, _ = pauses.resume(process, "Đã có", making.CALENDAR, at("2026-03-05 10:00"))
    process, _ = extensions.extend(process, DAY, "Cần xác minh", None, True, making.CALENDAR, at("2026-03-05 11:00"))
    acts = papers.control_slip(process, named, NAMES).content["acts"]
    assert [(each["act"], each["note"]) for each in acts] == [
        ("paused", "Giám định"), ("resumed", "Đã có"), ("extended", "Cần xác minh"),
    ]  # fmt: skip


def test_a_fee_that_was_cancelled_is_told_with_the_reason() -> None:
    process, _ = making.started()
    asking = at("2026-03-04 10:00")
    process, _ = pauses.ask_fee(process, making.task(process, "s1"), 50_000, "Phí thẩm định", "Luật Phí", asking)
    over = local("2026-03-05 10:00")
    process, _ = pauses.fee_cancelled(process, asking.at, "Hộ nghèo được miễn", over, over, making.CALENDAR)
    slip = papers.control_slip(process, named, NAMES)
    assert [(each["act"], each["by"]["name"], each["note"]) for each in slip.content["acts"]] == [
        ("fee_requested", "Phạm Thị Lan", None), ("fee_cancelled", None, "Hộ nghèo được miễn"),
    ]  # fmt: skip
    printed = text_of(sheet(slip))
    assert "Hộ nghèo được miễn" in printed
    html = Printer(TEMPLATES, texts.ON_PAPER).html("control_slip", json.loads(json.dumps(slip.content)))
    assert "Bộ phận một cửa hủy khoản phí, lệ phí đã yêu cầu" in html


def test_each_extension_with_an_apology_has_its_form() -> None:
    process, _ = making.started()
    with pytest.raises(papers.NothingToPrint):
        papers.apology(process, None, named)
    process, _ = extensions.extend(process, DAY, "Bão", None, False, making.CALENDAR, at("2026-03-05 10:00"))
    with pytest.raises(papers.NothingToPrint):
        papers.apology(process, None, named)
    second = replace(process.extensions[0], apology=True, reason="Lũ")
    process = replace(process, extensions=(*process.extensions, second, replace(second, reason="Mất điện")))
    assert [papers.apology(process, n, named).content["reason"] for n in (1, 2, None)] == ["Lũ", "Mất điện", "Mất điện"]
    for n in (0, 3):
        with pytest.raises(papers.NothingToPrint):
            papers.apology(process, n, named)


def test_every_word_on_them_is_there() -> None:
    assert texts.ON_PAPER["act"].keys() == papers.TOLD.keys()


# --- how they are printed ---------------------------------------------------------------------------------------------


def test_long_names_and_many_steps_go_over_pages() -> None:
    steps = [
        Step(
            id=f"s{n}", name=f"{LONG}{n}", role="expert", amount=catalogue.days(0.05),
            after=(f"s{n - 1}",) if n > 1 else (), decision=n == 12,
        )
        for n in range(1, 13)
    ]  # fmt: skip
    process, _ = making.started(making.procedure(*steps), personal=Personal(name=LONG))
    for n in range(1, 13):
        process, _ = making.complete(process, f"s{n}", making.by(n / 10), note="Bước " + "dài" * 200)
    pdf = sheet(papers.control_slip(process, lambda agency: LONG + agency, {making.LAN: LONG}))
    found = text_of(pdf)
    assert pages_of(pdf) > 4
    assert all(f" {n} " in found for n in range(1, 14))
    assert found.count("STT") >= pages_of(pdf) - 2, "the head of the table stands on every page of it"


def test_what_people_typed_is_text() -> None:
    process, _ = making.started(personal=Personal(name="<script>x</script>", address="<img src='http://127.0.0.1:1/'>"))
    process, _ = extensions.extend(process, DAY, "<b>a</b>", None, True, making.CALENDAR, at("2026-03-05 11:00"))
    html = Printer(TEMPLATES, texts.ON_PAPER).html("apology", dict(papers.apology(process, None, named).content))
    assert not any(tag in html for tag in ("<script", "<img", "<b>a"))


# --- over the API -----------------------------------------------------------------------------------------------------


def printed(workflow: Running, path: str, who: str | Persona = "officer") -> str:
    waiting = workflow.get(path, who)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "1"), waiting.text
    maker = PaperMaker(Papers(workflow.database), workflow.clock, Printer(TEMPLATES, texts.ON_PAPER))
    assert maker.once()
    assert not maker.once()
    made = workflow.get(path, who)
    assert (made.status_code, made.mimetype) == (200, "application/pdf"), made.text
    return text_of(made.data)


def test_the_three_forms_are_printed(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    personal = {"name": "Nguyễn Thị Ánh Tuyết", "address": "Số 5 phố Hàng Đồng"}
    workflow.database["dossiers"].update_one({"_id": id}, {"$set": {"personal": personal}})
    clock.move(hours=1)
    assert complete(workflow, f"{id}.s1").status_code == 200
    longer = {"amount": 2, "reason": "Cần xác minh thực địa", "apology": True}
    assert workflow.post(f"dossiers/{id}/extension", LEADER, longer).status_code == 200
    apology = printed(workflow, f"dossiers/{id}/apology.pdf")
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "XIN LỖI VÀ ĐỀ NGHỊ GIA HẠN", "Nguyễn Thị Ánh Tuyết",
        "Số 5 phố Hàng Đồng", "Cần xác minh thực địa", "09 giờ 00 phút, ngày 07/03/2026",
        "09 giờ 00 phút, ngày 10/03/2026",
    ):  # fmt: skip
        assert words in apology, words
    slip = printed(workflow, f"dossiers/{id}/control-slip.pdf")
    for words in ("PHIẾU KIỂM SOÁT QUÁ TRÌNH GIẢI QUYẾT HỒ SƠ", "Đúng hạn", "đang xử lý", "Gia hạn thời gian"):
        assert words in slip, words
    problem(workflow.get(f"dossiers/{id}/stop-notice.pdf", "officer"), 409, "nothing_to_print")
    why = {"reason": "Người nộp không bổ sung", "basis": "Nghị định 118/2025/NĐ-CP"}
    clock.move(hours=1)
    assert workflow.post(f"dossiers/{id}/stop", LEADER, why).status_code == 200
    stopped = printed(workflow, f"dossiers/{id}/stop-notice.pdf")
    for words in (
        "VỀ VIỆC DỪNG GIẢI QUYẾT HỒ SƠ",
        "Người nộp không bổ sung",
        "Nghị định 118/2025/NĐ-CP",
        "11 giờ 00 phút",
    ):
        assert words in stopped, words
    problem(workflow.get(f"dossiers/{id}/apology.pdf?number=2", "officer"), 409, "nothing_to_print")
    problem(workflow.get(f"dossiers/{id}/apology.pdf?number=0", "officer"), 422)
    problem(workflow.get(f"dossiers/{id}/control-slip.pdf", "other_officer"), 404)


def test_the_slip_names_who_handed_over(workflow: Running, clock: Clock) -> None:
    id = begin(workflow)
    clock.move(hours=1)
    assert complete(workflow, f"{id}.s1", who="officer").status_code == 200
    officer = workflow.rows("dossiers")[0]["tasks"][0]["assignee_name"]
    assert officer in printed(workflow, f"dossiers/{id}/control-slip.pdf")
