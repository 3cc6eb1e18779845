"""What must hold for the source: who may import what, and a few habits. import-linter checks the graph of imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis import SERVICES
from tests.contracts.documents import TOP

SOURCES = sorted((TOP / "services").rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def service_of(path: Path) -> str:
    return path.relative_to(TOP / "services").parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_a_file_imports_only_what_it_may(path: Path) -> None:
    service, roots = service_of(path), {module.split(".")[0] for module in imported(path)}
    others = {*SERVICES, "native", "sample", "tests"} - {service}
    assert not roots & others
    if service != "chassis":
        assert not roots & {"kombu", "pika", "amqp"}
        if "pymongo" in roots or "bson" in roots:
            assert path.stem == "store" or path.parent.name == "store"
    if path.stem == "domain" or path.parent.name == "domain":
        outside = {
            module for module in imported(path) if module.split(".")[0] in ("flask", "pydantic", "requests", "smtplib")
        }
        assert not outside
        allowed = {"chassis", "chassis.worktime", "chassis.errors", "chassis.hashchain", "chassis.printed"}
        assert {m for m in imported(path) if m.startswith("chassis")} <= allowed


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [word for word in ("TODO", "FIXME", "NotImplementedError", "breakpoint(") if word in text]


def test_the_top_level_holds_what_is_said_of_it() -> None:
    tracked = {path.name for path in TOP.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert tracked - {"secrets"} == {
        "services", "native", "sample", "clients", "deploy", "tests", "docs", "requirements",
    }  # fmt: skip
    packages = {path.name for path in (TOP / "services").iterdir() if (path / "__init__.py").exists()}
    assert packages == {*SERVICES, "chassis"}
