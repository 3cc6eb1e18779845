"""Intake's words for people, Vietnamese first, English second."""

from intake.domain.dossiers import Status

STATUS: dict[Status, tuple[str, str]] = {
    Status.FILED: ("Mới đăng ký", "Filed"),
    Status.RECEIVED: ("Được tiếp nhận", "Received"),
    Status.REFUSED: ("Không được tiếp nhận", "Refused"),
    Status.IN_PROCESS: ("Đang xử lý", "In process"),
    Status.SUPPLEMENT_ASKED: ("Yêu cầu bổ sung giấy tờ", "Supplement asked"),
    Status.FEE_ASKED: ("Yêu cầu thực hiện nghĩa vụ tài chính", "Fee asked"),
    Status.WITHDRAWN: ("Công dân yêu cầu rút hồ sơ", "Withdrawn"),
    Status.STOPPED: ("Dừng xử lý", "Stopped"),
    Status.PROCESSED: ("Đã xử lý xong", "Processed"),
    Status.RETURNED: ("Đã trả kết quả", "Result returned"),
}
"""The ten states in the national portal's own words."""
