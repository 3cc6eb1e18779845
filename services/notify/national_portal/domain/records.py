"""What the portal takes, in its own words: field names and forms are fixed by it. Plain Python.

Values are strings, times `yyyyMMddHHmmss` in local time. What is not known is "": nothing is made up. Where the
portal's description says no code for a value and no primary source was found (`?`), the value is "" too.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chassis.worktime import ZONE
from notify.national_portal.domain.life import Component, Fact, Life, Supplement

Record = dict[str, Any]
MOST_SUMMARY, MOST_OFFICER = 1_000, 50
CHANNELS = {"counter": "1", "online": "2", "post": "3"}
APPLICANTS = {"citizen": "1", "enterprise": "2", "state_body": "3", "organisation": "4"}
RETURNS = {"collect": "0", "post": "1"}
ROLES = {
    "one_stop": "Cán bộ một cửa",
    "expert": "Chuyên viên",
    "head": "Trưởng phòng",
    "leader": "Lãnh đạo",
    "clerk": "Văn thư",
}
_PERSON, _COMPANY = "1", "2"
"""LoaiDinhDanh: a citizen's number, an organisation's tax code (?)."""
_ELSEWHERE, _PORTAL = "2", "1"
"""NoiNopHoSo: filed with the province's own system, on the portal (?)."""
_PROGRESS = {
    "workflow.task.completed.v1": "Hoàn thành: {step_name}",
    "workflow.task.returned.v1": "Thực hiện lại: {step_name}",
    "workflow.dossier.transferred.v1": "Chuyển hồ sơ đến đơn vị xử lý tiếp",
}
"""What the portal shows of a step: which events are progress, and their words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What codes are called, as catalog says: agencies by id, fields by code, components by code."""

    agencies: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def dossier(number: str, life: Life, personal: Mapping[str, Any], names: Names) -> Record:
    """The `data` of DongBoHoSoMC. `personal`: name, email, phone, identity, address."""
    ended = life.finished_at if life.status in ("9", "10") else None
    identity = _text(personal.get("identity"))
    identities = [{"LoaiDinhDanh": _PERSON if life.applicant_kind == "citizen" else _COMPANY, "SoDinhDanh": identity}]
    last = life.supplements[-1] if life.supplements else None
    return {
        "MaHoSo": number,
        "MaTTHC": life.procedure,
        "TenTTHC": _text(life.procedure_name),
        "MaLinhVuc": life.field,
        "TenLinhVuc": _text(names.fields.get(life.field)),
        "KenhThucHien": CHANNELS.get(life.channel, ""),
        "ChuHoSo": _text(personal.get("name")),
        "LoaiDoiTuong": APPLICANTS.get(life.applicant_kind, ""),
        "MaDoiTuong": "",
        "Email": _text(personal.get("email")),
        "SoDienThoai": _text(personal.get("phone")),
        "TrichYeuHoSo": _text(life.procedure_name)[:MOST_SUMMARY],
        "NgayNopHoSo": stamp(life.filed_at),
        "NgayTiepNhan": stamp(life.received_at),
        "NgayHenTra": stamp(life.due_at),
        "TrangThaiHoSo": life.status,
        "NgayTra": stamp(life.handed_over_at),
        "HinhThuc": RETURNS.get(life.handed_over_by or life.result_return, ""),
        "NgayKetThucXuLy": stamp(ended),
        "NgayTuChoi": stamp(life.refused_at),
        "NgayYeuCauBoSung": stamp(None if last is None else last.asked_at),
        "DonViXuLy": _agency(life.handled_by or life.agency, life, names),
        "NoiNopHoSo": _PORTAL if life.from_portal else _ELSEWHERE,
        "HoSoCoThanhPhanSoHoa": _flag(any(each.digitised for each in life.components)),
        "TaiKhoanDuocXacThucVoiVNeID": "",
        "DuocThanhToanTrucTuyen": "2" if any(channel == "online" for _, channel in life.paid) else "3",
        "DinhDanhCHS": identities if identity else [],
        "DSKetNoiCSDL": [],
        "TaiLieuNop": [_document(each) for each in life.components],
        "DanhSachGiayToKetQua": [
            {
                "TenGiayTo": _text(each.name),
                "MaThanhPhanHoSo": "",
                "GiayToId": each.id,
                "DuongDanTepTinKetQua": "",
                "MaGiayToKetQua": each.kind or "",
            }
            for each in life.results
        ],
        "DanhSachLePhi": [
            {
                "TenPhiLePhi": _text(each.charge_name),
                "MaPhiLePhi": each.code,
                "HinhThucThu": "",
                "Gia": str(each.amount),
                "LoaiPhiLePhi": "",
            }
            for each in life.charges
        ],
        "DanhSachHoSoBoSung": [_supplement(n, each, life, names) for n, each in enumerate(life.supplements, 1)],
    }


def progress(number: str, before: Life, life: Life, fact: Fact, names: Names) -> Record | None:
    """An element of the `data` of CapNhatTienDoHoSoMC; None for an event that is no progress. Who did it is not told to
    us by name; the officer's role is."""
    words = _PROGRESS.get(fact.type)
    if words is None:
        return None
    data = fact.data
    turn = next((each for each in before.turns if each.task == data.get("task")), None)
    agency = data.get("agency") or data.get("from_agency") or ""
    return {
        "MaHoSo": number,
        "NguoiXuLy": "",
        "ChucDanh": ROLES.get(data.get("role", ""), ""),
        "ThoiDiemXuLy": stamp(fact.at),
        "PhongBanXuLy": _agency(agency, life, names),
        "NoiDungXuLy": _text(words.format(step_name=data.get("step_name", ""))),
        "TrangThai": life.status,
        "NgayBatDau": stamp(None if turn is None else turn.assigned_at),
        "NgayKetThucTheoQuyDinh": stamp(None if turn is None else turn.due_at),
    }


def status(number: str, life: Life, at: datetime) -> Record:
    """An element of the `data` of DongBoTrangThaiHoSo (?): the dossier, its new state, and since when."""
    return {"MaHoSo": number, "TrangThai": life.status, "ThoiDiem": stamp(at)}


def rating(number: str, life: Life) -> Record:
    """An element of the `data` of DongBoDanhGia (?): from 1 to 5, and when; the applicant's words stay at intake."""
    return {"MaHoSo": number, "MucDoHaiLong": str(life.rating), "NgayDanhGia": stamp(life.rated_at)}


def stamp(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(ZONE):%Y%m%d%H%M%S}"


FIXED = frozenset({"MaHoSo", "TrangThaiHoSo", "TrangThai"})
"""What nobody corrects by hand: which dossier it is, and its state at the event."""
TEXTS = frozenset(
    {
        *("TenTTHC", "MaLinhVuc", "TenLinhVuc", "ChuHoSo", "MaDoiTuong", "Email", "SoDienThoai", "TrichYeuHoSo"),
        *("MaTTHC", "DonViXuLy", "NguoiXuLy", "ChucDanh", "PhongBanXuLy", "NoiDungXuLy", "HinhThuc"),
        *("TaiKhoanDuocXacThucVoiVNeID", "NoiNopHoSo", "LoaiDoiTuong", "KenhThucHien"),
    }
)
"""What may be corrected by hand before a refused row is sent again: words and codes, no instants."""


def _document(each: Component) -> Record:
    return {
        "TepDinhKemId": each.file or "",
        "TenTepDinhKem": "",
        "IsDeleted": "False",
        "MaThanhPhanHoSo": each.code,
        "DuongDanTaiTepTin": "",
        "DuocSoHoa": _flag(each.digitised),
        "DuocTaiSuDung": _flag(each.reused),
        "DuocLayTuKhoDMQG": "0",
        "MaKetQuaThayThe": "",
    }


def _supplement(n: int, each: Supplement, life: Life, names: Names) -> Record:
    over = each.given_at is not None or each.ended_at is not None
    return {
        "HoSoBoSungId": str(n),
        "NguoiYeuCauBoSung": _agency(each.agency, life, names)[:MOST_OFFICER],
        "NoiDungBoSung": _text(each.reason),
        "NgayBoSung": stamp(each.asked_at),
        "NguoiTiepNhanBoSung": _agency(life.agency, life, names)[:MOST_OFFICER] if each.given_at else "",
        "NgayTiepNhanBoSung": stamp(each.given_at),
        "TrangThaiBoSung": _flag(over),
        "NgayHenTraTruoc": stamp(each.due_before),
        "NgayHenTraMoi": stamp(each.due_after),
    }


def _agency(id: str, life: Life, names: Names) -> str:
    known = names.agencies.get(id) or (life.agency_name if id == life.agency else "")
    return _text(known) or id


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _text(value: Any) -> str:
    """One line in NFC; nothing for nothing."""
    plain = unicodedata.normalize("NFC", str(value or ""))
    return " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in plain).split())


def public(record: Mapping[str, Any]) -> Record:
    """The record without what identifies a person."""
    return {name: value for name, value in record.items() if name not in PERSONAL}


PERSONAL = frozenset({"ChuHoSo", "Email", "SoDienThoai", "DinhDanhCHS", "MaDoiTuong"})


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Sequence[str]:
    """The names of the fields that the portal holds otherwise than we do; a field that it does not give is not
    compared."""
    return [name for name, value in ours.items() if name in theirs and theirs[name] != value]
