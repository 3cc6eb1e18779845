"""Collecting what is wrong with a thing, field by field. Plain Python."""

import re
from collections.abc import Sequence
from datetime import date

from chassis.errors import FieldError

MAX_TEXT = 2_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Wrong:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, pointer: str, code: str, message: str) -> None:
        self.errors.append(FieldError(pointer, code, message))

    def unless(self, holds: object, pointer: str, code: str, message: str) -> None:
        if not holds:
            self.add(pointer, code, message)

    def text(self, pointer: str, text: str) -> None:
        self.unless(text.strip(), pointer, "blank", "some text")
        self.unless(len(text) <= MAX_TEXT, pointer, "too_long", f"at most {MAX_TEXT} characters")
        self.unless(not _CONTROL.search(text), pointer, "control_character", "text without control characters")

    def repeated(self, pointer: str, values: Sequence[object], field: str = "") -> None:
        seen: set[object] = set()
        for n, value in enumerate(values):
            self.unless(value not in seen, f"{pointer}/{n}{field}", "repeated", "is there already")
            seen.add(value)

    def period(self, start: date | None, end: date | None, pointer: str) -> None:
        if start is not None and end is not None:
            self.unless(start < end, f"{pointer}/valid_to", "period", "a day after valid_from")
