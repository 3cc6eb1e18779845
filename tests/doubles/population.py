"""A double of the sharing platform's service of the population database: a real HTTP server that speaks its protocol.

It holds the citizens it is given, answers `TraCuuThongTinCongDan`, and can be as wrong as the real one can: see
`Fault`. `down` is the server closed, or a port that nobody listens on.
"""

import json
import time
from copy import deepcopy
from enum import StrEnum
from typing import Any

from tests.doubles.serving import Answering, Listening

KEY = "khoa-cua-nen-tang-chia-se"
HOA: dict[str, Any] = {
    "SoDinhDanh": "038185001234",
    "SoCMND": "171234567",
    "HoVaTen": {"Ho": "Nguyễn", "ChuDem": "Thị", "Ten": "Hoa"},
    "GioiTinh": "2",
    "NgayThangNamSinh": {"NgayThangNam": "19850312", "Nam": "1985"},
    "NoiDangKyKhaiSinh": {"MaTinhThanh": "38", "ChiTiet": "Xã Hoằng Lộc, huyện Hoằng Hóa, tỉnh Thanh Hóa"},
    "QuocTich": "VN",
    "QueQuan": {"ChiTiet": "Xã Hoằng Lộc, huyện Hoằng Hóa, tỉnh Thanh Hóa"},
    "ThuongTru": {"ChiTiet": "Thôn 3, xã Hoằng Lộc, tỉnh Thanh Hóa"},
    "NoiOHienTai": {"ChiTiet": "12 Lê Lợi, phường Hạc Thành, tỉnh Thanh Hóa"},
    "Cha": {"HoVaTen": {"Ho": "Nguyễn", "ChuDem": "Văn", "Ten": "Bình"}, "SoDinhDanh": "038060001111"},
    "Me": {"HoVaTen": "Lê Thị Mận", "SoCMND": "170111222"},
    "VoChong": None,
}
"""Somebody who does not exist."""
DUC: dict[str, Any] = {**HOA, "SoDinhDanh": "038090009999", "SoCMND": None, "HoVaTen": "Phạm Văn Đức", "GioiTinh": "1"}


class Fault(StrEnum):
    """`silent`: it takes the request and says nothing. `dripping`: a byte now and then, so that no socket times out.
    `empty`: not a byte of a body. `endless`: a body without end. `stranger`: another citizen than the one asked for."""

    SILENT = "silent"
    DRIPPING = "dripping"
    EMPTY = "empty"
    HTML = "html"
    LIST = "list"
    NUMBER = "number"
    NAMELESS = "nameless"
    SEVERAL = "several"
    ENDLESS = "endless"
    ERROR_500 = "500"
    DENIED = "401"
    BUSY = "429"
    REDIRECT = "302"
    HANG_UP = "hang_up"
    STRANGER = "stranger"


class PopulationServer(Listening):
    """`port`: 0 for any that is free. `fault`: what is wrong with it, None when nothing is. `asked`: the bodies it was
    sent."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Handler, port)
        self.citizens: list[dict[str, Any]] = [deepcopy(HOA), deepcopy(DUC)]
        self.fault: Fault | None = None
        self.asked: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/csdldc"

    def found(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """The citizens of this number, if name and birth date are theirs."""
        return [
            citizen
            for citizen in self.citizens
            if asked["SoDinhDanh"] in (citizen["SoDinhDanh"], citizen["SoCMND"])
            and asked["HoVaTen"].casefold() == _name(citizen["HoVaTen"]).casefold()
            and asked["NgayThangNamSinh"] == citizen["NgayThangNamSinh"]["NgayThangNam"]
        ]


class _Handler(Answering):
    server: PopulationServer

    def on_post(self) -> None:
        asked = json.loads(self.sent())
        self.server.asked.append(asked)
        if self.path != "/csdldc/TraCuuThongTinCongDan" or self.headers["X-Api-Key"] != KEY:
            self.answer(401, b"{}")
        elif self.server.fault is not None:
            self._fail(self.server.fault, asked)
        else:
            self.answer(200, _collection(self.server.found(asked)))

    def _fail(self, fault: Fault, asked: dict[str, Any]) -> None:
        bodies = {
            Fault.EMPTY: b"",
            Fault.HTML: "<html>Hệ thống đang bảo trì</html>".encode(),
            Fault.LIST: b"[1, 2]",
            Fault.NUMBER: b'{"Body": 7}',
            Fault.NAMELESS: _collection([{"SoDinhDanh": asked["SoDinhDanh"]}]),
            Fault.SEVERAL: _collection(self.server.citizens),
            Fault.STRANGER: _collection([citizen for citizen in self.server.citizens if citizen != HOA][:1]),
        }
        if fault is Fault.SILENT:
            self.server.over.wait(60)
        elif fault is Fault.HANG_UP:
            self.connection.close()
        elif fault is Fault.DRIPPING:
            self._drip()
        elif fault is Fault.ENDLESS:
            self.pour(b'{"a": 1}, ' * 1_000, self.server.over)
        elif fault in bodies:
            self.answer(200, bodies[fault])
        else:
            self.answer(int(fault.value), b'{"error": "fault"}', Location="/csdldc/TraCuuThongTinCongDan")

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        ends = time.monotonic() + 60
        while not self.server.over.wait(0.05) and time.monotonic() < ends:
            self.wfile.write(b" ")
            self.wfile.flush()


def _collection(citizens: list[dict[str, Any]]) -> bytes:
    """The service's answer; an empty collection when it finds nobody."""
    found: Any = citizens[0] if len(citizens) == 1 else citizens
    return json.dumps({"Body": {"CongdanCollection": {"CongDan": found} if citizens else ""}}).encode()


def _name(name: str | dict[str, str]) -> str:
    return name if isinstance(name, str) else " ".join(name[part] for part in ("Ho", "ChuDem", "Ten"))
