"""Result documents: printed from the procedure's template or uploaded, decided by, given out, recalled, replaced."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from native.access import Persona
from tests.support.catalogue import BUSINESS, ELSEWHERE, HERE
from tests.support.services import Clock, Running, everything, pointers, problem
from tests.workflow.deciding import (
    LEADER,
    begin,
    blank,
    ended,
    issued,
    made,
    print_all,
    signed,
    store_of,
    sweep,
    text_of,
    uploaded,
)
from workflow.main import WORKFLOW

STRANGER = Persona("Cán bộ nơi khác", ("tasks.read", "tasks.work", "results.sign", "results.read"), ELSEWHERE)
HOA = Persona("Nguyễn Thị Hoa", ("results.read",), identity="038185001234")
TAM = Persona("Lê Văn Tám", ("results.read",), identity="038185009999")
RECALL = {"reason": "Ghi sai tên chủ hộ", "basis": "Quyết định 12/QĐ-UBND"}


def told(of: Running, kind: str) -> list[dict[str, Any]]:
    events = [json.loads(event) for event in of.told()]
    return [event["data"] for event in events if event["type"] == f"workflow.result.{kind}.v1"]


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_result_is_printed_from_the_procedures_template_with_the_dossiers_data(deciding: Running) -> None:
    dossier = begin(deciding)
    answer = deciding.post(
        f"dossiers/{dossier}/results", "officer", {"number": "15/GCN", "note": "Cấp lần đầu"}, key="one"
    )
    drafted = answer.get_json()
    assert (answer.status_code, drafted["state"], drafted["printing"]) == (201, "draft", "waiting")
    waiting = deciding.get(f"results/{drafted['id']}/file.pdf", "officer")
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "1")
    assert print_all(deciding) == 1
    pdf = deciding.get(f"results/{drafted['id']}/file.pdf", "officer")
    assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
    text = text_of(pdf.data)
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "GIẤY CHỨNG NHẬN ĐĂNG KÝ HỘ KINH DOANH", "Số: 15/GCN",
        "Tiệm bánh <Hương Quê> & Con", "Chủ hộ: Nguyễn Thị Hoa, số định danh 038185001234", "250.000.000 đồng",
        "Ngành nghề: Bán lẻ. Ngành nghề: Ăn uống.", "Ghi chú: Cấp lần đầu", "ngày 04 tháng 03 năm 2026",
    ):  # fmt: skip
        assert said in text, (said, text)
    shown = deciding.get(f"results/{drafted['id']}", "officer").get_json()
    assert (shown["printing"], shown["kind"], shown["size"]) == ("made", "KQ.G03.000102", len(pdf.data))
    again = deciding.post(
        f"dossiers/{dossier}/results", "officer", {"number": "15/GCN", "note": "Cấp lần đầu"}, key="one"
    )
    assert (again.status_code, again.data) == (201, answer.data)
    assert len(deciding.rows("results")) == 1
    # What was to be printed is personal, and is in the file now.
    assert deciding.rows("results")[0]["content"] is None


def test_a_procedure_without_a_template_has_its_result_uploaded(deciding: Running) -> None:
    dossier = begin(deciding, BUSINESS)
    problem(deciding.post(f"dossiers/{dossier}/results", "officer", {}), 409, "no_template")
    pdf = blank()
    answer = uploaded(deciding, f"dossiers/{dossier}/results", pdf, key="one")
    assert answer.status_code == 201, answer.text
    found = answer.get_json()
    assert (found["state"], found["source"], found["pages"], found["size"]) == ("draft", "upload", 1, len(pdf))
    assert deciding.get(f"results/{found['id']}/file.pdf", "officer").data == pdf
    assert uploaded(deciding, f"dossiers/{dossier}/results", pdf, key="one").data == answer.data
    other = uploaded(deciding, f"dossiers/{dossier}/results", blank(Title="x"), key="one")
    problem(other, 422, "idempotency_key_reused")


def with_script() -> bytes:
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(595, 842)
    script = {"/S": NameObject("/JavaScript"), "/JS": TextStringObject("app.alert('x')")}
    action = DictionaryObject({NameObject(name): value for name, value in script.items()})
    writer.root_object[NameObject("/OpenAction")] = action
    writer.write(out)
    return out.getvalue()


def encrypted() -> bytes:
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(595, 842)
    writer.encrypt("mật khẩu")
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("pdf", "code"),
    [
        (b"", "file_type_refused"),
        (b"PK\x03\x04" + b"0" * 100, "file_type_refused"),
        (b"%PDF-1.7\n" + b"\xff" * 5000 + b"\n%%EOF", "file_damaged"),
        (with_script(), "file_active_content"),
        (encrypted(), "file_encrypted"),
    ],
    ids=["empty", "zip", "noise", "script", "encrypted"],
)
def test_what_is_no_harmless_pdf_is_refused(deciding: Running, pdf: bytes, code: str) -> None:
    dossier = begin(deciding, BUSINESS)
    problem(uploaded(deciding, f"dossiers/{dossier}/results", pdf), 422, code)
    assert deciding.rows("results") == []


def test_a_file_of_50_megabytes_is_too_large(deciding: Running) -> None:
    dossier = begin(deciding, BUSINESS)
    huge = b"%PDF-1.7\n" + bytes(50_000_000)
    problem(uploaded(deciding, f"dossiers/{dossier}/results", huge), 413, "too_large")
    problem(uploaded(deciding, "results/verification", huge, None), 413, "too_large")


def test_what_the_dossier_does_not_have_is_named_and_nothing_is_made(deciding: Running) -> None:
    dossier = begin(deciding, form={"capital": 5, "lines": []})
    found = problem(deciding.post(f"dossiers/{dossier}/results", "officer", {}), 409, "result_data_missing")
    assert "business" in found["detail"]
    assert deciding.rows("results") == []


def test_a_dossier_from_before_its_data_was_kept_says_what_is_missing(deciding: Running) -> None:
    dossier = begin(deciding)
    deciding.database["dossiers"].update_one({"_id": dossier}, {"$unset": {"personal": 1}})
    problem(deciding.post(f"dossiers/{dossier}/results", "officer", {}), 409, "result_data_missing")


def test_a_result_is_made_and_seen_by_the_agencies_of_the_dossier_alone(deciding: Running) -> None:
    dossier = begin(deciding)
    result = made(deciding, dossier)["id"]
    for path in (f"results/{result}", f"results/{result}/file.pdf"):
        there = problem(deciding.get(path, STRANGER), 404)
        nowhere = problem(deciding.get(path.replace(result, "none"), STRANGER), 404)
        assert there["detail"].replace(result, "none") == nowhere["detail"]
    for path, body in (("signature", {}), ("recall", RECALL), ("replacement", {**RECALL, "by": "x"})):
        there = problem(deciding.post(f"results/{result}/{path}", STRANGER, body), 404)
        nowhere = problem(deciding.post(f"results/none/{path}", STRANGER, body), 404)
        assert there["detail"].replace(result, "none") == nowhere["detail"]
    assert pointers(deciding.post("results/signatures", STRANGER, {"ids": [result, "none"]})) == [
        ("/ids/0", "unknown_result"), ("/ids/1", "unknown_result"),
    ]  # fmt: skip
    problem(deciding.get(f"dossiers/{dossier}/results", STRANGER), 404)
    problem(deciding.post(f"dossiers/{dossier}/results", STRANGER, {}), 404)
    # Who may read everything does not make or sign for others.
    problem(deciding.post(f"results/{result}/signature", everything_but_acting(), {}), 404)


def everything_but_acting() -> Persona:
    plain = everything(WORKFLOW)
    return Persona(plain.name, tuple(scope for scope in plain.scopes if scope != "any_agency"))


def test_results_are_listed_by_page(deciding: Running) -> None:
    dossier = begin(deciding)
    ids = {deciding.post(f"dossiers/{dossier}/results", "officer", {}).get_json()["id"] for _ in range(3)}
    first = deciding.get(f"dossiers/{dossier}/results?limit=2", "officer").get_json()
    rest = deciding.get(f"dossiers/{dossier}/results?limit=2&cursor={first['next']}", "officer").get_json()
    found = [item["id"] for item in (*first["items"], *rest["items"])]
    assert (len(found), set(found), rest["next"]) == (3, ids, None)


def test_a_printer_that_stumbles_gives_up_and_says_so(deciding: Running) -> None:
    dossier = begin(deciding)
    result = deciding.post(f"dossiers/{dossier}/results", "officer", {}).get_json()["id"]
    # Content that the layout cannot print.
    deciding.database["results"].update_one({"_id": result}, {"$set": {"content": {"title": "x"}}})
    assert print_all(deciding) == 3
    assert deciding.get(f"results/{result}", "officer").get_json()["printing"] == "failed"
    problem(deciding.get(f"results/{result}/file.pdf", "officer"), 409, "result_not_printed")


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_an_approval_whose_result_is_printed_needs_a_signed_one(deciding: Running, certificates: Path) -> None:
    dossier = begin(deciding)
    draft = made(deciding, dossier)["id"]
    other = made(deciding, begin(deciding))["id"]
    for step in ("s1", "s2"):
        deciding.post(f"tasks/{dossier}.{step}/completion", "officer", {"outcome": "completed"})

    def decide(**body: Any) -> Any:
        return deciding.post(f"tasks/{dossier}.s3/completion", "officer", {"outcome": "approved", **body})

    problem(decide(), 409, "result_missing")
    problem(decide(result=draft), 409, "result_not_signed")
    for wrong in ("none", other):
        assert pointers(decide(result=wrong)) == [("/result", "unknown_result")]
    assert signed(deciding, certificates, draft)["signed"] == 1
    assert decide(result=draft).status_code == 200
    wrong_step = {"outcome": "completed", "result": draft}
    assert pointers(deciding.post(f"tasks/{dossier}.s4/completion", "officer", wrong_step)) == [
        ("/result", "not_a_decision")
    ]
    problem(deciding.get(f"dossiers/{dossier}/result.pdf", "officer"), 409, "no_result")
    assert deciding.post(f"tasks/{dossier}.s4/completion", "officer", {"outcome": "completed"}).status_code == 200
    assert deciding.get(f"results/{draft}", "officer").get_json()["state"] == "issued"
    (event,) = told(deciding, "issued")
    shown = deciding.get(f"results/{draft}", "officer").get_json()
    assert (event["result"], event["sha256"], event["signed"], event["kind"]) == (
        draft, shown["sha256"], True, "KQ.G03.000102",
    )  # fmt: skip
    acts = [entry["act"] for entry in deciding.rows("dossiers")[0]["journal"]]
    assert "result_issued" in acts or "result_issued" in [e["act"] for e in deciding.rows("dossiers")[1]["journal"]]


def test_a_rejection_and_a_procedure_without_a_template_need_no_result(deciding: Running) -> None:
    ended(deciding, begin(deciding), outcome="rejected")
    ended(deciding, begin(deciding, BUSINESS))
    assert told(deciding, "issued") == []


def test_the_result_is_read_by_the_agencies_and_by_the_applicant_alone(deciding: Running, certificates: Path) -> None:
    dossier, result = issued(deciding, certificates)
    path = f"dossiers/{dossier}/result.pdf"
    pdf = deciding.get(path, "officer")
    assert pdf.data == deciding.get(f"results/{result}/file.pdf", "officer").data
    assert deciding.get(path, HOA).data == pdf.data
    for who in (TAM, STRANGER, Persona("Không định danh", ("results.read",))):
        problem(deciding.get(path, who), 404)
    assert pdf.headers["Cache-Control"] == "private, no-cache"


def test_nothing_that_is_published_tells_who_the_applicant_is(deciding: Running, certificates: Path) -> None:
    dossier, result = issued(deciding, certificates)
    deciding.post(f"results/{result}/recall", LEADER, RECALL)
    everything_told = b"".join(deciding.told()).decode()
    for secret in ("Nguyễn Thị Hoa", "038185001234", "Hoằng Lộc", "Hương Quê", "citizen:hoa"):
        assert secret not in everything_told
    for path in (f"dossiers/{dossier}/timeline", f"dossiers/{dossier}/results", "tasks"):
        assert "038185001234" not in deciding.get(path, "officer").text


# --- recalling and replacing ------------------------------------------------------------------------------------------


def test_a_wrong_result_is_recalled_with_a_trace(deciding: Running, clock: Clock, certificates: Path) -> None:
    dossier, result = issued(deciding, certificates)
    clock.move(hours=2)
    answer = deciding.post(f"results/{result}/recall", LEADER, RECALL, key="one")
    found = answer.get_json()
    assert (answer.status_code, found["state"], found["reason"]) == (200, "recalled", RECALL["reason"])
    assert deciding.post(f"results/{result}/recall", LEADER, RECALL, key="one").data == answer.data
    problem(deciding.post(f"results/{result}/recall", LEADER, RECALL), 409, "result_not_in_force")
    problem(deciding.get(f"dossiers/{dossier}/result.pdf", "officer"), 409, "no_result")
    (event,) = told(deciding, "recalled")
    assert (event["result"], event["basis"]) == (result, RECALL["basis"])
    timeline = deciding.get(f"dossiers/{dossier}/timeline", "officer").get_json()
    assert (timeline["journal"][-1]["act"], timeline["intact"]) == ("result_recalled", True)


def test_a_result_is_replaced_and_both_say_so(deciding: Running, certificates: Path) -> None:
    dossier, old = issued(deciding, certificates)
    new = made(deciding, dossier, {"number": "16/GCN"})["id"]

    def replaced(by: str, result: str = old) -> Any:
        return deciding.post(f"results/{result}/replacement", LEADER, {**RECALL, "by": by})

    problem(replaced(new), 409, "result_not_signed")
    assert signed(deciding, certificates, new)["signed"] == 1
    assert pointers(replaced(old)) == [("/by", "issued_already")]
    assert replaced(new).get_json()["replaced_by"] == new
    problem(replaced(new), 409, "result_not_in_force")
    assert deciding.get(f"results/{new}", "officer").get_json()["state"] == "issued"
    assert deciding.get(f"results/{old}", "officer").get_json()["state"] == "replaced"
    pdf = deciding.get(f"dossiers/{dossier}/result.pdf", "officer").data
    assert "16/GCN" in text_of(pdf)
    assert [event["replaced_by"] for event in told(deciding, "replaced")] == [new]
    assert [event["result"] for event in told(deciding, "issued")] == [old, new]


def test_nothing_is_recalled_before_the_end_or_at_a_time_before_the_issue(
    deciding: Running, certificates: Path, clock: Clock
) -> None:
    dossier = begin(deciding)
    draft = made(deciding, dossier)["id"]
    problem(deciding.post(f"results/{draft}/recall", LEADER, RECALL), 409, "not_finished")
    early = clock().isoformat()
    clock.move(hours=1)
    dossier, result = issued(deciding, certificates)
    other = made(deciding, dossier)["id"]
    problem(deciding.post(f"results/{other}/recall", LEADER, RECALL), 409, "result_not_in_force")
    backdater = Persona("Chuyển đổi", (*LEADER.scopes, "backdate"), HERE)
    answer = deciding.post(f"results/{result}/recall", backdater, RECALL, headers={"Occurred-At": early})
    problem(answer, 422, "before_issue")
    # The version that was seen is the dossier's.
    problem(deciding.post(f"results/{result}/recall", LEADER, RECALL, match=1), 412, "stale")


def test_contents_that_nothing_names_are_swept_and_others_are_kept(
    deciding: Running, certificates: Path, clock: Clock
) -> None:
    _, result = issued(deciding, certificates)
    contents = store_of(deciding).contents
    lost = contents.put(b"left by a process that died", clock())
    assert len(deciding.rows("contents.files")) == 3
    clock.move(hours=20)
    sweep(deciding)
    assert contents.get(lost) is not None, "somebody may be about to name it"
    clock.move(hours=5)
    sweep(deciding)
    (left,) = deciding.rows("contents.files")
    assert left["_id"] == deciding.rows("results")[0]["file"]
    assert deciding.get(f"results/{result}/file.pdf", "officer").status_code == 200
