"""Workflow with certificates to sign with, a procedure whose result is printed from a template, and what a worker's
timers do for results."""

import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pypdf import PdfWriter
from werkzeug.test import TestResponse

from catalog.domain import Result
from chassis.clock import new_id
from chassis.printing import Printer
from chassis.store import Carrier
from native.access import Persona
from tests.support import catalogue, uploads
from tests.support.catalogue import HERE
from tests.support.databases import empty
from tests.support.samples import sample
from tests.support.services import WHEN, Clock, Running, Tokens, database_url, running, subject_of
from workflow.main import WORKFLOW
from workflow.producing import TEMPLATES, ContentSweeper, ResultPrinter, ResultSigner
from workflow.signing.keys import KeyFolder
from workflow.signing.minting import AUTHORITY, mint
from workflow.store import WorkflowStore

HOUSEHOLD = "1.001613"
"""Its result is printed: as BUSINESS, with a template."""
TEMPLATE = """<p>Chứng nhận hộ kinh doanh <b>{{ form.business.name }}</b>, mã hồ sơ {{ dossier.code }}.</p>
<p>Chủ hộ: {{ applicant.name }}, số định danh {{ applicant.identity }}, địa chỉ {{ applicant.address }}.</p>
<p>Vốn: {{ form.capital | dong }} đồng. {% for line in form.lines %}Ngành nghề: {{ line }}. {% endfor %}</p>
{% if decision.note is defined %}<p>Ghi chú: {{ decision.note }}</p>{% endif %}"""
FORM = {"business": {"name": "Tiệm bánh <Hương Quê> & Con"}, "capital": 250_000_000, "lines": ["Bán lẻ", "Ăn uống"]}
LEADER = Persona("Lê Thị Chủ Tịch", ("tasks.read", "tasks.work", "results.sign", "results.read"), HERE)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    mint(
        folder,
        {("agency", HERE): "Ủy ban nhân dân huyện Hoằng Hóa", ("officer", subject_of(LEADER)): LEADER.name},
        WHEN,
    )
    return folder


@pytest.fixture
def deciding(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock, certificates: Path
) -> Iterator[Running]:
    """Workflow, as `workflow` has it, with settings for signing."""
    empty(mongo, f"{databases}workflow")
    more = {"signing_keys": certificates, "trusted_certificates_file": certificates / AUTHORITY}
    with running(WORKFLOW, database_url(mongo_url, f"{databases}workflow"), tokens, clock, **more) as service:
        printed = Result(code="KQ.G03.000102", name="Giấy chứng nhận đăng ký hộ kinh doanh", template=TEMPLATE)
        service.hear([*catalogue.province(), catalogue.published(catalogue.procedure(HOUSEHOLD, result=printed))])
        yield service


def store_of(of: Running) -> WorkflowStore:
    return WorkflowStore(of.database, Carrier(of.clock))


def signer_of(of: Running, folder: Path | None = None) -> ResultSigner:
    return ResultSigner(store_of(of), of.clock, KeyFolder(folder), "http://mot-cua.example")


def print_all(of: Running) -> int:
    """As the worker does; how many."""
    printer = ResultPrinter(store_of(of), of.clock)
    return sum(1 for _ in iter(printer.once, False))


def sweep(of: Running) -> None:
    while ContentSweeper(store_of(of), of.clock).once():
        pass


def begin(of: Running, procedure: str = HOUSEHOLD, **personal: Any) -> str:
    """A dossier is received; its id."""
    id, now = new_id(), of.clock().isoformat()
    event = json.loads(sample("intake.dossier.received.v1"))
    known = {"name": "Nguyễn Thị Hoa", "person": "citizen:hoa", "identity": "038185001234", "address": "Hoằng Lộc"}
    event |= {"id": f"intake.dossier:{id}:1", "subject": id, "time": now, "sequence": 1}
    event["data"] |= {
        "dimensions": {**event["data"]["dimensions"], "procedure": procedure, "procedure_version": 1, "agency": HERE},
        "received_at": now,
        "clock_at": now,
        "due_at": None,
        "budget": None,
        "personal": {**known, "email": None, "phone": None, "form": FORM, **personal},
    }
    of.hear([json.dumps(event).encode()])
    return id


def made(of: Running, dossier: str, body: Any = None, who: str | Persona = "officer") -> dict[str, Any]:
    """A result from the template, printed."""
    answer = of.post(f"dossiers/{dossier}/results", who, body or {})
    assert answer.status_code == 201, answer.text
    print_all(of)
    found: dict[str, Any] = of.get(f"results/{answer.get_json()['id']}", who).get_json()
    return found


def uploaded(
    of: Running, path: str, pdf: bytes, who: str | Persona | None = "officer", key: str | None = None
) -> TestResponse:
    headers = {"Content-Type": uploads.form_type()}
    return of.post(path, who, data=uploads.form(pdf, "ket-qua.pdf"), headers=headers, key=key or new_id())


def signed(of: Running, folder: Path, result: str, who: str | Persona = LEADER, key: str = "agency") -> dict[str, Any]:
    """The request to sign one result, done."""
    asked = of.post(f"results/{result}/signature", who, {"key": key})
    assert asked.status_code == 201, asked.text
    signer = signer_of(of, folder)
    assert signer.once()
    found: dict[str, Any] = of.get(f"signings/{asked.get_json()['id']}", who).get_json()
    return found


def ended(of: Running, dossier: str, result: str | None = None, outcome: str = "approved") -> None:
    """Every step of the dossier is done, and the decision names the result."""
    for step in ("s1", "s2", "s3", "s4"):
        body: dict[str, Any] = {"outcome": outcome if step == "s3" else "completed"}
        if step == "s3" and result is not None:
            body["result"] = result
        answer = of.post(f"tasks/{dossier}.{step}/completion", "officer", body)
        assert answer.status_code == 200, answer.text


def issued(of: Running, folder: Path) -> tuple[str, str]:
    """A dossier that has ended, and its signed result."""
    dossier = begin(of)
    result = made(of, dossier)["id"]
    assert signed(of, folder, result)["signed"] == 1
    ended(of, dossier, result)
    return dossier, result


def blank(**metadata: str) -> bytes:
    """A PDF of an empty page."""
    writer, out = PdfWriter(), BytesIO()
    writer.add_blank_page(595, 842)
    writer.add_metadata({f"/{name}": text for name, text in metadata.items()})
    writer.write(out)
    return out.getvalue()


def stamp(folder: Path) -> Path:
    """How a signature looks."""
    said = {"name": "Văn thư", "officer": None, "agency": "Ủy ban", "time": "09:00", "url": "http://mot-cua.example"}
    (folder / "stamp.pdf").write_bytes(Printer(TEMPLATES, {}).pdf("stamp", said))
    return folder / "stamp.pdf"


def text_of(pdf: bytes) -> str:
    read = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return " ".join(read.stdout.decode().split())


def pdfsig(pdf: bytes, folder: Path) -> str:
    """What poppler's validator says of the signatures."""
    (folder / "signed.pdf").write_bytes(pdf)
    read = subprocess.run(
        ["pdfsig", "-nocert", folder / "signed.pdf"], capture_output=True, encoding="utf-8", check=False
    )
    return read.stdout
