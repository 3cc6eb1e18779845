"""Valid things to start from; a test changes what it is about."""

from dataclasses import replace
from datetime import date
from typing import Any

from catalog.domain import (
    Agency,
    CalendarDay,
    CalendarYear,
    Component,
    Duration,
    Durations,
    Fee,
    FieldOfWork,
    Procedure,
    Process,
    Result,
    Step,
)
from chassis.envelope import adapter_of


def days(amount: float) -> Duration:
    return Duration(amount=amount, unit="working_day")


def hours(amount: float) -> Duration:
    return Duration(amount=amount, unit="hour")


def procedure(**changes: Any) -> Procedure:
    made = Procedure(
        code="1.012784",
        version=1,
        local_code="1.012784.000.00.00.H56",
        name="Đăng ký đất đai lần đầu",
        field=FieldOfWork(code="DATDAI", name="Đất đai"),
        service_level="partial",
        agencies=(),
        levels=("commune",),
        applicants=("citizen",),
        components=(Component(code="TP1", name="Đơn đăng ký", originals=1),),
        durations=Durations(counter=days(3)),
        cut_off="15:00",
        supplement_rule="pause",
        fees=(Fee(code="LP1", name="Lệ phí đăng ký", kind="charge", amount=50_000),),
        process=Process(
            steps=(
                Step(id="s1", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
                Step(id="s2", name="Thẩm định", role="expert", amount=days(2), after=("s1",)),
                Step(id="s3", name="Ký", role="leader", amount=hours(4), after=("s2",), decision=True),
            )
        ),
        result=Result(code="KQ.G12.001041", name="Giấy chứng nhận"),
        essential=("project06",),
        legal_basis=("Luật Đất đai số 31/2024/QH15",),
        valid_from=date(2019, 1, 1),
        valid_to=None,
    )
    return replace(made, **changes)


def agency(id: str = "H56.14", **changes: Any) -> Agency:
    made = Agency(
        id=id,
        name="Sở Tư pháp",
        level="province",
        kind="department",
        parent=None,
        one_stop=True,
        aliases=(),
        hours=(("07:00", "11:30"), ("13:30", "17:00")),
        email="stp@thanhhoa.example",
        valid_from=date(2019, 1, 1),
        valid_to=None,
    )
    return replace(made, **changes)


def calendar(year: int = 2026, **changes: Any) -> CalendarYear:
    made = CalendarYear(
        year=year,
        decision="Thông báo 12/TB",
        known_from=date(year - 1, 12, 1),
        days=(CalendarDay(date=date(year, 1, 1), kind="off", name="Tết Dương lịch"),),
    )
    return replace(made, **changes)


def item(made: Procedure | Agency | CalendarYear) -> dict[str, Any]:
    """As an item of an import or of the sample."""
    kind: type = type(made)
    fields: dict[str, Any] = adapter_of(kind).dump_python(made, mode="json")
    fields.pop("version", None)
    return fields


def body(made: Procedure | Agency | CalendarYear) -> dict[str, Any]:
    """As the body of a PUT, whose path has the rest."""
    return {name: value for name, value in item(made).items() if name not in {"code", "id", "year"}}
