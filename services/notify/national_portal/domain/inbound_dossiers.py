"""A dossier that was filed on the portal, on its way to intake. Plain Python.

The portal gives it in the words of `DongBoHoSoMC`; what intake needs besides is in the same fields (?).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify.domain.deliveries import Delivery
from notify.national_portal.domain.records import APPLICANTS, RETURNS

MOST_FILES = 100


class NotADossier(Exception):  # noqa: N818 (what it is)
    """What the portal gave cannot be filed. The text is a word, and holds nothing of what was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPortal(Delivery):
    """`id`: made from the portal's number, so that one comes once. `number`: MaHoSo. `procedure`, `agency`: as the
    portal names them. `sealed`: what the portal gave. `receipt`: intake's id of it."""

    number: str
    procedure: str
    agency: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """A component's file: its address at the portal, None where the portal gave none."""

    component: str
    name: str
    url: str


def arrived(id: str, record: Mapping[str, Any], sealed: bytes, now: datetime) -> FromPortal:
    """The row that takes it to intake. NotADossier when it says not even which one it is."""
    number, procedure, agency = (_line(record.get(name)) for name in ("MaHoSo", "MaTTHC", "DonViXuLy"))
    if not number or not procedure or not agency:
        raise NotADossier("names_missing")
    return FromPortal(
        id=id, state="queued", attempts=(), next_at=now, lease=None, created_at=now, trace=None, number=number,
        procedure=procedure, agency=agency, sealed=sealed,
    )  # fmt: skip


def number_of(record: Any) -> str:
    """The portal's number of what it gave, or NotADossier."""
    number = _line(record.get("MaHoSo")) if isinstance(record, Mapping) else ""
    if not number:
        raise NotADossier("number_missing")
    return number


def files_of(record: Mapping[str, Any]) -> list[GivenFile]:
    """What is to be fetched. NotADossier for what is no list of files, or too many."""
    given = record.get("TaiLieuNop") or []
    if not isinstance(given, list) or len(given) > MOST_FILES:
        raise NotADossier("files_unreadable")
    found = []
    for each in given:
        if not isinstance(each, Mapping) or not _line(each.get("MaThanhPhanHoSo")):
            raise NotADossier("files_unreadable")
        if str(each.get("IsDeleted", "")).lower() != "true":
            found.append(
                GivenFile(
                    component=_line(each["MaThanhPhanHoSo"]), name=_line(each.get("TenTepDinhKem")) or "tep-dinh-kem",
                    url=_line(each.get("DuongDanTaiTepTin")),
                )
            )  # fmt: skip
    return found


def filing(record: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """The body of `POST /api/intake/v1/dossiers`. `files`: intake's ids by component."""
    kind = next((kind for kind, code in APPLICANTS.items() if code == _line(record.get("LoaiDoiTuong"))), "citizen")
    identities = record.get("DinhDanhCHS") or []
    first = identities[0] if isinstance(identities, list) and identities else {}
    identity = _line(first.get("SoDinhDanh")) if isinstance(first, Mapping) else ""
    name = _line(record.get("ChuHoSo"))
    if not name:
        raise NotADossier("applicant_missing")
    returned = next((way for way, code in RETURNS.items() if code == _line(record.get("HinhThuc"))), "electronic")
    optional = {
        "identity": identity,
        "phone": _line(record.get("SoDienThoai")),
        "email": _line(record.get("Email")),
        "address": _line(record.get("DiaChi")),
    }
    form = record.get("ThongTinBieuMau")
    return {
        "procedure": _line(record.get("MaTTHC")),
        "agency": _line(record.get("DonViXuLy")),
        "channel": "online",
        "applicant": {"kind": kind, "name": name, **{key: value for key, value in optional.items() if value}},
        "form": form if isinstance(form, dict) else {},
        "components": [{"code": code, "file": file} for code, file in files.items()],
        "result_return": returned,
        "office_number": _line(record.get("MaHoSo")),
        "source": "national_portal",
    }


def _line(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
