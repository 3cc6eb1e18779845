"""What a process that looks into a stranger's file may do, what the service makes of its answer, and of none."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

import psutil
import pytest

from chassis.confined import Busy, Confined, Refused

FILE = b"what somebody sent"
LOOKING = """
import sys
from chassis.confined import Refused, answer
{look}
answer(look, memory={memory}, written={written})
"""


@pytest.fixture
def file() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(FILE)
        yield file


def confined(look: str, *, memory: int = 256_000_000, written: int = 0, **limits: float) -> Confined:
    """`look`: the source of the function of that name."""
    return Confined(("-c", LOOKING.format(look=look, memory=memory, written=written)), **limits)


def refusal(asked: Confined, file: IO[bytes], out: IO[bytes] | None = None) -> str:
    with pytest.raises(Refused) as caught:
        asked.ask([], file, out)
    return caught.value.code


def test_what_was_found_is_answered_and_the_file_is_at_its_beginning(file: IO[bytes]) -> None:
    asked = confined("def look(file): return {'read': file.read().decode(), 'arguments': sys.argv[1:]}")
    for arguments in (["PDF", "Tiếng Việt"], []):
        assert asked.ask(arguments, file) == {"read": FILE.decode(), "arguments": arguments}
        assert file.read() == FILE


def test_a_new_encoding_is_written_to_a_file_of_the_askers(file: IO[bytes]) -> None:
    look = """def look(file):
    import os
    with os.fdopen(int(sys.argv[1]), 'wb', closefd=False) as out:
        out.write(file.read().upper())
    return {}"""
    with tempfile.TemporaryFile() as out:
        confined(look, written=100).ask([], file, out)
        assert out.read() == FILE.upper()
        # One byte more than it may write: the kernel's signal, or Python's exception.
        assert refusal(confined(look, written=len(FILE) - 1), file, out) in ("file_damaged", "file_too_complex")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise Refused('file_encrypted', 'it is encrypted')", "file_encrypted"),
        ("raise ValueError('Nguyễn Văn A')", "file_damaged"),
        ("return {'swollen': len(bytearray(600_000_000))}", "file_too_complex"),
        ("return look(file)", "file_too_complex"),
        ("import os; os.abort()", "file_too_complex"),
        ("raise SystemExit(3)", "file_too_complex"),
    ],
    ids=["refused", "stumbled", "memory", "recursion", "died", "ended"],
)
def test_whatever_becomes_of_the_process_the_file_is_refused_by_a_code(file: IO[bytes], body: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        confined(f"def look(file): {body}").ask([], file)
    assert caught.value.code == code
    assert "Nguyễn" not in caught.value.detail, "a parser's words may be the file's"
    assert file.read() == FILE


def test_a_process_that_hangs_is_ended_and_the_next_file_has_its_turn(file: IO[bytes]) -> None:
    asked = confined("def look(file): __import__('time').sleep(600)", seconds=1.0)
    assert refusal(asked, file) == "file_too_complex"
    assert not [child for child in psutil.Process().children() if "sleep(600)" in child.cmdline()[-1]]
    assert refusal(asked, file) == "file_too_complex", "and not that others are being looked into"


def test_one_at_a_time_and_others_are_told_to_come_again(file: IO[bytes]) -> None:
    asked = confined("def look(file): return {}", wait_seconds=0.05)
    with asked.free:
        with pytest.raises(Busy) as caught:
            asked.ask([], file)
        assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("file_inspection_busy", 503, 5)
    assert asked.ask([], file) == {}


def test_parsers_are_told_to_be_quiet_and_are_confined_before_they_are_loaded(file: IO[bytes]) -> None:
    look = """def look(file):
    import logging, resource
    logging.getLogger('pypdf').error('x')
    names = ('RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_FSIZE', 'RLIMIT_CORE')
    return {name: resource.getrlimit(getattr(resource, name))[0] for name in names}"""
    found = confined(look, memory=300_000_000, written=7).ask([], file)
    assert found == {"RLIMIT_AS": 300_000_000, "RLIMIT_CPU": 20, "RLIMIT_FSIZE": 7, "RLIMIT_CORE": 0}


def test_the_side_that_looks_loads_next_to_nothing() -> None:
    heavy = ("structlog", "pydantic", "flask", "pymongo", "pypdf", "PIL", "pyhanko")
    modules = ("chassis.confined", "intake.inspection.child", "workflow.signing.child")
    script = f"import sys, {', '.join(modules)}, json; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    out = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": "services"}, capture_output=True, check=True
    ).stdout
    assert json.loads(out) == []
