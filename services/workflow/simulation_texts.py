"""What a simulation finds, in words, Vietnamese first, English second. `{step}` is the step's name."""

from workflow.domain.simulations import Finding

FINDINGS = {
    "dead_end": (
        "Bước “{step}” không bao giờ đến lượt: hồ sơ đứng lại trước bước này.",
        "The turn of “{step}” never comes: the dossier stops before it.",
    ),
    "undecided": (
        "Hồ sơ không được bước nào quyết định.",
        "No step decides on the dossier.",
    ),
    "over_time": (
        "Tổng thời gian các bước vượt quá thời hạn giải quyết.",
        "The steps take longer than the time that the procedure allows.",
    ),
    "no_time": (
        "Bước “{step}” không có thời gian, nên không được tính và không có hạn.",
        "“{step}” has no time: it counts for nothing and is never due.",
    ),
    "fell_back": (
        "Không tìm thấy cơ quan của bước “{step}”: cơ quan tiếp nhận sẽ thực hiện.",
        "The agency of “{step}” cannot be found: the receiving agency would do it.",
    ),
    "calendar_unknown": (
        "Chưa có lịch làm việc năm {value}: kết quả có thể thay đổi khi lịch được công bố.",
        "The working calendar of {value} is not known: times may change once it is published.",
    ),
    "never_done": (
        "Không trường hợp nào trong các mẫu thử đi qua bước “{step}”.",
        "None of the cases passes through “{step}”.",
    ),
}


def told(finding: Finding, name: str) -> tuple[str, str]:
    """The finding in both languages. `name`: its step's."""
    vi, en = FINDINGS[finding.code]
    return vi.format(step=name, value=finding.value), en.format(step=name, value=finding.value)
