"""What must hold for the source: who may import what, and a few habits. import-linter checks the graph of imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

from chassis import SERVICES
from tests.contracts.documents import TOP

SOURCES = sorted((TOP / "services").rglob("*.py"))
OF_A_DOMAIN = {f"chassis{name}" for name in ("", ".errors", ".evolving", ".hashchain", ".printed", ".worktime")}
"""What a domain may have of the chassis."""


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def service_of(path: Path) -> str:
    return path.relative_to(TOP / "services").parts[0]


def out_of_place(path: Path) -> Iterator[str]:
    """The modules that this file imports and may not."""
    service, modules = service_of(path), set(imported(path))
    forbidden = {*SERVICES, "native", "sample", "tests"} - {service}
    in_store = path.stem == "store" or path.parent.name == "store"
    in_domain = path.stem == "domain" or path.parent.name == "domain"
    if service != "chassis":
        forbidden |= {"kombu", "pika", "amqp"}
        forbidden |= set() if in_store else {"pymongo", "bson"}
    if in_domain:
        forbidden |= {"flask", "pydantic", "requests", "smtplib"}
        yield from (module for module in modules if module.startswith("chassis") and module not in OF_A_DOMAIN)
    yield from (module for module in modules if module.split(".")[0] in forbidden)


def test_a_file_imports_only_what_it_may() -> None:
    assert {str(path): wrong for path in SOURCES if (wrong := sorted(out_of_place(path)))} == {}


def test_a_process_of_a_service_begins_as_the_toys_does() -> None:
    """What tests/chassis shows of the toy's processes is then true of theirs."""
    toy = (TOP / "tests" / "chassis" / "toy_process.py").read_text(encoding="utf-8")
    for name in SERVICES:
        main = (TOP / "services" / name / "__main__.py").read_text(encoding="utf-8")
        assert toy.endswith(main.replace(f"from {name}.main", "from tests.chassis.toy"))


def test_nothing_is_left_for_later() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    words = ("TODO", "FIXME", "NotImplementedError", "breakpoint(")
    assert [(str(path), word) for path, text in texts.items() for word in words if word in text] == []


def test_the_top_level_holds_what_is_said_of_it() -> None:
    tracked = {path.name for path in TOP.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert tracked - {"secrets"} == {
        "services", "native", "sample", "clients", "deploy", "tests", "docs", "requirements",
    }  # fmt: skip
    packages = {path.name for path in (TOP / "services").iterdir() if (path / "__init__.py").exists()}
    assert packages == {*SERVICES, "chassis"}
