"""The tests of this folder need a running deployment, so they run when their mark asks for them, and not otherwise."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "compose" in config.getoption("markexpr"):
        return
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    if mine:
        config.hook.pytest_deselected(items=mine)
        items[:] = [item for item in items if item not in mine]
