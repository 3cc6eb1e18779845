"""Simulations of a process definition."""

from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from chassis import worktime
from chassis.json_schemas import UnfitSchema
from chassis.web import Body
from workflow import inbound, simulation_texts
from workflow.domain import conditions
from workflow.domain.parts import Outcome, Task, TaskState
from workflow.domain.processes import State
from workflow.domain.simulations import MAX_CASES, MAX_STEPS, Finding, Run
from workflow.schemas.fields import Identifier

StepId = Annotated[str, StringConstraints(pattern=r"^[^/\s\x00-\x1f\x7f]{1,60}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
FactName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$")]
FactValue = (
    bool
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=200)]
)


def _in_this_age(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    if not 2000 <= at.year <= 2100:
        raise PydanticCustomError("range", "a time of the years 2000 to 2100")
    return at


def _condition(value: dict[str, Any]) -> dict[str, Any]:
    try:
        conditions.check(value)
    except UnfitSchema as unfit:
        raise PydanticCustomError("condition", "{wrong}", {"wrong": str(unfit)[:300]}) from None
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_in_this_age)]
Condition = Annotated[
    dict[str, Any], AfterValidator(_condition), WithJsonSchema({"type": "object", "title": "Condition"})
]


class TimeBody(Body):
    """So much time."""

    amount: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
    unit: Literal["working_day", "calendar_day", "hour"]

    @model_validator(mode="after")
    def _counts(self) -> "TimeBody":
        try:
            worktime.Budget(self.amount, self.unit)
        except ValueError as error:
            raise PydanticCustomError("duration", "{wrong}", {"wrong": str(error)[:200]}) from None
        return self

    def duration(self) -> inbound.Duration:
        return inbound.Duration(amount=self.amount, unit=self.unit)


class StepBody(Body):
    """A step, as in a procedure's definition."""

    id: StepId
    name: Name
    role: Literal["one_stop", "head", "expert", "leader", "clerk"]
    agency: Identifier | None = None
    amount: TimeBody | None = None
    share: Annotated[int, Field(ge=1, le=100)] | None = None
    after: Annotated[tuple[StepId, ...], Field(max_length=20)] = ()
    decision: bool = False
    kind: Literal["task", "opinion", "child"] = "task"
    join: Literal["all", "any"] = "all"
    condition: Condition | None = None
    child: Identifier | None = None

    def step(self) -> inbound.Step:
        same = {name: getattr(self, name) for name in StepBody.model_fields if name != "amount"}
        return inbound.Step(**same, amount=None if self.amount is None else self.amount.duration())


class FactBody(Body):
    """As in a procedure's definition; a simulation is given the facts themselves."""

    name: FactName
    pointer: Annotated[str, StringConstraints(max_length=500)]


class ProcessBody(Body):
    """A process, as in a procedure's definition."""

    steps: Annotated[tuple[StepBody, ...], Field(min_length=1, max_length=MAX_STEPS)]
    facts: Annotated[tuple[FactBody, ...], Field(max_length=50)] = ()


class CaseBody(Body):
    """A made-up dossier. `outcomes`: how steps end, by their ids; else the deciding one approves."""

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    facts: dict[FactName, FactValue] = Field(default_factory=dict, max_length=50)
    outcomes: dict[StepId, Outcome] = Field(default_factory=dict, max_length=MAX_STEPS)


class SimulationBody(Body):
    """A process and the dossiers to try it on. `agency`: which receives them. `budget`: what the procedure allows, null
    for a procedure without a due date."""

    process: ProcessBody
    budget: TimeBody | None
    agency: Identifier
    received_at: Instant
    cut_off: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = Field(
        default=None, description="HH:MM; what is received later that day counts from the next working day"
    )
    cases: Annotated[tuple[CaseBody, ...], Field(min_length=1, max_length=MAX_CASES)] = (CaseBody(),)

    def procedure(self) -> inbound.Procedure:
        steps = tuple(step.step() for step in self.process.steps)
        return inbound.Procedure(
            code="simulation", version=0, process=inbound.Process(steps=steps), result=inbound.Result(name="")
        )

    def latest_hour(self) -> time | None:
        return None if self.cut_off is None else time.fromisoformat(self.cut_off)


class FindingView(BaseModel):
    """`serious`: such a dossier would never end, end without a decision, or take longer than it may."""

    code: str
    step: str | None
    serious: bool
    vi: str
    en: str

    @classmethod
    def of(cls, finding: Finding, names: dict[str, str]) -> "FindingView":
        vi, en = simulation_texts.told(finding, names.get(finding.step or "", ""))
        return cls(code=finding.code, step=finding.step, serious=finding.serious, vi=vi, en=en)


class StepView(BaseModel):
    """How a step went. `state`: "done"; "skipped"; or "waiting", and it would for ever."""

    step: str
    name: str
    role: str
    agency: str
    kind: str
    state: TaskState
    outcome: str | None
    opened_at: datetime | None
    due_at: datetime | None
    done_at: datetime | None

    @classmethod
    def of(cls, task: Task) -> "StepView":
        same = {name: getattr(task, name) for name in cls.model_fields if name != "done_at"}
        return cls(**same, done_at=task.completed_at)


class RunView(BaseModel):
    """How a case went: its steps in the process's order. `working_days` of eight hours from the start of the clock to
    the end; null when it never ends. `longest_path`: the steps that the end waited for."""

    case: str
    state: Literal["finished", "stuck"]
    outcome: str | None
    due_at: datetime | None
    finished_at: datetime | None
    timing: str | None
    working_minutes: int | None
    working_days: float | None
    steps: list[StepView]
    longest_path: list[str]
    findings: list[FindingView]

    @classmethod
    def of(cls, run: Run) -> "RunView":
        process = run.process
        names = {task.step: task.name for task in process.tasks}
        return cls(
            case=run.case.name,
            state="finished" if process.state is State.FINISHED else "stuck",
            outcome=process.outcome,
            due_at=process.due_at,
            finished_at=process.finished_at,
            timing=process.timing,
            working_minutes=run.minutes,
            working_days=None if run.minutes is None else round(run.minutes / worktime.MINUTES_PER_WORKING_DAY, 3),
            steps=[StepView.of(task) for task in process.tasks],
            longest_path=list(run.path),
            findings=[FindingView.of(finding, names) for finding in run.findings],
        )


class Simulation(BaseModel):
    """What became of each case. `clock_at`: when the clock would start. `fit`: nothing serious was found."""

    clock_at: datetime
    fit: bool
    runs: list[RunView]
    findings: list[FindingView]
