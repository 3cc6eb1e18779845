"""Intake's words for people, Vietnamese first, English second."""

from typing import Literal

from intake.domain.dossiers import Status
from intake.domain.parts import PauseKind
from intake.domain.population import State

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

PAUSE: dict[PauseKind, tuple[str, str]] = {
    "supplement": (
        "Tạm dừng tính thời gian, chờ bổ sung hồ sơ",
        "The clock stands still until the supplement is there",
    ),
    "fee": (
        "Tạm dừng tính thời gian, chờ thực hiện nghĩa vụ tài chính",
        "The clock stands still until the fee is paid",
    ),
    "other": ("Tạm dừng tính thời gian giải quyết", "The clock stands still"),
}
DUE_CHANGE: dict[Literal["calendar", "pause", "restart", "extension"], tuple[str, str]] = {
    "calendar": ("Lịch làm việc thay đổi", "The working calendar changed"),
    "pause": ("Không tính thời gian tạm dừng", "The time of a pause is not counted"),
    "restart": ("Tính lại thời hạn từ khi bổ sung đủ hồ sơ", "The time begins anew with the supplement"),
    "extension": ("Gia hạn thời gian giải quyết", "The time was extended"),
}
"""Why a due date became another one."""

ON_PAPER: dict[str, dict[str, str]] = {
    "channel": {"online": "trực tuyến", "counter": "trực tiếp", "post": "qua dịch vụ bưu chính công ích"},
    "unit": {"working_day": "ngày làm việc", "calendar_day": "ngày", "hour": "giờ làm việc"},
    "result_return": {
        "collect": "nhận trực tiếp",
        "post": "nhận qua dịch vụ bưu chính công ích",
        "electronic": "nhận bản điện tử trực tuyến",
    },
    "method": {"transfer": "chuyển khoản", "cash": "tiền mặt", "card": "thẻ"},
    "outcome": {"approved": "được chấp thuận", "rejected": "không được chấp thuận"},
    "timing": {"early": "trước hạn", "on_time": "đúng hạn", "late": "quá hạn"},
    "status": {status.value: vietnamese for status, (vietnamese, _) in STATUS.items()},
}
"""What is printed on papers is Vietnamese alone: they are prescribed so."""

RefusalReason = Literal[
    "not_competent", "not_eligible", "incomplete", "not_supplemented", "false_documents", "already_in_process"
]
REFUSAL_REASONS: dict[RefusalReason, tuple[str, str]] = {
    "not_competent": (
        "Hồ sơ không thuộc thẩm quyền giải quyết của cơ quan tiếp nhận",
        "The agency has no power to decide on the dossier",
    ),
    "not_eligible": (
        "Không đủ điều kiện thực hiện thủ tục theo quy định",
        "The conditions of the procedure are not met",
    ),
    "incomplete": ("Thành phần hồ sơ không đầy đủ, không hợp lệ", "Components are missing or not valid"),
    "not_supplemented": (
        "Đã quá thời hạn bổ sung hồ sơ mà không bổ sung",
        "What was asked for was not handed in by the day that was set",
    ),
    "false_documents": (
        "Giấy tờ trong hồ sơ có dấu hiệu tẩy xóa, sửa chữa, giả mạo",
        "Documents show signs of having been altered or forged",
    ),
    "already_in_process": (
        "Hồ sơ cùng nội dung đang được giải quyết",
        "A dossier of the same content is being processed",
    ),
}
"""The reasons that form 03 (Thông tư 03/2025/TT-VPCP, phiếu từ chối) is ticked with; the officer may add words."""

PREFILL: dict[State, tuple[str, str]] = {
    State.OK: (
        "Đã lấy thông tin từ Cơ sở dữ liệu quốc gia về dân cư; hãy kiểm tra và tự điền các ô còn lại",
        "Filled in from the national population database; check it, and type in what is left",
    ),
    State.NOT_FOUND: (
        "Không tìm thấy người có số định danh, họ tên và ngày sinh này; hãy tự điền thông tin",
        "Nobody has this number, name and date of birth; type everything in",
    ),
    State.UNAVAILABLE: (
        "Cơ sở dữ liệu quốc gia về dân cư đang không kết nối được; hãy tự điền thông tin, hồ sơ vẫn nộp được",
        "The national population database cannot be reached; type everything in, filing goes on",
    ),
    State.NOT_CONFIGURED: (
        "Hệ thống chưa kết nối Cơ sở dữ liệu quốc gia về dân cư; hãy tự điền thông tin",
        "The national population database is not connected; type everything in",
    ),
    State.MALFORMED: (
        "Cơ sở dữ liệu quốc gia về dân cư trả lời không đúng; hãy tự điền thông tin, hồ sơ vẫn nộp được",
        "The national population database answered with something else; type everything in, filing goes on",
    ),
}
