"""Files that come with dossiers: what is kept of each, who may name it, and what may become of it. Plain Python.

What is inside a file is looked at by `intake.inspection` before there is a `StoredFile`, and by the virus scanner
after.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chassis.errors import Invalid, Problem, TooLarge, UnsupportedMediaType, WrongState


class Scan(StrEnum):
    """`unscanned`: there is no virus scanner. `infected` files lie in quarantine: nobody is served them."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNED = "unscanned"


class FileTypeRefused(UnsupportedMediaType):
    code = "file_type_refused"
    title = "Loại tệp không được nhận; hãy gửi PDF, JPEG, PNG, WEBP, DOCX hoặc XLSX"


class FileEmpty(Invalid):
    code = "file_empty"
    title = "Tệp không có nội dung"


class FileDamaged(Invalid):
    code = "file_damaged"
    title = "Tệp bị hỏng hoặc không đúng định dạng"


class FileEncrypted(Invalid):
    code = "file_encrypted"
    title = "Tệp có mật khẩu; hãy bỏ mật khẩu rồi gửi lại"


class ActiveContent(Invalid):
    """Scripts, macros, what starts programs, embedded files, contents fetched from elsewhere."""

    code = "file_active_content"
    title = "Tệp có mã lệnh, macro hoặc tệp nhúng; hãy in lại ra PDF rồi gửi"


class ForeignData(Invalid):
    """The file is something else besides: data before, behind or between what its type has."""

    code = "file_foreign_data"
    title = "Tệp có dữ liệu lạ ghép kèm; hãy lưu lại rồi gửi"


class TooManyPages(Invalid):
    code = "file_too_many_pages"
    title = "Tệp có quá nhiều trang; hãy tách thành nhiều tệp"


class ImageTooLarge(Invalid):
    code = "file_image_too_large"
    title = "Ảnh có kích thước quá lớn; hãy giảm độ phân giải"


class ExpandsTooMuch(Invalid):
    """What it holds is out of all proportion to its size: a bomb."""

    code = "file_expands_too_much"
    title = "Tệp giải nén ra quá lớn"


class TooComplex(Invalid):
    """Looking at it took more time or memory than any honest file does."""

    code = "file_too_complex"
    title = "Tệp quá phức tạp, không kiểm tra được; hãy lưu lại đơn giản hơn"


class HashMismatch(Invalid):
    code = "file_hash_mismatch"
    title = "Nội dung nhận được không khớp mã băm đã báo"


REFUSALS: dict[str, type[Problem]] = {
    refusal.code: refusal
    for refusal in (
        FileTypeRefused, FileEmpty, FileDamaged, FileEncrypted, ActiveContent, ForeignData, TooManyPages, ImageTooLarge,
        ExpandsTooMuch, TooComplex,
    )
}  # fmt: skip
"""What an inspection may refuse a file with, by code."""


class FileTooLarge(TooLarge):
    code = "file_too_large"
    title = "Tệp quá lớn"


class FileNotClean(WrongState):
    code = "file_not_clean"
    title = "Tệp chưa được quét vi-rút hoặc có vi-rút, không mở được"


class QuotaReached(WrongState):
    code = "file_quota_reached"
    title = "Có quá nhiều tệp đã tải lên mà chưa dùng trong hồ sơ nào"


class UploadIncomplete(WrongState):
    code = "upload_incomplete"
    title = "Tệp chưa được tải lên đầy đủ"


class UploadCompleted(WrongState):
    code = "upload_completed"
    title = "Tệp này đã tải lên xong"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file whose type is known. `owner`: the subject who uploaded it, `agency`: whom that officer acts for.

    `sha256` and `size` are of what is stored, which is not what was sent where an image was encoded anew. `pages`: None
    where the type has none that could be counted. `content`: what the bytes are stored under. `keep_until`: until then
    it is kept although nothing names it; None, when something does. `threat`: the signature that the scanner found.
    """

    id: str
    owner: str
    agency: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    pages: int | None
    content: str
    scan: Scan
    uploaded_at: datetime
    scanned_at: datetime | None = None
    threat: str | None = None
    keep_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A large file that comes in chunks of `chunk_size` bytes, the last one shorter. `sha256`: what the sender says of
    the whole. `file`: what it became, once all chunks were there.
    """

    id: str
    owner: str
    agency: str | None
    name: str
    size: int
    sha256: str | None
    chunk_size: int
    expires_at: datetime
    file: str | None = None

    @property
    def chunks(self) -> int:
        return -(-self.size // self.chunk_size)

    def size_of(self, chunk: int) -> int:
        """What the chunk must have; ValueError when there is no such chunk."""
        if not 0 <= chunk < self.chunks:
            raise ValueError(chunk)
        return min(self.chunk_size, self.size - chunk * self.chunk_size)


KEPT_UNUSED = timedelta(hours=48)
"""How long an uploaded file waits to be named by a dossier, a draft or a document before it is swept."""
CLAIM = timedelta(hours=2)
"""How long a file that is about to be named is kept from the sweep, at least. No request takes that long."""
UPLOAD_EXPIRES = timedelta(hours=48)
CHUNK_SIZE = 4 * 1024 * 1024

MEDIA_TYPES = {
    "application/pdf": ("pdf",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
}
"""What is stored, with the usual endings of names, the first one first."""
_ENDINGS = frozenset(ending for endings in MEDIA_TYPES.values() for ending in endings)
NAME_BYTES = 180
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\s]+')


def may_name(file: StoredFile, subject: str, agency: str | None) -> bool:
    """Whether somebody may put the file into a dossier: who uploaded it, and officers of the same agency; nobody, when
    it is infected.
    """
    mine = file.owner == subject or (agency is not None and file.agency == agency)
    return mine and file.scan is not Scan.INFECTED


def servable(file: StoredFile, *, scanner: bool) -> bool:
    """Whether its content may be given to those who may see it; without a scanner, also what is not scanned."""
    return file.scan is Scan.CLEAN or (not scanner and file.scan in (Scan.UNSCANNED, Scan.PENDING))


def safe_name(given: str, media_type: str) -> str:
    """The name that a file is stored and served under: its last path segment in NFC, without what a file system, a
    header or a reader could take for something else, with an ending that fits what is inside.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    # Cf: marks that turn the direction of text can make `exe.pdf` of `fdp.exe`.
    shown = "".join(" " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else c for c in last)
    stem = _NOT_IN_NAMES.sub(" ", shown).strip(" .")
    head, dot, ending = stem.rpartition(".")
    fitting = MEDIA_TYPES[media_type]
    if dot and ending.lower() in _ENDINGS:
        stem, ending = head.rstrip(" ."), ending.lower() if ending.lower() in fitting else fitting[0]
    else:
        ending = fitting[0]
    cut = stem.encode()[: NAME_BYTES - len(ending) - 1].decode(errors="ignore").rstrip(" .")
    return f"{cut or 'tep'}.{ending}"
