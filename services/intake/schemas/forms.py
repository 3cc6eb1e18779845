"""The answers of the routes about forms."""

from datetime import date
from typing import Any

from pydantic import BaseModel

from chassis.errors import FieldError
from chassis.web import Body
from intake.inbound import Procedure


class FormQuery(Body):
    """`on`: the day whose version is asked for; today, if it is left out."""

    on: date | None = None


class FormView(BaseModel):
    """`form`: JSON Schema (2020-12), null when the version has none."""

    procedure: str
    name: str
    version: int
    valid_from: date
    valid_to: date | None
    form: dict[str, Any] | None

    @classmethod
    def of(cls, procedure: Procedure) -> "FormView":
        return cls(
            procedure=procedure.code,
            name=procedure.name,
            version=procedure.version,
            valid_from=procedure.valid_from,
            valid_to=procedure.valid_to,
            form=procedure.form,
        )


class FaultView(BaseModel):
    """A field that is missing or wrong; `pointer` into the body of a filing."""

    pointer: str
    code: str
    message: str

    @classmethod
    def of(cls, error: FieldError) -> "FaultView":
        return cls(pointer=error.pointer, code=error.code, message=error.message)
