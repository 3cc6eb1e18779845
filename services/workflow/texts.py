"""Workflow's words for people, Vietnamese first, English second."""

from datetime import datetime

from chassis.worktime import ZONE

UNIT = {
    "working_day": ("ngày làm việc", "working days"),
    "calendar_day": ("ngày", "calendar days"),
    "hour": ("giờ làm việc", "working hours"),
}
ON_PAPER: dict[str, dict[str, str]] = {
    "timing": {
        "early": "Trước hạn",
        "on_time": "Đúng hạn",
        "late": "Quá hạn",
        "returned": "Trả lại",
        "done_again": "Thực hiện lại",
        "lapsed": "Hết hạn lấy ý kiến",
    },
    "act": {
        "supplement_requested": "Yêu cầu bổ sung hồ sơ, tạm dừng",
        "supplemented": "Người nộp đã bổ sung hồ sơ",
        "fee_requested": "Yêu cầu nghĩa vụ tài chính, tạm dừng",
        "fee_paid": "Người nộp đã hoàn thành nghĩa vụ tài chính",
        "fee_cancelled": "Bộ phận một cửa hủy khoản phí, lệ phí đã yêu cầu",
        "paused": "Tạm dừng",
        "resumed": "Tiếp tục giải quyết",
        "extended": "Gia hạn thời gian giải quyết",
        "transferred": "Chuyển cơ quan có thẩm quyền",
        "succeeded": "Chuyển cơ quan kế thừa",
        "stopped": "Dừng giải quyết",
        "refused": "Từ chối giải quyết",
        "withdrawn": "Người nộp rút hồ sơ",
        "finished": "Giải quyết xong",
    },
}
"""What is printed on papers is Vietnamese alone: they are prescribed so."""
TIMING = {"early": ("trước hạn", "early"), "on_time": ("đúng hạn", "on time"), "late": ("quá hạn", "late")}


def local(instant: datetime) -> str:
    return instant.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")


def minutes(count: int) -> tuple[str, str]:
    """Working minutes as people say them; a working day has 8 hours."""
    days, rest = divmod(count, 480)
    hours, left = divmod(rest, 60)
    return f"{days} ngày {hours} giờ {left} phút làm việc", f"{days} working days {hours} hours {left} minutes"
