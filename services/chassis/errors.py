"""Named errors, and the one place that says which status, code and Vietnamese title each of them has (RFC 9457)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `pointer` is a JSON pointer into the body (RFC 6901), `code` is stable, `message` is English."""

    pointer: str
    code: str
    message: str


class Problem(Exception):  # noqa: N818 (the word of RFC 9457)
    """An answer that is not a success. A subclass fixes status and title; `code` may be narrowed by the raiser.

    A service names its own errors by subclassing one of those below with its own `code` and `title`.
    """

    status: ClassVar[int] = 500
    code: str = "internal"
    title: ClassVar[str] = "Hệ thống gặp lỗi, xin thử lại sau"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = tuple(errors)
        self.retry_after = retry_after


class Unreadable(Problem):
    status, code, title = 400, "unreadable", "Yêu cầu không đọc được"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "Chưa đăng nhập hoặc phiên đã hết hạn"


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "Không có quyền thực hiện"


class NotFound(Problem):
    status, code, title = 404, "not_found", "Không tìm thấy"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "Phương thức không được hỗ trợ"


class WrongState(Problem):
    """The thing exists and may be seen, but does not allow this act now."""

    status, code, title = 409, "wrong_state", "Trạng thái hiện tại không cho phép thao tác này"


class Stale(Problem):
    status, code, title = 412, "stale", "Dữ liệu đã thay đổi, xin tải lại"


class TooLarge(Problem):
    status, code, title = 413, "too_large", "Dữ liệu gửi lên quá lớn"


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported_media_type", "Định dạng dữ liệu không được hỗ trợ"


class Invalid(Problem):
    status, code, title = 422, "invalid", "Dữ liệu không hợp lệ"


class KeyReused(Problem):
    """The same Idempotency-Key came with another body."""

    status, code, title = 422, "idempotency_key_reused", "Khóa chống gửi trùng đã dùng cho nội dung khác"


class KeyMissing(Problem):
    status, code, title = 428, "precondition_required", "Thiếu khóa chống gửi trùng (Idempotency-Key) hoặc If-Match"


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Hệ thống tạm thời gián đoạn, xin thử lại"


class Internal(Problem):
    """What was not foreseen. Its detail never carries the exception's text, which may hold personal data."""


HTTP_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (Unreadable, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, WrongState, Stale, TooLarge)
} | {415: UnsupportedMediaType, 422: Invalid, 503: Unavailable}
"""For errors that Flask itself raises: the problem of the same status."""
