"""Dossiers' lives as intake and workflow publish them, and what the portal must hold of them in the end.

What is expected is written down here act by act, without the code under test.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chassis.envelope import outgoing
from intake import events as intake
from tests.support.services import WHEN
from workflow import events as workflow

AGENCY, OTHER = "H56.30", "H56.14"
NAMES = {AGENCY: "Ủy ban nhân dân huyện Hoằng Hóa", OTHER: "Sở Tư pháp"}
PROCEDURE, PROCEDURE_NAME = "1.001612", "Đăng ký thành lập hộ kinh doanh"
FIELD, FIELD_NAME = "HOKINHDOANH", "Thành lập và hoạt động của hộ kinh doanh"


def stamp(at: datetime) -> str:
    return f"{at + timedelta(hours=7):%Y%m%d%H%M%S}"


@dataclass
class Life:
    """`told`: (source, body) in the order of happening. `statuses`: what the portal must have been told, in order."""

    number: int
    channel: str = "online"
    at: datetime = WHEN
    told: list[tuple[str, bytes]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    progress: list[tuple[str, str]] = field(default_factory=list)
    rating: str | None = None
    due: datetime | None = None
    code: str | None = None
    _sequences: dict[str, int] = field(default_factory=lambda: {"intake": 0, "workflow": 0})

    @property
    def id(self) -> str:
        return f"0198f3a1-6c00-8000-9000-{self.number:012d}"

    @property
    def portal_number(self) -> str:
        return self.code or self.id

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.told]

    def later(self, minutes: float = 30) -> datetime:
        self.at += timedelta(minutes=minutes)
        return self.at

    def say(self, data: Any) -> int:
        source = data.TYPE.partition(".")[0]
        self._sequences[source] += 1
        sequence = self._sequences[source]
        body = outgoing(data, subject=self.id, sequence=sequence, time=self.at).body.encode()
        self.told.append((source, body))
        return sequence

    def now(self, status: str, **fields: Any) -> None:
        if not self.statuses or self.statuses[-1] != status:
            self.statuses.append(status)
        self.expected |= {"TrangThaiHoSo": status, **fields}

    # -- intake --------------------------------------------------------------------------------------------------------

    @property
    def dimensions(self) -> intake.Dimensions:
        return intake.Dimensions(
            procedure=PROCEDURE, procedure_version=1, field=FIELD, service_level="full", agency=AGENCY,
            channel=self.channel, applicant_kind="citizen",  # type: ignore[arg-type]
        )  # fmt: skip

    @property
    def personal(self) -> intake.Personal:
        return intake.Personal(
            name=f"Nguyễn Thị Hoa {self.number}", email=f"hoa{self.number}@example.vn", phone="+84912345678",
            person=None, identity=f"{38185000000 + self.number:012d}", address="Thôn 3, xã Hoằng Lộc",
        )  # fmt: skip

    def _contents(self) -> dict[str, Any]:
        scanned = self.expected["HoSoCoThanhPhanSoHoa"] == "1"
        component = intake.ComponentTold(code="TP1", file=None, paper=True, digitised=scanned, reused=False)
        charge = intake.ChargeTold(code="LP1", charge_name="Lệ phí đăng ký", kind="charge", amount=100_000)
        return {"components": (component,), "charges": (charge,), "result_return": "collect"}

    def _described(self) -> None:
        person = self.personal
        document = {
            "TepDinhKemId": "", "TenTepDinhKem": "", "IsDeleted": "False", "MaThanhPhanHoSo": "TP1",
            "DuongDanTaiTepTin": "", "DuocSoHoa": "0", "DuocTaiSuDung": "0", "DuocLayTuKhoDMQG": "0",
            "MaKetQuaThayThe": "",
        }  # fmt: skip
        charge = {"TenPhiLePhi": "Lệ phí đăng ký", "MaPhiLePhi": "LP1", "HinhThucThu": "", "Gia": "100000",
                  "LoaiPhiLePhi": ""}  # fmt: skip
        self.expected = {
            "MaTTHC": PROCEDURE, "TenTTHC": PROCEDURE_NAME, "MaLinhVuc": FIELD, "TenLinhVuc": FIELD_NAME,
            "KenhThucHien": {"counter": "1", "online": "2"}[self.channel], "ChuHoSo": person.name, "LoaiDoiTuong": "1",
            "MaDoiTuong": "", "Email": person.email, "SoDienThoai": person.phone, "TrichYeuHoSo": PROCEDURE_NAME,
            "NgayNopHoSo": stamp(self.at), "NgayTiepNhan": "", "NgayHenTra": "", "NgayTra": "", "HinhThuc": "0",
            "NgayKetThucXuLy": "", "NgayTuChoi": "", "NgayYeuCauBoSung": "", "DonViXuLy": NAMES[AGENCY],
            "NoiNopHoSo": "2", "HoSoCoThanhPhanSoHoa": "0", "TaiKhoanDuocXacThucVoiVNeID": "",
            "DuocThanhToanTrucTuyen": "3",
            "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": person.identity}], "DSKetNoiCSDL": [],
            "TaiLieuNop": [document], "DanhSachGiayToKetQua": [], "DanhSachLePhi": [charge], "DanhSachHoSoBoSung": [],
        }  # fmt: skip

    def filed(self) -> None:
        self._described()
        self.filed_at = self.at
        if self.channel == "online":
            self.say(
                intake.DossierFiled(
                    dimensions=self.dimensions, procedure_name=PROCEDURE_NAME, agency_name=NAMES[AGENCY],
                    filed_at=self.at, personal=self.personal, **self._contents(),
                )
            )  # fmt: skip
            self.now("1")
            self.later()

    def received(self) -> None:
        self.code = f"{AGENCY}-{self.at + timedelta(hours=7):%y%m%d}-{self.number:04d}"
        self.due = self.at + timedelta(days=5)
        self.say(
            intake.DossierReceived(
                dimensions=self.dimensions, code=self.code, procedure_name=PROCEDURE_NAME, agency_name=NAMES[AGENCY],
                filed_at=self.filed_at, received_at=self.at, clock_at=self.at, budget=None, due_at=self.due,
                digitised=False, personal=self.personal, **self._contents(),
            )
        )  # fmt: skip
        self.now("2", NgayTiepNhan=stamp(self.at), NgayHenTra=stamp(self.due))
        self.started_at = self.at

    def refused(self) -> None:
        self.say(
            intake.DossierRefused(
                dimensions=self.dimensions, procedure_name=PROCEDURE_NAME, agency_name=NAMES[AGENCY],
                filed_at=self.filed_at, refused_at=self.at, reason="Không thuộc thẩm quyền", personal=self.personal,
            )
        )  # fmt: skip
        self.now("3", NgayTuChoi=stamp(self.at))

    def withdrawn(self, *, received: bool) -> None:
        self.say(
            intake.DossierWithdrawn(
                dimensions=self.dimensions, code=self.code, filed_at=self.filed_at,
                received_at=self.started_at if received else None, withdrawn_at=self.at,
            )
        )  # fmt: skip
        self.now("7")

    def _supplement(self, asker: str) -> None:
        asked = {
            "HoSoBoSungId": str(len(self.expected["DanhSachHoSoBoSung"]) + 1), "NguoiYeuCauBoSung": NAMES[asker][:50],
            "NoiDungBoSung": "Bổ sung hợp đồng", "NgayBoSung": stamp(self.at), "NguoiTiepNhanBoSung": "",
            "NgayTiepNhanBoSung": "", "TrangThaiBoSung": "0",
            "NgayHenTraTruoc": stamp(self.due) if self.due else "", "NgayHenTraMoi": "",
        }  # fmt: skip
        supplements = [*self.expected["DanhSachHoSoBoSung"], asked]
        self.now("5", DanhSachHoSoBoSung=supplements, NgayYeuCauBoSung=stamp(self.at))

    def supplement_before(self) -> None:
        self.say(
            intake.SupplementRequested(
                dimensions=self.dimensions, requested_at=self.at, number=1, components=(), reason="Bổ sung hợp đồng",
                until=None,
            )
        )  # fmt: skip
        self._supplement(AGENCY)
        self.later()
        self.supplemented()
        self.now("1")

    def supplemented(self) -> None:
        self.say(
            intake.DossierSupplemented(
                dimensions=self.dimensions, code=self.code, supplemented_at=self.at, components=(), digitised=False,
                all_components=self._contents()["components"],
            )
        )  # fmt: skip
        last = {
            **self.expected["DanhSachHoSoBoSung"][-1], "NguoiTiepNhanBoSung": NAMES[AGENCY][:50],
            "NgayTiepNhanBoSung": stamp(self.at), "TrangThaiBoSung": "1",
        }  # fmt: skip
        self.expected["DanhSachHoSoBoSung"] = [*self.expected["DanhSachHoSoBoSung"][:-1], last]

    def handed_over(self) -> None:
        self.say(
            intake.DossierHandedOver(
                dimensions=self.dimensions, code=self.code or "", handed_over_at=self.at, method="post"
            )
        )
        self.now("10", NgayTra=stamp(self.at), HinhThuc="1")

    def rated(self) -> None:
        self.say(intake.DossierRated(dimensions=self.dimensions, code=self.code, score=4, rated_at=self.at))
        self.rating = "4"

    def digitised(self) -> None:
        self.say(
            intake.DocumentDigitised(
                dimensions=self.dimensions, component="TP1", scanned=True, pages=2, digitised=True, at=self.at
            )
        )
        document = {**self.expected["TaiLieuNop"][0], "DuocSoHoa": "1"}
        self.expected |= {"TaiLieuNop": [document], "HoSoCoThanhPhanSoHoa": "1"}

    # -- workflow ------------------------------------------------------------------------------------------------------

    def started(self) -> None:
        self.say(
            workflow.DossierStarted(
                code=self.code or "", procedure=PROCEDURE, procedure_version=1, agency=AGENCY,
                started_at=self.started_at, due_at=self.due, steps_total=2,
            )
        )  # fmt: skip
        self.now("4")

    def step(self, n: int, agency: str = AGENCY) -> None:
        task = f"{self.id}.s{n}"
        about: dict[str, Any] = {
            "code": self.code or "", "task": task, "step": f"s{n}", "step_name": f"Bước {n}", "role": "expert",
            "agency": agency,
        }  # fmt: skip
        self.say(workflow.TaskAssigned(**about, assigned_at=self.at, due_at=self.due))
        self.later()
        self.say(
            workflow.TaskCompleted(
                **about, outcome="completed", completed_at=self.at, late=False, steps_done=n, steps_total=2
            )
        )
        self.progress.append((stamp(self.at), f"Hoàn thành: Bước {n}"))

    def transferred(self) -> None:
        self.say(
            workflow.DossierTransferred(
                code=self.code or "", from_agency=AGENCY, to_agency=OTHER, transferred_at=self.at
            )
        )
        self.progress.append((stamp(self.at), "Chuyển hồ sơ đến đơn vị xử lý tiếp"))
        self.expected["DonViXuLy"] = NAMES[OTHER]

    def supplement_after(self) -> None:
        code = self.code or ""
        self.say(
            workflow.SupplementRequested(
                code=code, agency=AGENCY, requested_at=self.at, number=1, components=(), reason="Bổ sung hợp đồng",
                until=None,
            )
        )  # fmt: skip
        self.say(workflow.DossierPaused(code=code, kind="supplement", paused_at=self.at, basis="TT 03", reason="chờ"))
        self._supplement(AGENCY)
        self.later(300)
        self.supplemented()
        self.now("4")
        before, self.due = self.due, (self.due or self.at) + timedelta(hours=5)
        self.later(1)
        self.say(
            workflow.DossierResumed(
                code=code, kind="supplement", resumed_at=self.at, restarted=False, due_at=self.due,
                previous_due_at=before,
            )
        )  # fmt: skip
        last = {**self.expected["DanhSachHoSoBoSung"][-1], "NgayHenTraMoi": stamp(self.due)}
        self.expected["DanhSachHoSoBoSung"] = [*self.expected["DanhSachHoSoBoSung"][:-1], last]
        self.now("4", NgayHenTra=stamp(self.due))

    def fee_during(self) -> None:
        code, requested_at = self.code or "", self.at
        self.say(
            workflow.FeeRequested(
                code=code, agency=AGENCY, requested_at=self.at, amount=20_000, reason="Phí thẩm định", basis="NQ 12"
            )
        )
        self.say(workflow.DossierPaused(code=code, kind="fee", paused_at=self.at, basis="NQ 12", reason="chờ"))
        self.now("6")
        self.later(1)
        self.say(
            intake.FeeAsked(
                dimensions=self.dimensions, code=code, amount=20_000, asked_at=requested_at, reason="Phí thẩm định",
                personal=self.personal, requested_at=requested_at,
            )
        )  # fmt: skip
        self.later(120)
        self.say(
            intake.FeePaid(
                dimensions=self.dimensions, code=code, payment=f"p{self.number}", amount=20_000, channel="online",
                paid_at=self.at, provider="napas", settled=True, requested_at=requested_at,
            )
        )  # fmt: skip
        self.now("4", DuocThanhToanTrucTuyen="2")
        self.later(1)
        self.say(
            workflow.DossierResumed(
                code=code, kind="fee", resumed_at=self.at, restarted=False, due_at=self.due, previous_due_at=self.due
            )
        )

    def finished(self) -> None:
        code = self.code or ""
        self.say(
            workflow.DossierFinished(
                code=code, procedure=PROCEDURE, procedure_version=1, agency=AGENCY, outcome="approved",
                finished_at=self.at, due_at=self.due, timing="early", result_name="Giấy chứng nhận",
            )
        )  # fmt: skip
        self.now("9", NgayKetThucXuLy=stamp(self.at))
        self.say(
            workflow.ResultIssued(
                code=code, procedure=PROCEDURE, procedure_version=1, agency=AGENCY, result=f"r{self.number}",
                result_name="Giấy chứng nhận", kind="KQ.G03.000101", outcome="approved", sha256="b3" * 32, signed=True,
                issued_at=self.at,
            )
        )  # fmt: skip
        self.expected["DanhSachGiayToKetQua"] = [
            {
                "TenGiayTo": "Giấy chứng nhận", "MaThanhPhanHoSo": "", "GiayToId": f"r{self.number}",
                "DuongDanTepTinKetQua": "", "MaGiayToKetQua": "KQ.G03.000101",
            }
        ]  # fmt: skip

    def stopped(self) -> None:
        self.say(
            workflow.DossierStopped(
                code=self.code or "", procedure=PROCEDURE, procedure_version=1, agency=AGENCY, stopped_at=self.at,
                due_at=self.due, reason="Quá hạn bổ sung", basis="NĐ 118/2025",
            )
        )  # fmt: skip
        self.now("8")


def a_life(number: int, drawn: random.Random, at: datetime = WHEN) -> Life:
    """One of the ways that a dossier can go, whole."""
    life = Life(number, channel=drawn.choice(["online", "counter"]), at=at + timedelta(minutes=drawn.randrange(600)))
    life.filed()
    if life.channel == "online":
        if drawn.random() < 0.25:
            life.supplement_before()
            life.later()
        early = drawn.random()
        if early < 0.15:
            life.refused()
            return life
        if early < 0.25:
            life.withdrawn(received=False)
            return life
    life.received()
    life.later(0.1)
    life.started()
    life.step(1)
    for act, share in (
        (life.digitised, 0.3),
        (life.supplement_after, 0.3),
        (life.fee_during, 0.3),
        (life.transferred, 0.3),
    ):
        life.later()
        if drawn.random() < share:
            act()
    life.later()
    end = drawn.random()
    if end < 0.1:
        life.withdrawn(received=True)
        return life
    if end < 0.2:
        life.stopped()
        return life
    life.step(2)
    life.finished()
    if drawn.random() < 0.8:
        life.later(600)
        life.handed_over()
        if drawn.random() < 0.5:
            life.later()
            life.rated()
    return life


def shuffled(lives: Sequence[Life], drawn: random.Random, disorder: float = 3.0) -> list[bytes]:
    """Everything that is told of them, in about the order of happening: what is next to each other may come the other
    way round, and some comes twice."""
    placed = [
        (place + drawn.random() * disorder, drawn.random(), body)
        for life in lives
        for place, body in enumerate(life.bodies, drawn.randrange(5))
    ]
    placed += [(place + drawn.random() * 5, again, body) for place, again, body in placed if again < 0.1]
    return [body for _, _, body in sorted(placed)]


START = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
