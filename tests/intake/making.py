"""Bodies to file with, and dossiers in each state, made by the acts that lead there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis import worktime
from intake import inbound
from intake.domain import dossiers as domain
from intake.domain import progress
from intake.domain.documents import Lookup
from intake.domain.dossiers import Applicant, By, Dossier, Filing, Paper, Submitted
from intake.domain.files import Scan, StoredFile
from intake.domain.parts import OnBehalf
from tests.support import catalogue
from tests.support.catalogue import BUSINESS, HERE

FILED_AT = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
"""A Wednesday, 08:00 in Asia/Ho_Chi_Minh."""
OFFICER = "officer-lan"
CALENDAR = worktime.Calendar()


def by(after_hours: float = 0, who: str = OFFICER) -> By:
    at = FILED_AT + timedelta(hours=after_hours)
    return By(who, at, at + timedelta(seconds=1))


def procedure(**changes: Any) -> inbound.Procedure:
    return replace(
        catalogue.as_read(inbound.ProcedurePublished, catalogue.published(catalogue.procedure())).procedure, **changes
    )


def agency(**changes: Any) -> inbound.Agency:
    return replace(catalogue.as_read(inbound.AgencyChanged, catalogue.changed(catalogue.agency())).agency, **changes)


def applicant(**changes: Any) -> Applicant:
    plain = Applicant(
        kind="citizen",
        name="Nguyễn Thị Hoa",
        identity="038185001234",
        phone="+84912345678",
        email="hoa@example.vn",
        address="Thôn 3, xã Hoằng Lộc",
    )
    return replace(plain, **changes)


def filing(**changes: Any) -> Filing:
    plain = Filing(
        procedure=BUSINESS,
        agency=HERE,
        channel="online",
        applicant=applicant(),
        on_behalf_of=OnBehalf(name="Trần Văn Bình"),
        assisted_by="Lê Văn Tình",
        form={"ten_ho_kinh_doanh": "Tạp hóa Hoa"},
        components=(Submitted(code="TP1", paper=Paper(originals=1)),),
        result_return="collect",
    )
    return replace(plain, **changes)


def filed(**changes: Any) -> Dossier:
    what = filing(**changes)
    owner = "person-hoa" if what.channel == "online" else None
    dossier, _ = domain.file("d1", what, procedure(), agency(), by(), owner=owner, secret="2345678ABC")
    return dossier


def promised(dossier: Dossier, after_hours: float = 1) -> domain.Promise:
    at = FILED_AT + timedelta(hours=after_hours)
    return domain.promise(procedure(), agency(), dossier.dimensions.channel, at, CALENDAR)


def received(dossier: Dossier | None = None) -> Dossier:
    dossier = dossier or filed()
    return domain.receive(dossier, "H56.30-260304-0001", promised(dossier), by(1))[0]


def refused() -> Dossier:
    return domain.refuse(filed(), "Không thuộc thẩm quyền", by(1))[0]


def in_process() -> Dossier:
    return progress.note_started(received(), FILED_AT + timedelta(hours=1), 4)


def processed() -> Dossier:
    return progress.note_finished(in_process(), "approved", "early", FILED_AT + timedelta(hours=5))


def returned() -> Dossier:
    return domain.hand_over(processed(), "Nguyễn Thị Hoa", "collect", by(6))[0]


IN_STATE = {
    domain.Status.FILED: filed,
    domain.Status.RECEIVED: received,
    domain.Status.REFUSED: refused,
    domain.Status.IN_PROCESS: in_process,
    domain.Status.PROCESSED: processed,
    domain.Status.RETURNED: returned,
}
"""A dossier in each state that acts lead to."""


def file(**changes: Any) -> StoredFile:
    """A scan that the officer has uploaded."""
    plain = StoredFile(
        id="0198f3a1-6c00-8000-9000-00000000f001",
        owner=OFFICER,
        agency=HERE,
        name="ban-quet.pdf",
        media_type="application/pdf",
        size=4711,
        sha256="5" * 64,
        pages=2,
        content="c1",
        scan=Scan.CLEAN,
        uploaded_at=FILED_AT,
    )
    return replace(plain, **changes)


def lookup() -> Lookup:
    """An officer looked at what the store holds of the applicant."""
    return Lookup(
        id="0198f3a1-6c00-8000-9000-0000000010c1",
        owner="038185001234",
        subject=OFFICER,
        name="Trần Thị Lan",
        by="officer",
        agency=HERE,
        dossier="d1",
        procedure=BUSINESS,
        act="listed",
        purpose="Kiểm tra thành phần hồ sơ",
        documents=2,
        at=FILED_AT + timedelta(hours=2),
    )


def paper(code: str, **counts: int) -> dict[str, Any]:
    """A component that was handed in on paper."""
    return {"code": code, "paper": {"originals": 1, **counts}}


def body(**changes: Any) -> dict[str, Any]:
    """A body that `POST …/dossiers` accepts."""
    plain: dict[str, Any] = {
        "procedure": BUSINESS,
        "agency": HERE,
        "channel": "online",
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Thị Hoa",
            "identity": "038185001234",
            "phone": "0912 345 678",
            "email": "hoa@example.vn",
            "address": "Thôn 3, xã Hoằng Lộc",
        },
        "form": {"ten_ho_kinh_doanh": "Tạp hóa Hoa"},
        "components": [{"code": "TP1", "paper": {"originals": 1}}],
        "result_return": "collect",
    }
    return {**plain, **changes}


def applicant_body(**changes: Any) -> dict[str, Any]:
    """The same with another applicant."""
    return body(applicant={**body()["applicant"], **changes})
