"""The contracts of import-linter (pyproject.toml), and that they notice: a rule that nothing can break is none."""

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"],
        cwd=tree, env={"PYTHONPATH": str(tree / "services")}, capture_output=True, encoding="utf-8", timeout=180,
        check=False,
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The configuration beside links to the packages; a test puts a file of its own in the place of one."""
    (tmp_path / "services").mkdir()
    (tmp_path / "pyproject.toml").symlink_to(TOP / "pyproject.toml")
    for package in (TOP / "services").iterdir():
        if (package / "__init__.py").exists():
            for file in package.rglob("*.py"):
                link = tmp_path / file.relative_to(TOP)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
    return tmp_path


def test_the_contracts_are_kept() -> None:
    ended = lint(TOP)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


def test_each_contract_is_broken_by_what_it_forbids(tree: Path) -> None:
    forbidden = {
        "intake/one.py": "import workflow.domain",
        "chassis/two.py": "import stats",
        "notify/three.py": "from kombu import Connection",
        "chassis/four.py": "import pika",
        "intake/usecases/five.py": "from pymongo.errors import PyMongoError",
        "chassis/six.py": "import bson",
        "catalog/domain.py": "from chassis import web",
        "intake/store/eight.py": "import flask",
    }
    for name, line in forbidden.items():
        path = tree / "services" / name
        path.unlink(missing_ok=True)
        path.write_text(f"{line}\n", encoding="utf-8")
    ended = lint(tree)
    assert ended.returncode == 1
    assert "0 kept, 8 broken" in ended.stdout, ended.stdout
