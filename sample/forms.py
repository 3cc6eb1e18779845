"""Forms filled in for people who do not exist: answers that a form of the sample takes."""

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

_OF_APPLICANT = {"name": "name", "identity": "identity", "permanent_address": "address", "present_address": "address"}
"""What the population database would fill in → what the plan knows of the applicant."""
_FIRST_DAY = date(1960, 1, 1)
_DAYS = 23_000


def fill(form: Mapping[str, Any] | None, applicant: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Answers with everything that the form demands, and some of what it does not."""
    if form is None:
        return {}
    answers: dict[str, Any] = _Filler(form, applicant, random).value(form)
    return answers


class _Filler:
    def __init__(self, form: Mapping[str, Any], applicant: Mapping[str, Any], random: Random) -> None:
        self._form = form
        self._applicant = applicant
        self._random = random

    def value(self, schema: Mapping[str, Any]) -> Any:
        if "$ref" in schema:
            return self.value(self._referred(schema["$ref"]))
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kinds = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "number": self._number,
            "string": self._string,
        }
        return kinds[schema["type"]](schema)

    def _referred(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._form
        for part in reference.split("/")[1:]:
            found = found[part]
        schema: Mapping[str, Any] = found
        return schema

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        conditions = (schema.get("then", {}), *schema.get("anyOf", ()))
        demanded = {*schema.get("required", ()), *(name for one in conditions for name in one.get("required", ()))}
        return {
            name: self.value(part)
            for name, part in schema["properties"].items()
            if name in demanded or self._random.random() < 0.5
        }

    def _array(self, schema: Mapping[str, Any]) -> list[Any]:
        items = schema["items"]
        if "enum" in items:
            return self._random.sample(items["enum"], schema.get("minItems", 1))
        return [self.value(items) for _ in range(schema.get("minItems", 1))]

    def _integer(self, schema: Mapping[str, Any]) -> int:
        return self._random.randint(schema["minimum"], schema["maximum"])

    def _number(self, schema: Mapping[str, Any]) -> float:
        return self._random.randint(1, min(schema["maximum"], 500)) - 0.5

    def _string(self, schema: Mapping[str, Any]) -> str:
        known = self._applicant.get(_OF_APPLICANT.get(schema.get("x-population", ""), ""))
        kind = schema.get("format")
        if kind == "identity-number":
            return known if self._applicant["kind"] == "citizen" and known else f"038{self._digits(9)}"
        if kind == "date":
            return (_FIRST_DAY + timedelta(days=self._random.randrange(_DAYS))).isoformat()
        if kind == "phone":
            return f"0912{self._digits(6)}"
        if kind == "tax-code":
            return f"28{self._digits(8)}"
        text: str = known or self._random.choice(schema["examples"])
        return text

    def _digits(self, count: int) -> str:
        return "".join(str(self._random.randrange(10)) for _ in range(count))
