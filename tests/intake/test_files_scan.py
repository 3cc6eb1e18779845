"""Virus scanning by a real clamd that knows one signature: what is served when, and what the operator is told."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pymongo import MongoClient

from intake.clamd import Clamd, ClamdAway
from intake.domain.files import Scan
from intake.main import INTAKE
from intake.scanner import ASIDE, LEASE, Scanner
from native.ports import free_port
from tests.intake.making import body
from tests.intake.uploading import sent, store_of
from tests.support import contents
from tests.support.catalogue import province
from tests.support.clamd import THREAT, ClamdServer, eicar
from tests.support.databases import empty
from tests.support.services import (
    Clock,
    Running,
    Tokens,
    database_url,
    pointers,
    problem,
    running,
)

DOC = contents.office()
INFECTED = contents.office(parts={"word/media/a.txt": eicar()})


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    server = ClamdServer(tmp_path_factory.mktemp("clamd"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def guarded(
    mongo: MongoClient[dict[str, Any]], mongo_url: str, databases: str, tokens: Tokens, clock: Clock
) -> Iterator[Running]:
    """Intake that knows of a clamd; what scans is the worker's `Scanner`."""
    empty(mongo, f"{databases}intake")
    url = database_url(mongo_url, f"{databases}intake")
    with running(INTAKE, url, tokens, clock, clamd_address="127.0.0.1:1") as service:
        service.hear(province())
        yield service


def scanner(intake: Running, server: ClamdServer | None) -> Scanner:
    clamd = None if server is None else Clamd(server.address, timeout=60)
    return Scanner(store_of(intake).files, clamd, intake.clock)


def all_scanned(intake: Running, server: ClamdServer) -> Scanner:
    made = scanner(intake, server)
    while made.once():
        pass
    return made


def state(intake: Running, id: str, who: str = "citizen") -> dict[str, Any]:
    found: dict[str, Any] = intake.get(f"files/{id}/state", who).get_json()
    return found


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


# -- the protocol ------------------------------------------------------------------------------------------------------


def test_the_scanner_finds_what_it_knows_and_nothing_else(clamd: ClamdServer) -> None:
    there = Clamd(clamd.address, timeout=60)
    assert there.version().startswith("ClamAV")
    assert there.scan([DOC]) is None
    assert there.scan([]) is None
    assert there.scan([eicar()]) == THREAT
    # However it is cut, and inside an archive.
    assert there.scan([eicar()[n : n + 1] for n in range(len(eicar()))]) == THREAT
    assert there.scan([INFECTED[:100], b"", INFECTED[100:]]) == THREAT


def test_a_scanner_that_is_not_there_or_speaks_otherwise_is_away(
    clamd: ClamdServer, make_server: Callable[[bytes], str]
) -> None:
    def reason(address: str, content: bytes = DOC) -> str:
        with pytest.raises(ClamdAway) as caught:
            Clamd(address, timeout=60).scan([content])
        return caught.value.reason

    assert reason(f"127.0.0.1:{free_port()}") == "ConnectionRefusedError"
    assert reason("/nowhere/clamd.sock") == "FileNotFoundError"
    assert reason(make_server(b"")) in ("hung_up", "ConnectionResetError")
    assert reason(make_server(b"stream: Can't allocate memory ERROR\0")) == "scan_failed"
    assert reason(make_server(b"INSTREAM size limit exceeded. ERROR\0")) == "size_limit"
    assert reason(make_server(b"OK\0")) == "scan_failed"
    assert reason(make_server(b"HTTP/1.1 400 Bad Request stream: OK\0")) == "scan_failed"


@pytest.fixture
def make_server() -> Iterator[Callable[[bytes], str]]:
    """Makes something that takes a whole INSTREAM, answers so, and hangs up; its address."""
    import socket

    listeners: list[socket.socket] = []

    def made(reply: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen = b""
                while not seen.endswith(bytes(4)):
                    seen += connection.recv(65536)
                connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield made
    for listener in listeners:
        listener.close()


def test_a_unix_socket_is_an_address_too(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "clamd.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == b"zVERSION\0"
                connection.sendall(b"ClamAV 9\0")

        thread = threading.Thread(target=serve)
        thread.start()
        assert Clamd(str(path), timeout=60).version() == "ClamAV 9"
        thread.join(60)


# -- served only when clean --------------------------------------------------------------------------------------------


def test_a_file_is_served_only_when_it_was_found_clean(guarded: Running, clamd: ClamdServer) -> None:
    file = sent(guarded, DOC)
    assert file["scan"] == "pending"
    refused = problem(guarded.get(f"files/{file['id']}", "citizen"), 409, "file_not_clean")
    assert refused["detail"] == "the file is pending"
    guarded.clock.move(seconds=5)
    all_scanned(guarded, clamd)
    found = state(guarded, file["id"])
    assert (found["scan"], found["threat"], found["scanned_at"]) == ("clean", None, "2026-03-04T02:00:05Z")
    assert guarded.get(f"files/{file['id']}", "citizen").data == DOC


def test_an_infected_file_lies_in_quarantine(guarded: Running, clamd: ClamdServer) -> None:
    clean, infected = sent(guarded, DOC)["id"], sent(guarded, INFECTED)["id"]
    before = metric("motcua_files_scanned_total", outcome="infected")
    all_scanned(guarded, clamd)
    found = state(guarded, infected)
    assert (found["scan"], found["threat"]) == ("infected", THREAT)
    assert (
        problem(guarded.get(f"files/{infected}", "leader"), 409, "file_not_clean")["detail"] == "the file is infected"
    )
    assert guarded.get(f"files/{clean}", "citizen").status_code == 200
    assert metric("motcua_files_scanned_total", outcome="infected") == before + 1
    # Nobody can hand it in any more.
    answer = guarded.post("dossiers", "citizen", body(components=[{"code": "TP1", "file": infected}]))
    assert pointers(answer) == [("/components/0/file", "infected_file")]


def test_a_virus_in_a_file_that_is_encoded_anew_does_not_survive_and_elsewhere_is_found(
    guarded: Running, clamd: ClamdServer
) -> None:
    image = sent(guarded, contents.image() + eicar())["id"]
    pdf = sent(guarded, contents.pdf(objects=[b"<< /Length 68 >>\nstream\n" + eicar() + b"\nendstream"]))["id"]
    all_scanned(guarded, clamd)
    assert (state(guarded, image)["scan"], state(guarded, pdf)["scan"]) == ("clean", "infected")


# -- a scanner that is away --------------------------------------------------------------------------------------------


def test_files_wait_for_a_scanner_that_is_away_and_the_operator_sees_how_long(guarded: Running, tmp_path: Path) -> None:
    server = ClamdServer(tmp_path)
    file = sent(guarded, DOC)["id"]
    there = scanner(guarded, server)
    guarded.clock.move(seconds=90)
    with pytest.raises(ClamdAway):
        there.once()
    assert there.details() == {
        "clamd": "away", "files_pending": 1, "files_pending_oldest_seconds": 90, "files_unscanned": 0,
    }  # fmt: skip
    assert metric("motcua_files_to_scan_oldest_seconds") == 90
    assert metric("motcua_files_to_scan", scan="pending") == 1
    assert state(guarded, file)["scan"] == "pending"
    try:
        server.start()
        while there.once():
            pass
    finally:
        server.stop()
    assert there.details()["files_pending"] == 0
    assert metric("motcua_files_to_scan_oldest_seconds") == 0
    assert state(guarded, file)["scan"] == "clean"


def test_the_loop_goes_on_while_the_scanner_is_away(guarded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intake.scanner.POLL_SECONDS", 0.01)
    monkeypatch.setattr("chassis.worker.MAX_PAUSE_SECONDS", 0.01)
    stop, tries = threading.Event(), []

    class Away(Clamd):
        def version(self) -> str:
            tries.append(1)
            if len(tries) == 3:
                stop.set()
            raise ClamdAway("ConnectionRefusedError")

    loop = Scanner(store_of(guarded).files, Away("127.0.0.1:1", timeout=1), guarded.clock)
    thread = threading.Thread(target=loop.run, args=(stop,))
    thread.start()
    thread.join(120)
    assert not thread.is_alive()
    assert len(tries) == 3


def test_a_file_that_could_not_be_scanned_does_not_hold_up_the_others(guarded: Running) -> None:
    first, second = sent(guarded, DOC)["id"], sent(guarded, DOC)["id"]
    asked = []

    class Choosy(Clamd):
        def version(self) -> str:
            return "9"

        def scan(self, pieces: Any) -> str | None:
            asked.append(b"".join(pieces))
            if len(asked) == 1:
                raise ClamdAway("size_limit")
            return None

    there = Scanner(store_of(guarded).files, Choosy("127.0.0.1:1", timeout=1), guarded.clock)
    while there.once():
        pass
    assert sorted(state(guarded, id)["scan"] for id in (first, second)) == ["clean", "pending"]
    guarded.clock.move(seconds=ASIDE.total_seconds() + 1)
    while there.once():
        pass
    assert [state(guarded, id)["scan"] for id in (first, second)] == ["clean", "clean"]


def test_a_file_whose_scan_died_is_taken_again_and_no_two_take_one(guarded: Running) -> None:
    sent(guarded, DOC)
    files, now = store_of(guarded).files, guarded.clock()
    taken = files.take_to_scan(now, now + LEASE)
    assert taken is not None
    assert files.take_to_scan(now, now + LEASE) is None
    guarded.clock.move(seconds=LEASE.total_seconds() + 1)
    assert files.take_to_scan(guarded.clock(), guarded.clock() + LEASE) == taken
    # The one that was slow says what it found; the other one's word comes too late.
    files.scanned(taken.id, Scan.INFECTED, "X", guarded.clock())
    files.scanned(taken.id, Scan.CLEAN, None, guarded.clock())
    files.scan_later(taken.id, guarded.clock())
    assert state(guarded, taken.id)["scan"] == "infected"
    assert files.take_to_scan(guarded.clock(), guarded.clock()) is None


def test_a_file_without_its_content_is_never_called_clean(guarded: Running, clamd: ClamdServer) -> None:
    id = sent(guarded, DOC)["id"]
    guarded.database["contents.files"].delete_many({})
    all_scanned(guarded, clamd)
    assert state(guarded, id)["scan"] == "pending"


# -- no scanner --------------------------------------------------------------------------------------------------------


def test_without_a_scanner_files_say_so_and_are_served_until_there_is_one(
    intake: Running, guarded: Running, clamd: ClamdServer
) -> None:
    id = sent(intake, DOC)["id"]
    assert state(intake, id)["scan"] == "unscanned"
    assert intake.get(f"files/{id}", "citizen").data == DOC
    told = scanner(intake, None)
    assert not told.once()
    assert told.details()["clamd"] == "not_configured"
    assert told.details()["files_unscanned"] == 1
    assert metric("motcua_files_to_scan", scan="unscanned") == 1
    # The same store, now with a scanner: what nobody has looked at is not served, and is looked at.
    problem(guarded.get(f"files/{id}", "citizen"), 409, "file_not_clean")
    all_scanned(guarded, clamd)
    assert guarded.get(f"files/{id}", "citizen").data == DOC


def test_what_waits_comes_before_what_was_never_scanned(intake: Running, guarded: Running) -> None:
    sent(intake, DOC)
    guarded.clock.move(seconds=60)
    pending = sent(guarded, DOC)["id"]
    now = guarded.clock()
    taken = store_of(guarded).files.take_to_scan(now, now + LEASE)
    assert taken is not None
    assert taken.id == pending


def test_when_the_scanner_is_taken_away_what_waited_is_unscanned(guarded: Running, intake: Running) -> None:
    id = sent(guarded, DOC)["id"]
    assert intake.get(f"files/{id}", "citizen").status_code == 200
    scanner(guarded, None).once()
    assert state(intake, id)["scan"] == "unscanned"


def test_the_operator_is_told_at_the_start(
    intake: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    made = scanner(intake, None)
    monkeypatch.setattr(made, "once", stop.set)
    made.run(stop)
    assert "files_are_not_scanned" in capsys.readouterr().out
    assert intake.parts.details()["clamd"] == "unknown"
