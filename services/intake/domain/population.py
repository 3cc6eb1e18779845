"""What of a person's data in the population database goes where in a filing. Plain Python.

A form says with `x-population` what it needs of the person who is looked up; nothing else is handed out. What the
database does not share is typed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from intake.domain import forms
from intake.inbound import Procedure

SHARED = frozenset(
    {
        "name", "identity", "sex", "birth_date", "birth_registration_place", "nationality", "hometown",
        "permanent_address", "present_address", "father_name", "father_identity", "mother_name", "mother_identity",
        "spouse_name", "spouse_identity",
    }
)  # fmt: skip
NOT_SHARED = ("phone", "identity_issued_on", "father_birth_date", "mother_birth_date")
"""The sharing platform leaves these out, whoever asks: the applicant types them in."""
_OF_EVERY_FILING = (
    ("name", "/applicant/name", "Họ và tên"),
    ("identity", "/applicant/identity", "Số định danh cá nhân"),
    ("permanent_address", "/applicant/address", "Địa chỉ"),
    ("phone", "/applicant/phone", "Số điện thoại"),
)
_LEVELS = 10
_MOST_PARTS = 2_000
"""A form whose parts refer to each other has no end of them."""


class State(StrEnum):
    """What became of a look-up. `not_found`: nobody has this number, name and birth date together; `malformed`: the
    answer was not readable, or about somebody else."""

    OK = "ok"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    NOT_CONFIGURED = "not_configured"
    MALFORMED = "malformed"


Person = Mapping[str, str]
"""Words of SHARED → what the database holds; a word is left out when it holds nothing. Days are YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a filing needs something: its name in the population data, the pointer into the filing, the label."""

    key: str
    pointer: str
    title: str


@dataclass(frozen=True, slots=True)
class Filled:
    """`values`: each place with its value; `to_type_in`: the names of what was not given, each once."""

    values: Sequence[tuple[Place, str]]
    to_type_in: Sequence[str]


def places(procedure: Procedure | None) -> list[Place]:
    """What a filing needs of a person: what every one does, and what the procedure's form says."""
    needed = [Place(*each) for each in _OF_EVERY_FILING]
    if procedure is not None and procedure.form is not None:
        needed += _in_form(procedure.form)
    return needed


def fill(procedure: Procedure | None, person: Person) -> Filled:
    """What of the person's data the filing needs. What would not fit the form is left to be typed in."""
    needed = places(procedure)
    found = [(place, person[place.key]) for place in needed if place.key in person]
    unfit = set() if procedure is None else _unfit(procedure, found)
    values = [(place, value) for place, value in found if place.pointer not in unfit]
    filled = {place.pointer for place, _ in values}
    open_keys = [place.key for place in needed if place.pointer not in filled]
    if procedure is None:
        open_keys += NOT_SHARED
    return Filled(values, list(dict.fromkeys(open_keys)))


def _in_form(form: Mapping[str, Any]) -> list[Place]:
    found: list[Place] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), form)]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        path, described = waiting.pop()
        key = described.get("x-population") if isinstance(described, dict) else None
        if isinstance(key, str) and path and (key in SHARED or key in NOT_SHARED):
            title = described.get("title")
            found.append(Place(key, forms.pointer("form", *path), title if isinstance(title, str) else path[-1]))
            continue
        schema = forms.referred(form, described)
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if isinstance(properties, dict) and len(path) < _LEVELS:
            waiting += [((*path, name), properties[name]) for name in reversed(properties)]
    return found


def _unfit(procedure: Procedure, found: Sequence[tuple[Place, str]]) -> set[str]:
    """The pointers of values that the form would refuse, a birthplace that is none of its options, say."""
    answers: dict[str, Any] = {}
    for place, value in found:
        first, *between, last = forms.parts(place.pointer)
        if first == "form":
            inside = answers
            for name in between:
                inside = inside.setdefault(name, {})
            inside[last] = value
    return {error.pointer for error in forms.check(procedure, answers)}
