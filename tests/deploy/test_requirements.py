"""The mail catcher's image is made of the same packages, by hash, as the developer's machine."""

from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements"


def pinned(name: str) -> set[str]:
    """`package==version` and `--hash=…`, without the comments and the line continuations."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line.strip(" \\") for line in lines if line.strip() and not line.lstrip().startswith("#")}


def test_what_the_mail_catcher_needs_is_what_developers_have() -> None:
    assert len(pinned("mail.txt")) > 3
    assert pinned("mail.txt") <= pinned("dev.txt")
