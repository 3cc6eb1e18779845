"""Habits of the source that no linter knows."""

import ast
import re
from collections.abc import Iterator

import pytest

from chassis import SERVICES
from chassis.auth import COMMON_SCOPES
from chassis.logs import FORBIDDEN
from tests.contracts.documents import TOP, of

SOURCES = sorted((TOP / "services").rglob("*.py"))
MOST_LINES = 650
"""A file that outgrows this is split by noun."""
LOGGER = re.compile(r"\blog(ger|ging)?\.")


def logged() -> Iterator[tuple[str, ast.Call]]:
    """The calls of the processes' loggers: where, and the call."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if LOGGER.search(text) else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and LOGGER.fullmatch(f"{node.func.value.id}.")
            ):
                yield f"{path}:{node.lineno}", node


def test_a_log_line_is_a_constant_name_and_no_persons_data() -> None:
    looked_at = 0
    for where, call in logged():
        assert isinstance(call.func, ast.Attribute)
        if call.func.attr not in ("debug", "info", "warning", "error", "exception"):
            continue
        [name] = call.args
        assert isinstance(name, ast.Constant), where
        assert str(name.value).replace("_", "").islower(), where
        given = {keyword.arg for keyword in call.keywords}
        assert not given & (FORBIDDEN | {None}), where
        looked_at += 1
    assert looked_at > 20


def test_a_file_is_not_too_long() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def mentions(name: str) -> Iterator[str]:
    """Every text of a service's source, also where a constant's name stands for it."""
    nodes = [
        node
        for path in (TOP / "services" / name).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    named: dict[str, str] = {}
    definitions: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            definitions.add(id(node.value))
            named |= {target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in definitions:
            yield node.value
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            word = node.id if isinstance(node, ast.Name) else node.attr
            if word in named:
                yield named[word]


@pytest.mark.parametrize("name", SERVICES)
def test_every_scope_that_is_described_is_asked_for(name: str) -> None:
    texts = list(mentions(name))
    # Once where it is described, and at least once where it is needed.
    assert [scope for scope in of(name).scopes if texts.count(scope) < 2] == []


def test_a_scope_is_described_with_the_same_words_everywhere() -> None:
    words: dict[str, set[str]] = {}
    for scopes in (COMMON_SCOPES, *(of(name).scopes for name in SERVICES)):
        for scope, text in scopes.items():
            words.setdefault(scope, set()).add(text)
    assert {scope: texts for scope, texts in words.items() if len(texts) > 1} == {}
