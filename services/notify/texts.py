"""Words for people: Vietnamese, English."""

from collections.abc import Mapping

from notify.domain.telling import Group

GROUPS: Mapping[Group, tuple[str, str]] = {
    "reception": ("Nộp và tiếp nhận hồ sơ", "Filing and reception"),
    "supplement": ("Yêu cầu bổ sung hồ sơ", "Requests to supplement"),
    "fee": ("Phí, lệ phí", "Fees"),
    "progress": ("Tiến độ giải quyết hồ sơ", "Progress of dossiers"),
    "deadline": ("Thay đổi ngày hẹn trả kết quả", "Changes of the due date"),
    "result": ("Kết quả giải quyết hồ sơ", "Results"),
}
