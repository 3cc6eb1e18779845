"""Questions that are asked of other agencies."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chassis import worktime
from chassis.web import Body
from workflow.domain.parts import Budget
from workflow.schemas.fields import Identifier, Note


class TimeGiven(BaseModel):
    """How much time there is. Calendar days are whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    unit: Literal["working_day", "calendar_day", "hour"]

    @model_validator(mode="after")
    def _fits(self) -> "TimeGiven":
        worktime.Budget(self.amount, self.unit)
        return self

    def budget(self) -> Budget:
        return Budget(amount=self.amount, unit=self.unit)


class OpinionBody(Body):
    """`agency`: who is asked, and in whose working hours the time is counted. `role`: for whom there, as the asking
    step's when it is not given."""

    agency: Identifier
    question: Note
    amount: TimeGiven
    role: Literal["one_stop", "head", "expert", "leader", "clerk"] | None = None
