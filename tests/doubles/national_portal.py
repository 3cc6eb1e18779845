"""A double of the national portal: a real HTTP server that speaks its protocol and believes nothing.

It checks names, forms, lots and sessions, remembers the whole way of each dossier, and can be as wrong as the real one
can: see `Fault`. `down` is nobody listening; `down_until` with a `clock` is a portal that answers nothing until then.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Any

from tests.doubles.serving import Answering, Listening

USER, PASSWORD, DSTCODE, AGENCY = "thanhhoa", "mat-khau-cua-cong", "VN:GOV:000.00.00.G22:vpcpapi", "H56"
TIME = re.compile(r"^(\d{14})?$")
STATUSES = {str(n) for n in range(1, 11)}
LOT = 10
DOSSIER = (
    *("MaHoSo", "MaTTHC", "TenTTHC", "MaLinhVuc", "TenLinhVuc", "KenhThucHien", "ChuHoSo", "LoaiDoiTuong"),
    *("MaDoiTuong", "Email", "SoDienThoai", "TrichYeuHoSo", "NgayNopHoSo", "NgayTiepNhan", "NgayHenTra"),
    *("TrangThaiHoSo", "NgayTra", "HinhThuc", "NgayKetThucXuLy", "NgayTuChoi", "NgayYeuCauBoSung", "DonViXuLy"),
    *("NoiNopHoSo", "HoSoCoThanhPhanSoHoa", "TaiKhoanDuocXacThucVoiVNeID", "DuocThanhToanTrucTuyen", "DinhDanhCHS"),
    *("DSKetNoiCSDL", "TaiLieuNop", "DanhSachGiayToKetQua", "DanhSachLePhi", "DanhSachHoSoBoSung"),
)
LISTS = {
    "DinhDanhCHS": {"LoaiDinhDanh", "SoDinhDanh"},
    "DSKetNoiCSDL": {"MaCSDL"},
    "TaiLieuNop": {
        *("TepDinhKemId", "TenTepDinhKem", "IsDeleted", "MaThanhPhanHoSo", "DuongDanTaiTepTin", "DuocSoHoa"),
        *("DuocTaiSuDung", "DuocLayTuKhoDMQG", "MaKetQuaThayThe"),
    },
    "DanhSachGiayToKetQua": {"TenGiayTo", "MaThanhPhanHoSo", "GiayToId", "DuongDanTepTinKetQua", "MaGiayToKetQua"},
    "DanhSachLePhi": {"TenPhiLePhi", "MaPhiLePhi", "HinhThucThu", "Gia", "LoaiPhiLePhi"},
    "DanhSachHoSoBoSung": {
        *("HoSoBoSungId", "NguoiYeuCauBoSung", "NoiDungBoSung", "NgayBoSung", "NguoiTiepNhanBoSung"),
        *("NgayTiepNhanBoSung", "TrangThaiBoSung", "NgayHenTraTruoc", "NgayHenTraMoi"),
    },
}
PROGRESS = (
    *("MaHoSo", "NguoiXuLy", "ChucDanh", "ThoiDiemXuLy", "PhongBanXuLy", "NoiDungXuLy", "TrangThai", "NgayBatDau"),
    "NgayKetThucTheoQuyDinh",
)
STATUS, RATING = ("MaHoSo", "TrangThai", "ThoiDiem"), ("MaHoSo", "MucDoHaiLong", "NgayDanhGia")


class Fault(StrEnum):
    """`late`: it takes what it is sent, and answers too late. `taken`: it takes it, and hangs up. `over`: the session
    ends. `whole`: it refuses a lot for one bad element, and takes nothing of it. `sparse`: it names
    only those that it refuses. `silent`: it takes nothing and says
    nothing.
    """

    ERROR_500 = "500"
    HTML = "html"
    LIST = "list"
    SILENT = "silent"
    LATE = "late"
    TAKEN = "taken"
    OVER = "over"
    WHOLE = "whole"
    SPARSE = "sparse"
    HANG_UP = "hang_up"


class Wrong(Exception):  # noqa: N818 (what an element is)
    """Why an element is refused."""


@dataclass
class Held:
    """What the portal holds of a dossier. `statuses`: one after the other, repetitions left out; `calls`: what it was
    told, in order."""

    record: dict[str, Any]
    statuses: list[str] = field(default_factory=list)
    history: list[dict[str, str]] = field(default_factory=list)
    progress: list[dict[str, str]] = field(default_factory=list)
    rating: dict[str, str] | None = None
    adds: int = 0

    def now_in(self, status: str) -> None:
        if not self.statuses or self.statuses[-1] != status:
            self.statuses.append(status)
        self.record["TrangThaiHoSo"] = status


class NationalPortal(Listening):
    """`faults`: for the next calls, one each; `fault`: for every call. `refused`: MaHoSo to the words it is refused
    with. `broken_files`: paths over which it hangs up. `problems`: everything in the requests that was not as
    described; a test asks that there be none."""

    def __init__(self, port: int = 0, *, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(_Handler, port)
        self.url = f"http://127.0.0.1:{self.server_port}/dvcqg"
        self.held: dict[str, Held] = {}
        self.refused: dict[str, str] = {}
        self.faults: deque[Fault | None] = deque()
        self.fault: Fault | None = None
        self.faulty: Callable[[dict[str, Any]], Fault | None] = lambda _: None
        self.problems: list[str] = []
        self.calls: list[tuple[str, int]] = []
        self.logins = 0
        self.arrivals: list[dict[str, Any]] = []
        self.confirmed: dict[str, dict[str, Any]] = {}
        self.procedures: list[dict[str, str]] = []
        self.agencies: list[dict[str, str]] = []
        self.fields: list[dict[str, str]] = []
        self.files: dict[str, bytes] = {}
        self.broken_files: set[str] = set()
        self.clock = clock
        self.down_until: datetime | None = None
        self.lock = threading.RLock()
        self.sessions: set[str] = set()
        self._numbers = count(1)

    @property
    def is_down(self) -> bool:
        return self.clock is not None and self.down_until is not None and self.clock() < self.down_until

    # -- what it does --------------------------------------------------------------------------------------------------

    def login(self, body: dict[str, Any], dstcode: str | None) -> dict[str, Any]:
        if (body.get("username"), body.get("password"), dstcode) != (USER, PASSWORD, DSTCODE):
            return {"error_code": "-1", "message": "Sai tài khoản hoặc mật khẩu"}
        self.logins += 1
        session = f"session-{next(self._numbers)}"
        self.sessions.add(session)
        return {"error_code": 0, "session": session}

    def serve(self, body: dict[str, Any], *, whole: bool) -> dict[str, Any]:
        if body.get("session") not in self.sessions:
            return {"error_code": "-3", "message": "Phiên làm việc không tồn tại hoặc đã hết hạn"}
        if body.get("madonvi") != AGENCY:
            return self._problem("madonvi")
        service = body.get("service")
        if service == "TraCuuHoSo":
            return self._look_up(body)
        if service == "DongBoHoSoMC":
            if body.get("isUpdating") not in ("True", "False"):
                return self._problem("isUpdating")
            adding = body["isUpdating"] == "False"
            return self._take(body, lambda record: self._dossier(record, adding=adding), DOSSIER, whole=whole)
        if service == "CapNhatTienDoHoSoMC":
            return self._take(body, self._progress, PROGRESS, whole=whole)
        if service == "DongBoTrangThaiHoSo":
            return self._take(body, self._status, STATUS, whole=whole)
        if service == "DongBoDanhGia":
            return self._take(body, self._rating, RATING, whole=whole)
        return self._give(service, body)

    def _give(self, service: Any, body: dict[str, Any]) -> dict[str, Any]:
        if service == "LayDanhSachHoSoMoi":
            return _good([record for record in self.arrivals if record["MaHoSo"] not in self.confirmed])
        if service == "XacNhanHoSo":
            for each in body["data"]:
                self.confirmed[each["MaHoSo"]] = each
            return _good(None)
        if service == "LayThuTuc":
            found = next((each for each in self.procedures if each["MATTHC"] == body.get("maTTHC")), None)
            return _good(found) if found else {"error_code": "-5", "message": "Thủ tục không tồn tại"}
        lists = {
            "LayDanhSachTTHC": self.procedures, "LayDanhMucCoQuan": self.agencies, "LayDanhMucLinhVuc": self.fields,
        }  # fmt: skip
        return _good(lists[service]) if service in lists else self._problem(f"service {service}")

    def _problem(self, what: str) -> dict[str, Any]:
        self.problems.append(what)
        return {"error_code": "-9", "message": f"Dữ liệu không hợp lệ: {what}"}

    def _take(
        self, body: dict[str, Any], take: Callable[[dict[str, Any]], None], names: tuple[str, ...], *, whole: bool
    ) -> dict[str, Any]:
        data = body.get("data")
        if not isinstance(data, list) or not 1 <= len(data) <= LOT:
            return self._problem("data")
        bad = [each for each in data if each.get("MaHoSo") in self.refused]
        if whole and bad:
            return {"error_code": "-4", "message": "Lô dữ liệu có bản ghi không hợp lệ"}
        result = []
        for each in data:
            number = each.get("MaHoSo")
            self._check(each, names)
            if number in self.refused:
                result.append({"MaHoSo": number, "error_code": "-4", "message": self.refused[number]})
                continue
            try:
                take(each)
                result.append({"MaHoSo": number, "error_code": "0", "message": "Thành công"})
            except Wrong as wrong:
                result.append({"MaHoSo": number, "error_code": "-4", "message": str(wrong)})
        if len(data) == 1 and result[0]["error_code"] != "0":
            return {"error_code": "-4", "message": result[0]["message"], "result": None}
        return _good(result)

    def _check(self, record: dict[str, Any], names: tuple[str, ...]) -> None:
        if set(record) != set(names):
            self._problem(f"fields {sorted(set(record) ^ set(names))}")
        for name, value in record.items():
            if name in LISTS:
                if not isinstance(value, list) or any(set(each) != LISTS[name] for each in value):
                    self._problem(name)
                strings = [text for each in value for text in each.values()]
            else:
                strings = [value]
            if any(not isinstance(text, str) for text in strings):
                self._problem(f"{name} is no string")
            if name.startswith(("Ngay", "Thoi")) and not TIME.match(str(value)):
                self._problem(f"{name} is no time")
        for name, most in (("TrichYeuHoSo", 1000), ("NguoiXuLy", 50)):
            if len(record.get(name, "")) > most:
                self._problem(f"{name} is too long")
        if record.get("TrangThaiHoSo", record.get("TrangThai", "1")) not in STATUSES:
            self._problem("status")

    def _dossier(self, record: dict[str, Any], *, adding: bool) -> None:
        number = record["MaHoSo"]
        known = self.held.get(number)
        if adding and known is not None:
            raise Wrong("Hồ sơ đã tồn tại")
        if not adding and known is None:
            raise Wrong("Hồ sơ không tồn tại")
        if known is None:
            known = self.held[number] = Held(dict(record))
            known.adds += 1
        known.record = dict(record)
        known.now_in(record["TrangThaiHoSo"])

    def _known(self, record: dict[str, Any]) -> Held:
        known = self.held.get(record["MaHoSo"])
        if known is None:
            raise Wrong("Hồ sơ không tồn tại")
        return known

    def _progress(self, record: dict[str, Any]) -> None:
        self._known(record).progress.append(record)

    def _status(self, record: dict[str, Any]) -> None:
        known = self._known(record)
        known.history.append(record)
        known.now_in(record["TrangThai"])

    def _rating(self, record: dict[str, Any]) -> None:
        known = self._known(record)
        if known.rating is not None:
            raise Wrong("Đánh giá đã tồn tại")
        known.rating = record

    def _look_up(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self.held.get(str(body.get("mahoso")))
        if known is None:
            return {"error_code": "-5", "message": "Hồ sơ không tồn tại"}
        way = {"DanhSachTienDo": known.progress, "DanhSachTrangThai": known.history}
        return _good({**known.record, **way, "DanhGia": known.rating})


class _Handler(Answering):
    server: NationalPortal

    def on_get(self) -> None:
        content = self.server.files.get(self.path)
        if self.path in self.server.broken_files:
            self.close_connection = True
        elif content is None:
            self.answer(404, b"")
        else:
            self.answer(200, content)

    def on_post(self) -> None:
        server = self.server
        body = json.loads(self.sent())
        if server.is_down:
            self.close_connection = True
            return
        with server.lock:
            if "service" not in body:
                answer = server.login(body, self.headers["dstcode"])
                fault = None
            else:
                fault = server.faults.popleft() if server.faults else server.faulty(body) or server.fault
                server.calls.append((body["service"], len(body.get("data") or ())))
                if fault is Fault.OVER:
                    server.sessions.clear()
                if fault not in (None, Fault.LATE, Fault.TAKEN, Fault.OVER, Fault.WHOLE, Fault.SPARSE):
                    answer = {}
                else:
                    answer = server.serve(body, whole=fault is Fault.WHOLE)
                if fault is Fault.SPARSE and isinstance(answer.get("result"), list):
                    answer["result"] = [each for each in answer["result"] if each.get("error_code") != "0"]
        if fault is None or fault in (Fault.OVER, Fault.WHOLE, Fault.SPARSE):
            self.say(200, answer)
        else:
            self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        bodies = {Fault.HTML: "<html>Hệ thống đang bảo trì</html>".encode(), Fault.LIST: b"[]"}
        if fault in (Fault.SILENT, Fault.LATE):
            self.server.over.wait(5)
            self.close_connection = True
        elif fault in (Fault.HANG_UP, Fault.TAKEN):
            self.close_connection = True
        elif fault is Fault.ERROR_500:
            self.answer(500, b"")
        else:
            self.answer(200, bodies[fault])


def _good(result: Any) -> dict[str, Any]:
    return {"error_code": 0, "message": "Thành công", "result": result}
