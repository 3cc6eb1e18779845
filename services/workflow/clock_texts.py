"""The deadline clock's account in words, Vietnamese first, English second."""

from datetime import datetime

from workflow.domain.accounts import Account, PauseLine, YearsDays
from workflow.domain.parts import Budget, Extension, Moved, Rescheduling
from workflow.domain.processes import Process, State
from workflow.texts import TIMING, UNIT, local, minutes

Line = tuple[str, str]

PAUSE = {
    "supplement": ("chờ bổ sung hồ sơ", "waiting for a supplement"),
    "fee": ("chờ thực hiện nghĩa vụ tài chính", "waiting for a fee"),
    "other": ("vì căn cứ khác", "another legal cause"),
}
STARTED_LATER = {
    "outside_hours": (
        "vì tiếp nhận ngoài giờ làm việc hoặc vào ngày nghỉ",
        "since it was received outside working hours or on a day off",
    ),
    "cut_off": (
        "vì tiếp nhận sau giờ chốt nhận hồ sơ trong ngày, hoặc vào ngày nghỉ theo lịch khi đó",
        "since it was received after the day's cut-off hour, or on what was a day off then",
    ),
}


def explanation(process: Process, account: Account) -> list[Line]:
    """How the due date comes about, line by line: what is counted, by which rule, and what each line of the ledger did
    to the due date."""
    lines = [*_start(process, account)]
    if account.state != "none":
        for year in account.days:
            lines += _days(year)
        lines += [_ledger_line(process, line) for line in account.ledger]
        lines += _due(process, account)
    spent = minutes(account.used)
    lines.append((f"Đã dùng {spent[0]}.", f"Used: {spent[1]}."))
    if account.state in ("running", "paused") and process.due_at is not None:
        lines.append(_left(account))
    return [*lines, *_end(process)]


def _start(process: Process, account: Account) -> list[Line]:
    at = local(process.clock_at)
    hours = ("giờ làm việc của cơ quan tiếp nhận", "working hours of the receiving agency")
    why = ("", "") if account.started_later is None else STARTED_LATER[account.started_later]
    vi, en = (f"{hour}; {cause}" if cause else hour for hour, cause in zip(hours, why, strict=True))
    lines = [
        (f"Tiếp nhận lúc {local(process.received_at)}.", f"Received at {local(process.received_at)}."),
        (f"Bắt đầu tính từ {at} ({vi}).", f"The clock starts at {at} ({en})."),
    ]
    if process.budget is None or account.promised_at is None:
        return [*lines, ("Thủ tục không quy định thời hạn giải quyết.", "The procedure has no time limit.")]
    amount, promised = _amount(process.budget), local(account.promised_at)
    limit = (
        f"Thời hạn giải quyết {amount[0]}: hẹn trả {promised}.",
        f"Time limit {amount[1]}: due {promised}.",
    )
    return [*lines, limit]


def _days(year: YearsDays) -> list[Line]:
    by = (f" ({year.decision})", f" ({year.decision})") if year.decision else ("", "")
    words = (
        (year.off, "Ngày nghỉ trong thời hạn", "Days off in between"),
        (year.made_up, "Ngày làm việc bù trong thời hạn", "Make-up working days in between"),
    )
    lines = []
    for days, vi, en in words:
        named = "; ".join(f"{day.date:%d/%m/%Y} {day.name}".rstrip() for day in days)
        if named:
            lines.append((f"{vi}: {named}{by[0]}.", f"{en}: {named}{by[1]}."))
    return lines


def _ledger_line(process: Process, line: PauseLine | Extension | Rescheduling) -> Line:
    if isinstance(line, PauseLine):
        return _pause(process, line)
    if isinstance(line, Extension):
        return _extension(line)
    moved = _moved(line.previous_due_at, line.due_at)
    at, by = local(line.at), f" ({line.decision})" if line.decision else ""
    return (
        f"Lịch làm việc năm {line.year} thay đổi{by}, tính lại lúc {at}{moved[0]}.",
        f"The working calendar of {line.year} changed{by}, computed anew at {at}{moved[1]}.",
    )


def _pause(process: Process, line: PauseLine) -> Line:
    pause, spent = line.pause, minutes(line.minutes)
    why, begin, basis = PAUSE[pause.kind], local(pause.begin), pause.basis
    if pause.end is None:
        stands = ("", "")
        if process.state is State.PAUSED and process.due_at is not None:
            due = local(process.due_at)
            stands = (
                f"; hạn trả {due} được tính lại khi hết tạm dừng",
                f"; the due date {due} is computed anew when it ends",
            )
        return (
            f"Tạm dừng từ {begin}, {why[0]} (căn cứ {basis}): đến nay {spent[0]} không tính{stands[0]}.",
            f"Paused since {begin}, {why[1]} (basis {basis}): so far {spent[1]} not counted{stands[1]}.",
        )
    end, moved = local(pause.end), _of(pause.moved)
    anew = ("; sau đó thời hạn tính lại từ đầu", "; then the time begins anew") if pause.restarts else ("", "")
    cancelled = any(entry.act == "fee_cancelled" and entry.at == pause.end for entry in process.journal)
    by_whom = ("; bộ phận một cửa đã hủy khoản này", "; the one-stop unit cancelled it") if cancelled else ("", "")
    did = f"{spent[0]} không tính{anew[0]}{moved[0]}", f"{spent[1]} not counted{anew[1]}{moved[1]}"
    return (
        f"Tạm dừng từ {begin} đến {end}, {why[0]} (căn cứ {basis}){by_whom[0]}: {did[0]}.",
        f"Paused from {begin} to {end}, {why[1]} (basis {basis}){by_whom[1]}: {did[1]}.",
    )


def _extension(extension: Extension) -> Line:
    amount, at, moved = _amount(extension.amount), local(extension.at), _of(extension.moved)
    apology = (", kèm văn bản xin lỗi", ", with an apology") if extension.apology else ("", "")
    return (
        f"Gia hạn {amount[0]} lúc {at}{apology[0]} (căn cứ {extension.basis}){moved[0]}.",
        f"Extended by {amount[1]} at {at}{apology[1]} (basis {extension.basis}){moved[1]}.",
    )


def _due(process: Process, account: Account) -> list[Line]:
    if process.due_at is None or not account.ledger:
        return []
    now = local(process.due_at)
    lines = [(f"Hạn trả hiện nay: {now}.", f"Due now: {now}.")]
    if account.previous:
        earlier = ", ".join(local(at) for at in account.previous)
        lines.append((f"Các hạn đã hẹn trước đây: {earlier}.", f"Due dates promised before: {earlier}."))
    return lines


def _left(account: Account) -> Line:
    if not account.left:
        return ("Đã hết thời hạn.", "No time is left.")
    left = minutes(account.left)
    return (f"Còn lại {left[0]}.", f"Left: {left[1]}.")


def _end(process: Process) -> list[Line]:
    lines = []
    if process.finished_at is not None and process.timing is not None:
        at, timing = local(process.finished_at), TIMING[process.timing]
        lines.append((f"Xử lý xong lúc {at}: {timing[0]}.", f"Finished at {at}: {timing[1]}."))
    if process.state is State.STOPPED and process.stopped_at is not None:
        at = local(process.stopped_at)
        lines.append((f"Dừng xử lý lúc {at}.", f"Stopped at {at}."))
    if process.state is State.WITHDRAWN and process.withdrawn_at is not None:
        at = local(process.withdrawn_at)
        lines.append((f"Người nộp rút hồ sơ lúc {at}.", f"Withdrawn by the applicant at {at}."))
    return lines


def _amount(budget: Budget) -> Line:
    unit, amount = UNIT[budget.unit], f"{budget.amount:g}"
    return f"{amount.replace('.', ',')} {unit[0]}", f"{amount} {unit[1]}"


def _of(moved: Moved | None) -> Line:
    return ("", "") if moved is None else _moved(moved.previous_due_at, moved.due_at)


def _moved(before: datetime | None, after: datetime | None) -> Line:
    """What it did to the due date."""
    if before == after:
        return ": hạn trả giữ nguyên", ": the due date stays"
    was, now = ("—" if at is None else local(at) for at in (before, after))
    return f": hạn trả {was} → {now}", f": due {was} → {now}"
