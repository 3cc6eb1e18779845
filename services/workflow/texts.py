"""Workflow's words for people, Vietnamese first, English second."""

from datetime import datetime

from chassis.worktime import ZONE
from workflow.domain.processes import Process, State

UNIT = {
    "working_day": ("ngày làm việc", "working days"),
    "calendar_day": ("ngày", "calendar days"),
    "hour": ("giờ làm việc", "working hours"),
}
TIMING = {"early": ("trước hạn", "early"), "on_time": ("đúng hạn", "on time"), "late": ("quá hạn", "late")}


def local(instant: datetime) -> str:
    return instant.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")


def minutes(count: int) -> tuple[str, str]:
    """Working minutes as people say them; a working day has 8 hours."""
    days, rest = divmod(count, 480)
    hours, left = divmod(rest, 60)
    return f"{days} ngày {hours} giờ {left} phút làm việc", f"{days} working days {hours} hours {left} minutes"


def explanation(process: Process, used: int) -> list[tuple[str, str]]:
    """How the due date comes about, line by line."""
    lines = [
        (f"Tiếp nhận lúc {local(process.received_at)}.", f"Received at {local(process.received_at)}."),
        (
            f"Bắt đầu tính từ {local(process.clock_at)} (giờ làm việc của cơ quan tiếp nhận).",
            f"The clock starts at {local(process.clock_at)} (working hours of the receiving agency).",
        ),
    ]
    if process.budget is None or process.due_at is None:
        lines.append(("Thủ tục không quy định thời hạn giải quyết.", "The procedure has no time limit."))
    else:
        unit, amount = UNIT[process.budget.unit], f"{process.budget.amount:g}"
        lines.append(
            (
                f"Thời hạn giải quyết {amount.replace('.', ',')} {unit[0]}: hẹn trả {local(process.due_at)}.",
                f"Time limit {amount} {unit[1]}: due {local(process.due_at)}.",
            )
        )
    spent = minutes(used)
    lines.append((f"Đã dùng {spent[0]}.", f"Used: {spent[1]}."))
    if process.finished_at is not None and process.timing is not None:
        timing = TIMING[process.timing]
        lines.append(
            (
                f"Xử lý xong lúc {local(process.finished_at)}: {timing[0]}.",
                f"Finished at {local(process.finished_at)}: {timing[1]}.",
            )
        )
    if process.state is State.WITHDRAWN and process.withdrawn_at is not None:
        at = local(process.withdrawn_at)
        lines.append((f"Người nộp rút hồ sơ lúc {at}.", f"Withdrawn by the applicant at {at}."))
    return lines
