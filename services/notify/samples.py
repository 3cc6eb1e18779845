"""What each template is shown with before anybody is told in its words, and what it must not leave out.

`templates/samples.json`: for each template the params of events that it may be used for, each value that changes its
words at least once, and the names that its e-mail and its message in the portal have to mention.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from notify.domain.telling import Fact, Param
from notify.templates import FOLDER


@dataclass(frozen=True, slots=True)
class Sample:
    """`variants`: params by name, with `code`; the first is what a preview shows."""

    must: tuple[str, ...]
    variants: tuple[Mapping[str, Param], ...]

    @property
    def given(self) -> frozenset[str]:
        """The names of the params."""
        return frozenset(name for variant in self.variants for name in variant)


@cache
def samples() -> Mapping[str, Sample]:
    """By the template's name: every template that there is."""
    return {
        name: Sample(tuple(each["must"]), tuple(map(read, each["samples"])))
        for name, each in _file()["templates"].items()
    }


@cache
def names() -> Mapping[str, str]:
    """Whom the samples are about: `name`, `procedure_name`, `agency_name`."""
    return dict(_file()["names"])


@cache
def dossier() -> str:
    """The id of the samples' dossier."""
    return str(_file()["dossier"])


@cache
def _file() -> Any:
    return json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))


def read(params: Mapping[str, Any]) -> dict[str, Param]:
    """Params as JSON has them: what ends in `_at` is an instant, and a list holds what a digest gathers. ValueError."""
    return {name: _param(name, value) for name, value in params.items()}


def _param(name: str, value: Any) -> Param:
    if isinstance(value, list):
        return tuple({key: _fact(key, said) for key, said in entry.items()} for entry in value)
    return _fact(name, value)


def _fact(name: str, value: Any) -> Fact:
    if value is not None and name.endswith("_at"):
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("an instant needs its offset")
        return instant
    return None if value is None else str(value)
