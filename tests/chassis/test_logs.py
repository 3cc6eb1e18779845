"""The log of a process: JSON lines with names and identifiers, whoever writes them, and never a person's data."""

import json
import os
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest

from chassis.logs import FORBIDDEN

pytestmark = pytest.mark.xdist_group("logs")

PERSON = "Nguyễn Văn A, 0912345678"


EVERYTHING = ", ".join(f"{key}={PERSON!r}" for key in sorted(FORBIDDEN))
SCRIPTS = {
    "line": "log.info('dossier_filed', dossier='d1', count=3)",
    "personal": f"log.warning('x', {EVERYTHING}, dossier='d1')",
    "given": f"try:\n    int({PERSON!r})\nexcept ValueError as error:\n    log.error('failed', exc_info=error)",
    "current": f"try:\n    int({PERSON!r})\nexcept ValueError:\n    log.error('failed', exc_info=True)",
    "deep": f"try:\n    json.loads({PERSON!r})\nexcept ValueError as error:\n    log.error('failed', exc_info=error)",
    "library": "library.info('chatter')\nlibrary.warning('careful %s', 'now')",
    "library's": f"try:\n    int({PERSON!r})\nexcept ValueError:\n    library.exception('broken')",
    "all": "log.debug('a')\nlog.info('b')\nlog.warning('c')\nlog.error('d')",
    "few": "logs.configure('toy', 'web', 'warning')\nlog = logs.get()\nlog.info('b')\nlog.warning('c')\nlog.error('d')",
}
RUN = """
import json, logging, sys
from chassis import logs
library = logging.getLogger("somewhere")
for name, script in json.load(sys.stdin).items():
    logs.configure("toy", "web", "debug" if name == "all" else "info")
    print(json.dumps({"script": name}))
    exec(compile(script, name, "exec"), {**globals(), "log": logs.get()})
"""


@pytest.fixture(scope="module")
def said() -> dict[str, list[dict[str, Any]]]:
    """What a process logs that was configured as a service's is: script → lines."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(SCRIPTS),
        env={**os.environ, "PYTHONPATH": "services:.", "PYTHONIOENCODING": "utf-8"},
        capture_output=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    assert ended.stderr == ""
    assert PERSON not in ended.stdout
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, ended.stdout.splitlines()):
        if "script" in line:
            lines[line["script"]] = []
        else:
            lines[list(lines)[-1]].append(line)
    return lines


Said = dict[str, list[dict[str, Any]]]


def test_a_line_says_what_when_and_where(said: Said) -> None:
    [line] = said["line"]
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    del line["timestamp"]
    assert line == {
        "event": "dossier_filed", "level": "info", "service": "toy", "process": "web", "dossier": "d1", "count": 3,
    }  # fmt: skip


def test_what_names_a_person_is_removed(said: Said) -> None:
    [line] = said["personal"]
    assert {line[key] for key in FORBIDDEN} == {"[removed]"}
    assert line["dossier"] == "d1"


def test_the_list_holds_what_the_domain_calls_a_persons_data() -> None:
    assert {"name", "identity", "phone", "email", "address", "body", "data", "token", "secret", "password"} <= FORBIDDEN


@pytest.mark.parametrize("how", ["given", "current"])
def test_an_exception_is_its_class_and_place(said: Said, how: str) -> None:
    [line] = said[how]
    assert (line["error"], line["at"]) == ("ValueError", f"{how}:2")
    assert "exc_info" not in line
    assert "exception" not in line


def test_the_place_is_where_it_was_raised(said: Said) -> None:
    [line] = said["deep"]
    assert "json/decoder.py:" in line["at"]


def test_libraries_speak_in_the_same_form_from_warnings_on(said: Said) -> None:
    assert [(line["event"], line["level"], line["service"]) for line in said["library"]] == [
        ("careful now", "warning", "toy")
    ]


def test_a_librarys_exception_keeps_its_text_to_itself_too(said: Said) -> None:
    [line] = said["library's"]
    assert (line["event"], line["error"], line["at"]) == ("broken", "ValueError", "library's:2")


def test_the_level_is_obeyed(said: Said) -> None:
    assert [line["event"] for line in said["all"]] == ["a", "b", "c", "d"]
    assert [line["event"] for line in said["few"]] == ["c", "d"]
