"""Forms with a file, as a browser sends them (RFC 7578)."""

from urllib.parse import quote

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def form(content: bytes, name: str, *, part: str = "file", boundary: str = BOUNDARY) -> bytes:
    """A form with one file. Its part tells a media type that is never the right one."""
    disposition = f"form-data; name=\"{part}\"; filename*=UTF-8''{quote(name)}"
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/x-lies\r\n\r\n"
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def form_type(boundary: str = BOUNDARY) -> str:
    """The Content-Type of a form."""
    return f"multipart/form-data; boundary={boundary}"
