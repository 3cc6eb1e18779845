"""People's documents as tests need them: uploaded files without their bytes, results that the store holds, and the loop
that brings them there."""

import hashlib
import json
from datetime import date
from typing import Any

from catalog.domain import Component
from chassis.clock import new_id
from chassis.store import Carrier, New
from intake.domain.files import Scan, StoredFile
from intake.store import IntakeStore
from intake.usecases.deposits import Depositor
from native.access import PERSONAS, Persona
from tests.intake.making import applicant_body, body, paper
from tests.support import catalogue
from tests.support.catalogue import LAND
from tests.support.services import Clock, Running, subject_of

LAND_BOOK = "KQ.G12.001041"
"""The kind of LAND's result, which NEXT asks for."""
OWNER = "038185001234"
"""The applicant's number, which the citizen's token vouches for."""
NEXT = catalogue.procedure(
    version=2,
    components=(
        Component(code="TP1", name="Giấy đề nghị", originals=1),
        Component(code="TP2", name="Giấy chứng nhận quyền sử dụng đất", copies=1, result_code=LAND_BOOK),
        Component(code="TP3", name="Giấy tờ tùy thân", copies=1, replaced_by_database="CSDL quốc gia về dân cư"),
        Component(code="TP4", name="Văn bản ủy quyền", copies=1, required=False),
    ),
    valid_from=date(2026, 1, 1),
)
PURPOSE = "Kiểm tra thành phần hồ sơ"


def stored(intake: Running) -> IntakeStore:
    return IntakeStore(intake.database, Carrier(intake.clock))


def uploaded(intake: Running, who: str | Persona = "citizen", **changes: Any) -> StoredFile:
    """A file of that persona's, clean unless `changes` say otherwise."""
    persona = PERSONAS[who] if isinstance(who, str) else who
    id = new_id()
    fields: dict[str, Any] = {
        "id": id,
        "owner": subject_of(persona),
        "agency": persona.agency,
        "name": "ban-quet.pdf",
        "media_type": "application/pdf",
        "size": 4711,
        "sha256": hashlib.sha256(id.encode()).hexdigest(),
        "pages": 3,
        "content": new_id(),
        "scan": Scan.CLEAN,
        "uploaded_at": intake.clock(),
    }
    file = StoredFile(**{**fields, **changes})
    stored(intake).files.add([New(file.id, file, (), intake.clock())])
    return file


def deposit(intake: Running, clock: Clock | None = None) -> None:
    """What the worker does every second."""
    Depositor(stored(intake), clock or intake.clock).once()


def documents(intake: Running) -> list[dict[str, Any]]:
    return intake.rows("documents")


def filed(intake: Running, who: str | Persona = "counter_officer", **changes: Any) -> dict[str, Any]:
    answer = intake.post("dossiers", who, body(**{"channel": "counter", **changes}))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def land_book(intake: Running, identity: str = OWNER, outcome: str = "approved") -> str:
    """The result of a dossier of that person's, as the store holds it; its id."""
    applicant = applicant_body(identity=identity)["applicant"]
    id = filed(intake, procedure=LAND, components=[paper("TP1")], applicant=applicant)["id"]
    intake.hear([finished(id, outcome)])
    deposit(intake)
    return next((row["_id"] for row in documents(intake) if row["dossier"] == id), "")


def finished(dossier: str, outcome: str = "approved") -> bytes:
    """Workflow tells that the dossier was decided."""
    event = {
        "specversion": "1.0",
        "id": f"workflow.dossier:{dossier}:2",
        "source": "/motcua/workflow",
        "type": "workflow.dossier.finished.v1",
        "subject": dossier,
        "time": "2026-03-04T02:00:00Z",
        "sequence": 2,
        "data": {"outcome": outcome, "finished_at": "2026-03-04T02:00:00Z", "timing": "early"},
    }
    return json.dumps(event).encode()


def offers_next(intake: Running) -> None:
    """Before anything is filed: BUSINESS asks for a land book from now on."""
    assert intake.hear([catalogue.published(NEXT)])
