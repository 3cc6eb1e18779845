"""Acts on a dossier as a whole."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, WithJsonSchema, model_validator

from chassis.web import Body
from workflow.domain.parts import OPEN, Budget, Pause
from workflow.domain.processes import Process, State
from workflow.schemas.fields import Identifier, Note

Basis = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""The legal basis: a decree's number and article, say."""
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._/-]+$")]


def _different(codes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(codes)) < len(codes):
        raise ValueError("a component is named twice")
    return codes


class SupplementRequestBody(Body):
    """`components`: the codes of what is to be handed in; none when the reason says what else is wrong. `until`: the
    last day that is waited for it. `basis`: the decree on the one-stop mechanism, when it is not given."""

    components: Annotated[tuple[Code, ...], Field(max_length=100), AfterValidator(_different)] = ()
    reason: Note
    until: date | None = None
    basis: Basis | None = None


class FeeRequestBody(Body):
    """`amount` in đồng."""

    amount: Annotated[int, Field(gt=0, le=10**12)]
    reason: Note
    basis: Basis


class PauseBody(Body):
    """Another legal cause for which the clock stands still."""

    reason: Note
    basis: Basis


class ResumptionBody(Body):
    reason: Note


_NUMBER: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1000}
_AMOUNT: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": _NUMBER, "unit": {"enum": ["working_day", "calendar_day", "hour"]}},
    "required": ["amount", "unit"],
    "additionalProperties": False,
}


class ExtensionBody(Body):
    """How much more: `amount` and its `unit`, or `amount` as {amount, unit}. `apology`: form 04 is issued with it;
    after the due day it must be. `basis`: the decree on the one-stop mechanism, when it is not given."""

    amount: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), WithJsonSchema({"anyOf": [_NUMBER, _AMOUNT]})]
    unit: Literal["working_day", "calendar_day", "hour"] = "working_day"
    reason: Note
    basis: Basis | None = None
    apology: bool = False

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, sent: Any) -> Any:
        if (
            isinstance(sent, dict)
            and isinstance(sent.get("amount"), dict)
            and sent["amount"].keys() == {"amount", "unit"}
        ):
            return {**sent, **sent["amount"]}
        return sent

    def more(self) -> Budget:
        return Budget(amount=self.amount, unit=self.unit)


class StopBody(Body):
    """`basis`: the decree on the one-stop mechanism, when it is not given."""

    reason: Note
    basis: Basis | None = None


class RefusalBody(Body):
    reason: Note
    basis: Basis


class TransferBody(Body):
    """`to`: the agency that is competent. `task`: only this open task goes there; without it, all that is left to do at
    the caller's agency."""

    to: Identifier
    reason: Note
    task: Identifier | None = None


class PauseView(BaseModel):
    """What the dossier waits for, and since when. `amount` in đồng."""

    kind: Literal["supplement", "fee", "other"]
    begin: datetime
    basis: str
    reason: str
    number: int
    components: tuple[str, ...]
    until: date | None
    amount: int | None

    @classmethod
    def of(cls, pause: Pause) -> "PauseView":
        return cls(**{name: getattr(pause, name) for name in cls.model_fields})


class Standing(BaseModel):
    """Where a dossier stands after an act on it. `pause`: what it waits for now."""

    dossier: str
    code: str
    state: State
    outcome: str | None
    due_at: datetime | None
    pause: PauseView | None
    open_tasks: list[str]
    version: int

    @classmethod
    def of(cls, process: Process, version: int) -> "Standing":
        waiting = process.pause if process.state is State.PAUSED else None
        return cls(
            dossier=process.id,
            code=process.code,
            state=process.state,
            outcome=process.outcome,
            due_at=process.due_at,
            pause=None if waiting is None else PauseView.of(waiting),
            open_tasks=[task.id for task in process.tasks if task.state in OPEN],
            version=version,
        )
