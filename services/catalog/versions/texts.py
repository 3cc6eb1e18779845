"""What the fields of a procedure are called, for people who read what changed."""

from collections.abc import Mapping

FIELDS: Mapping[str, tuple[str, str]] = {
    "local_code": ("Mã địa phương", "Local code"),
    "name": ("Tên", "Name"),
    "field": ("Lĩnh vực", "Field"),
    "code": ("Mã", "Code"),
    "service_level": ("Mức độ dịch vụ công trực tuyến", "Service level"),
    "agencies": ("Cơ quan thực hiện", "Agencies"),
    "levels": ("Cấp thực hiện", "Levels"),
    "applicants": ("Đối tượng thực hiện", "Applicants"),
    "components": ("Thành phần hồ sơ", "Components"),
    "originals": ("Số bản chính", "Originals"),
    "copies": ("Số bản sao", "Copies"),
    "required": ("Bắt buộc", "Required"),
    "result_code": ("Mã kết quả", "Result code"),
    "replaced_by_database": ("Cơ sở dữ liệu thay thế", "Replaced by database"),
    "durations": ("Thời hạn giải quyết", "Durations"),
    "counter": ("Trực tiếp", "At the counter"),
    "online": ("Trực tuyến", "Online"),
    "amount": ("Số lượng", "Amount"),
    "unit": ("Đơn vị tính", "Unit"),
    "cut_off": ("Giờ tính sang ngày làm việc tiếp theo", "Cut-off hour"),
    "supplement_rule": ("Cách tính thời hạn khi bổ sung hồ sơ", "Supplement rule"),
    "fees": ("Phí, lệ phí", "Fees"),
    "kind": ("Loại", "Kind"),
    "online_amount": ("Mức thu khi nộp trực tuyến", "Amount when filed online"),
    "exemptions": ("Trường hợp miễn", "Exemptions"),
    "legal_basis": ("Căn cứ pháp lý", "Legal basis"),
    "process": ("Quy trình nội bộ", "Process"),
    "steps": ("Các bước", "Steps"),
    "role": ("Vai trò", "Role"),
    "agency": ("Cơ quan", "Agency"),
    "share": ("Tỷ lệ thời gian (%)", "Share of the time (%)"),
    "after": ("Sau bước", "After"),
    "decision": ("Quyết định", "Decision"),
    "join": ("Chờ tất cả hay một trong các bước trước", "Waits for all or one of them"),
    "condition": ("Điều kiện", "Condition"),
    "child": ("Thủ tục con", "Child procedure"),
    "facts": ("Dữ kiện của quy trình", "Facts of the process"),
    "pointer": ("Vị trí trong mẫu đơn", "Place in the form"),
    "result": ("Kết quả", "Result"),
    "essential": ("Danh mục dịch vụ công thiết yếu", "Essential-services lists"),
    "form": ("Mẫu đơn, tờ khai điện tử", "Form"),
    "valid_from": ("Có hiệu lực từ", "Valid from"),
    "valid_to": ("Hết hiệu lực từ", "Valid to"),
    "withdrawal": ("Bãi bỏ", "Withdrawal"),
    "on": ("Từ ngày", "On"),
}
SEPARATOR = " › "


def label(pointer: str, language: int) -> str:
    """A pointer in words, 0 Vietnamese, 1 English: `Thành phần hồ sơ › TP1 › Số bản sao`. Inside a form, names as they
    are."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    own = 1 if parts[:1] == ["form"] else len(parts)
    words = [FIELDS[part][language] if n < own and part in FIELDS else part for n, part in enumerate(parts)]
    return SEPARATOR.join(words)
