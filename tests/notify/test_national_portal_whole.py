"""What operators ask of the whole: the portal told anew, compared with us; and dossiers that come from the portal."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient
from structlog.testing import capture_logs
from werkzeug.serving import make_server

from chassis import store
from chassis.service import Context
from intake.main import INTAKE
from notify.courier import Courier
from notify.domain.deliveries import WAITS
from notify.main import NOTIFY
from notify.national_portal import store as portal_store
from notify.national_portal.arrivals import Fetching, IntakeOutlet
from notify.national_portal.commands import portal as command
from notify.national_portal.domain.inbound_dossiers import FromPortal
from notify.national_portal.outlet import AFTERWARDS
from notify.outlets import Away
from tests.doubles.national_portal import Fault, NationalPortal
from tests.notify.national_portal_parts import GO, SEALING_KEY, Parts
from tests.notify.portal_lives import FIELD, FIELD_NAME, NAMES, PROCEDURE, PROCEDURE_NAME, Life
from tests.notify.test_national_portal import a_life
from tests.support import catalogue, contents, services
from tests.support.services import Clock, Running, Tokens, everything


def run(made: Parts, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """The command's exit status and what it printed."""
    settings = NOTIFY.settings.model_validate(_settings(made))
    context: Context[Any] = Context(settings, made.notify.database, store.Carrier(made.clock), made.clock)
    capsys.readouterr()
    status = command(context, made.notify.parts, list(arguments))
    return status, json.loads(capsys.readouterr().out or "null")


def _settings(made: Parts) -> dict[str, Any]:
    return {
        "mongo_url": made.notify.url, "amqp_url": "amqp://127.0.0.1:1/none", "jwks": "none",
        "smtp_url": "smtp://127.0.0.1:1", "mail_from": "a@x.vn", "sealing_key": SEALING_KEY,
        **made.portal_settings,
    }  # fmt: skip


def lived(made: Parts, count: int) -> list[Life]:
    """Dossiers of which the portal knows everything."""
    found = [a_life(n) for n in range(1, count + 1)]
    made.hear([body for life in found for body in life.bodies])
    made.send_all()
    return found


def test_reconciliation_says_what_differs_and_mends_it(
    made: Parts, double: NationalPortal, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    same, lost, changed = lived(made, 3)
    assert run(made, capsys, "reconcile") == (0, {"equal": True, "compared": 3, "differences": []})
    del double.held[lost.portal_number]
    double.held[changed.portal_number].record |= {"TrangThaiHoSo": "4", "ChuHoSo": "Người khác"}
    double.held["H56.30-260304-9999"] = double.held[same.portal_number]
    (tmp_path / "numbers").write_text(f"{same.portal_number}\nH56.30-260304-9999\nH56.30-260304-8888\n")
    status, said = run(made, capsys, "reconcile", "--numbers", str(tmp_path / "numbers"), "--repair")
    assert status == 1
    assert sorted((each["kind"], each["number"], each["fields"], each["repaired"]) for each in said["differences"]) == [
        ("differs", changed.portal_number, ["ChuHoSo", "TrangThaiHoSo"], True),
        ("missing_here", "H56.30-260304-9999", [], False),
        ("missing_there", lost.portal_number, [], True),
    ]
    assert changed.personal.name not in json.dumps(said), "it names fields, and nobody"
    status, said = run(made, capsys, "reconcile", "--dossier", changed.id, "--repair")
    assert (status, [each["waiting"] for each in said["differences"]]) == (1, [True]), "its row is on the way"
    made.send_all()
    assert run(made, capsys, "reconcile")[0] == 0
    assert double.held[lost.portal_number].record == {"MaHoSo": lost.portal_number, **lost.expected}
    assert double.held[lost.portal_number].adds == 1


def test_a_full_resync_tells_the_present_state_and_no_step_back(
    made: Parts, double: NationalPortal, capsys: pytest.CaptureFixture[str]
) -> None:
    known = lived(made, 3)
    before = {number: list(held.statuses) for number, held in double.held.items()}
    assert run(made, capsys, "resync", "--all") == (0, {"rows": 3})
    made.send_all()
    assert {number: held.statuses for number, held in double.held.items()} == before
    double.held.clear()
    assert run(made, capsys, "resync", "--dossier", known[0].portal_number) == (0, {"rows": 1})
    made.send_all()
    assert set(double.held) == {known[0].portal_number}, "what is not there is added"
    made.clock.move(hours=1)
    assert run(made, capsys, "resync", "--since", made.clock().isoformat()) == (0, {"rows": 0})


def test_the_catalogues_are_compared(made: Parts, double: NationalPortal, capsys: pytest.CaptureFixture[str]) -> None:
    double.procedures = [{"MATTHC": PROCEDURE, "TENTTHC": PROCEDURE_NAME}]
    double.fields = [{"MALINHVUC": FIELD, "TENLINHVUC": FIELD_NAME}]
    double.agencies = [{"MADONVI": id, "TENDONVI": name} for id, name in NAMES.items()]
    assert run(made, capsys, "catalogue")[0] == 0
    double.procedures = [{"MATTHC": "2.000001", "TENTTHC": "Thủ tục mới"}]
    double.fields[0]["TENLINHVUC"] = "Tên khác"
    status, said = run(made, capsys, "catalogue")
    assert status == 1
    assert said["procedures"]["missing_there"] == [PROCEDURE]
    assert said["procedures"]["missing_here"] == ["2.000001"]
    assert said["fields"]["named_otherwise"] == [{"code": FIELD, "ours": FIELD_NAME, "theirs": "Tên khác"}]
    assert run(made, capsys, "catalogue", "--procedure", "2.000001")[0] == 0
    assert run(made, capsys, "catalogue", "--procedure", "9.9")[0] == 1


def test_a_command_says_when_the_portal_is_away(
    made: Parts, double: NationalPortal, capsys: pytest.CaptureFixture[str]
) -> None:
    lived(made, 1)
    double.fault = Fault.ERROR_500
    assert run(made, capsys, "reconcile")[0] == 3


def test_without_a_portal_nothing_is_done_and_it_is_said(
    database_url: str, tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"smtp_url": "smtp://127.0.0.1:1", "mail_from": "a@x.vn", "national_portal_url": ""}
    with services.running(NOTIFY, database_url, Tokens(tmp_path), clock, **given) as notify:
        assert notify.get("partners/national_portal", everything(NOTIFY)).get_json()["configured"] is False
        assert notify.parts.details()["national_portal"] == "not configured"
        assert not [name for name in notify.parts.loops if "portal" in name]
        notify.hear(a_life(1).bodies)
        assert notify.rows("portal_dossiers") == []
        settings = NOTIFY.settings.model_validate(
            {"mongo_url": database_url, "amqp_url": "amqp://127.0.0.1:1/none", "jwks": "none", **given}
        )
        context: Context[Any] = Context(settings, notify.database, store.Carrier(clock), clock)
        assert command(context, notify.parts, ["resync", "--all"]) == 2


def test_the_walk_through_all_dossiers_may_take_longer_than_the_store_keeps_a_cursor(
    made: Parts, double: NationalPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of them the portal is asked, which may take seconds each."""
    monkeypatch.setattr(portal_store, "_PAGE", 2)
    ids = {life.id for life in lived(made, 5)}
    walk = iter(made.store.every_dossier())
    found = [next(walk).id, next(walk).id]
    name = made.notify.database.name
    client: MongoClient[Any]
    with MongoClient(made.notify.url) as client:
        idle: Iterable[dict[str, Any]] = client.admin.aggregate(
            [
                {"$currentOp": {"allUsers": True, "idleCursors": True}},
                {"$match": {"type": "idleCursor", "ns": f"{name}.portal_dossiers"}},
            ]
        )
        for each in idle:
            client[name].command({"killCursors": "portal_dossiers", "cursors": [each["cursor"]["cursorId"]]})
    found += [each.id for each in walk]
    assert found == sorted(ids)


# -- dossiers from the portal ------------------------------------------------------------------------------------------


@contextmanager
def served(intake: Running) -> Iterator[str]:
    """The service on a port of its own; its address."""
    server = make_server("127.0.0.1", 0, intake.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(10)


@pytest.fixture
def intake(mongo_url: str, emptied_prefix: str, tmp_path: Path) -> Iterator[Running]:
    url = services.database_url(mongo_url, f"{emptied_prefix}intake")
    folder = tmp_path / "intake"
    folder.mkdir()
    with services.running(INTAKE, url, Tokens(folder), Clock()) as running:
        running.hear(catalogue.province())
        yield running


RECORD = {
    "MaHoSo": "G22.99.14-261120-0007",
    "MaTTHC": catalogue.BUSINESS,
    "DonViXuLy": catalogue.HERE,
    "ChuHoSo": "Trần Văn Bình",
    "LoaiDoiTuong": "1",
    "Email": "binh@example.vn",
    "SoDienThoai": "0912345678",
    "HinhThuc": "0",
    "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "038185009999"}],
    "ThongTinBieuMau": {"ten_ho_kinh_doanh": "Tạp hóa Bình"},
    "TaiLieuNop": [],
}


@dataclass
class Arriving:
    """`fetch` asks the portal, `take` brings what came to intake, with time passing in between."""

    made: Parts
    intake: Running
    fetching: Fetching
    url: str
    key: str

    def take(self, *, portal_url: str | None = None) -> None:
        outlet = IntakeOutlet(
            self.url, self.key, self.made.portal, portal_url or self.made.portal_settings["national_portal_url"],
            self.made.secrets, timeout=30,
        )  # fmt: skip
        courier = Courier(
            self.made.store.incoming, outlet, self.made.clock, holder="worker-1", batch=20, waits=WAITS,
            afterwards=AFTERWARDS,
        )  # fmt: skip
        while courier.once(GO):
            pass

    @property
    def rows(self) -> list[FromPortal]:
        found = self.made.store.arrivals.collection.find().sort("_id")
        return [self.made.store.arrivals.loaded(each).state for each in found]


@pytest.fixture
def arriving(made: Parts, intake: Running) -> Iterator[Arriving]:
    key = intake.tokens.api_key("national-portal", ["dossiers.file", "any_agency"])
    fetching = Fetching(made.store, made.portal, made.secrets, made.clock)
    with served(intake) as url:
        yield Arriving(made, intake, fetching, url, key)


def given(double: NationalPortal, **changes: Any) -> None:
    """A dossier that was filed on the portal, with a file of its own."""
    double.files["/tep/1"] = contents.pdf()
    host = double.url.removesuffix("/dvcqg")
    file = {"MaThanhPhanHoSo": "TP1", "TenTepDinhKem": "giay-de-nghi.pdf", "DuongDanTaiTepTin": f"{host}/tep/1"}
    double.arrivals.append({**RECORD, "TaiLieuNop": [file], **changes})


def test_a_dossier_filed_on_the_portal_enters_intake_once(arriving: Arriving, double: NationalPortal) -> None:
    given(double)
    assert arriving.fetching.once()
    assert not arriving.fetching.once(), "it is known already"
    arriving.take()
    (dossier,) = arriving.intake.rows("dossiers")
    assert (dossier["status"], dossier["source"], dossier["applicant"]["name"]) == (
        "filed", "national_portal", RECORD["ChuHoSo"],
    )  # fmt: skip
    assert dossier["components"][0]["file"]
    (row,) = arriving.rows
    assert (row.state, row.receipt) == ("sent", dossier["_id"])
    assert double.confirmed[str(RECORD["MaHoSo"])]["MaHoSoDonVi"] == dossier["_id"]
    assert not arriving.fetching.once()
    # What intake tells of it from now on, the portal hears under its own number.
    arriving.made.hear(arriving.intake.told())
    arriving.made.send_all()
    held = double.held[str(RECORD["MaHoSo"])]
    assert (held.statuses, held.record["NoiNopHoSo"]) == (["1"], "1")
    assert [each["DuocSoHoa"] for each in held.record["TaiLieuNop"]] == ["0"]


def test_it_is_there_once_though_the_answer_was_lost(arriving: Arriving, double: NationalPortal) -> None:
    given(double)
    arriving.fetching.once()
    double.faulty = lambda body: Fault.ERROR_500 if body["service"] == "XacNhanHoSo" else None
    with pytest.raises(Away):
        arriving.take()
    assert len(arriving.intake.rows("dossiers")) == 1
    double.faulty = lambda _: None
    arriving.made.clock.move(hours=1)
    arriving.take()
    assert len(arriving.intake.rows("dossiers")) == 1
    assert [row.state for row in arriving.rows] == ["sent"]


def test_what_came_survives_intake_being_away(arriving: Arriving, double: NationalPortal) -> None:
    given(double)
    arriving.fetching.once()
    url, arriving.url = arriving.url, "http://127.0.0.1:1"
    with pytest.raises(Away):
        arriving.take()
    assert [(row.state, row.attempts) for row in arriving.rows] == [("queued", ())]
    arriving.url = url
    arriving.take()
    assert len(arriving.intake.rows("dossiers")) == 1


def test_a_file_over_which_the_portal_hangs_up_holds_up_no_other_dossier(
    arriving: Arriving, double: NationalPortal
) -> None:
    host = double.url.removesuffix("/dvcqg")
    broken = {"MaThanhPhanHoSo": "TP1", "TenTepDinhKem": "x.pdf", "DuongDanTaiTepTin": f"{host}/tep/2"}
    given(double, MaHoSo="G22-1", TaiLieuNop=[broken])
    given(double)
    double.broken_files = {"/tep/2"}
    arriving.fetching.once()
    arriving.take()
    waiting, taken = sorted(arriving.rows, key=lambda row: row.number)
    assert (waiting.state, [attempt.detail for attempt in waiting.attempts]) == ("queued", ["file_ConnectionError"])
    assert taken.state == "sent"
    double.files["/tep/2"], double.broken_files = contents.pdf(), set()
    arriving.made.clock.move(hours=1)
    arriving.take()
    assert {row.state for row in arriving.rows} == {"sent"}


def test_a_dossier_over_which_intake_breaks_waits_longer_each_time(
    arriving: Arriving, double: NationalPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether intake took it; and those behind it get their turn."""

    def hangs(self: requests.Session, url: str, **sent: Any) -> requests.Response:
        if sent["headers"].get("Idempotency-Key") == "G22-1":
            raise requests.ReadTimeout
        return post(self, url, **sent)

    post = requests.Session.post
    given(double, MaHoSo="G22-1", TaiLieuNop=[])
    arriving.fetching.once()
    given(double)
    arriving.made.clock.move(seconds=1)
    arriving.fetching.once()
    with monkeypatch.context() as patched:
        patched.setattr(requests.Session, "post", hangs)
        with pytest.raises(Away):
            arriving.take()
        arriving.take()
    waiting, taken = sorted(arriving.rows, key=lambda row: row.number)
    assert (waiting.state, [attempt.outcome for attempt in waiting.attempts]) == ("queued", ["interrupted"])
    assert taken.state == "sent"


UNTAKEABLE: dict[str, tuple[dict[str, Any], str]] = {
    "G22-1": ({"MaTTHC": "9.999999"}, "procedure"),
    "G22-2": ({"ChuHoSo": ""}, "applicant_missing"),
    "G22-3": (
        {"TaiLieuNop": [{"MaThanhPhanHoSo": "TP1", "DuongDanTaiTepTin": "http://169.254.169.254/x"}]},
        "file_elsewhere",
    ),
    "G22-4": ({"TaiLieuNop": "không phải danh sách"}, "files_unreadable"),
}


def test_what_intake_cannot_take_is_shown_with_the_reason(arriving: Arriving, double: NationalPortal) -> None:
    for number, (changes, _) in UNTAKEABLE.items():
        given(double, **changes, MaHoSo=number)
    given(double)
    arriving.fetching.once()
    arriving.take()
    answer = arriving.made.notify.get("partners/national_portal/arrivals", everything(NOTIFY))
    shown = {item["number"]: item for item in answer.get_json()["items"]}
    assert shown.pop(str(RECORD["MaHoSo"]))["state"] == "sent", "the others hold it up in nothing"
    assert {item["state"] for item in shown.values()} == {"failed"}
    assert [number for number, (_, reason) in UNTAKEABLE.items() if reason not in shown[number]["detail"]] == []
    assert str(RECORD["ChuHoSo"]) not in answer.get_data(as_text=True)
    assert len(arriving.intake.rows("dossiers")) == 1


def test_what_is_no_dossier_is_left_aside(arriving: Arriving, double: NationalPortal) -> None:
    given(double)
    double.arrivals += [{"MaHoSo": ""}, {"MaHoSo": "G22-1", "MaTTHC": 7}]
    double.confirmed = {}
    with capture_logs() as logs:
        assert arriving.fetching.once()
    assert [entry["place"] for entry in logs if entry["event"] == "portal_gave_no_dossier"] == [1, 2]
    assert len(arriving.rows) == 1
