"""`replace` does what the standard library's does, whatever the dataclass is like."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import pytest

from chassis.evolving import replace


@dataclass(frozen=True, kw_only=True)
class Plain:
    name: str
    tags: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slotted:
    name: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    name: str
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a name is needed")


@pytest.mark.parametrize("kind", [Plain, Slotted, Checked])
def test_what_is_not_changed_is_as_it_was(kind: Any) -> None:
    before = kind(name="a", tags=("x",))
    after = replace(before, name="b")
    assert after == dataclasses.replace(before, name="b") == kind(name="b", tags=("x",))
    assert type(after) is kind
    assert before == kind(name="a", tags=("x",)), "the one before stays what it was"


@pytest.mark.parametrize("kind", [Plain, Slotted, Checked])
def test_a_field_that_there_is_not_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match="nmae"):
        replace(kind(name="a"), nmae="b")


def test_what_a_class_checks_is_checked_again() -> None:
    with pytest.raises(ValueError, match="needed"):
        replace(Checked("a"), name="")


def test_what_was_made_is_frozen_too() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        replace(Plain(name="a"), name="b").name = "c"  # type: ignore[misc]
