"""What a result is worth, in words: Vietnamese first, English second."""

from typing import Literal

Verdict = Literal["valid", "recalled", "replaced", "unsigned", "broken", "not_ours", "not_ours_broken", "no_signature"]

VERDICTS: dict[Verdict, tuple[str, str]] = {
    "valid": (
        "Văn bản này đúng là kết quả đã ban hành, đang có hiệu lực và chữ ký số còn nguyên vẹn.",
        "This is the result that was issued, it is in force, and its signature is intact.",
    ),
    "unsigned": (
        "Văn bản này đúng là kết quả đã ban hành, đang có hiệu lực, không có chữ ký số.",
        "This is the result that was issued, and it is in force; it has no digital signature.",
    ),
    "recalled": ("Kết quả này đã bị thu hồi.", "This result was recalled."),
    "replaced": ("Kết quả này đã được thay thế bằng kết quả khác.", "This result was replaced by another one."),
    "broken": (
        "Văn bản này đúng là kết quả đã ban hành, nhưng chữ ký số không hợp lệ.",
        "This is the result that was issued, but its signature does not hold.",
    ),
    "not_ours": (
        "Tệp này không phải là kết quả đã ban hành; chữ ký số trong tệp còn nguyên vẹn.",
        "This file is not a result that was issued here; the signature in it is intact.",
    ),
    "not_ours_broken": (
        "Tệp này không phải là kết quả đã ban hành: nội dung đã bị sửa sau khi ký số.",
        "This file is not a result that was issued here: it was changed after it was signed.",
    ),
    "no_signature": (
        "Tệp này không phải là kết quả đã ban hành và không có chữ ký số.",
        "This file is not a result that was issued here, and has no digital signature.",
    ),
}
