"""Office Open XML (ECMA-376): word processing documents and workbooks without macros.

They are ZIP archives, so everything that an archive can hide is looked for first.
"""

import re
import struct
import zipfile
from typing import IO
from xml.etree import ElementTree as ET

from chassis.confined import Refused
from intake.inspection.findings import Found, Limits

MOST_ENTRIES = 5_000
MOST_RATIO = 200
"""Honest XML shrinks to a fiftieth at best."""
SMALL = 20_000_000
"""What unpacks to less is no bomb, whatever its ratio."""
MOST_RELATIONS = 5_000_000
_PIECE = 1024 * 1024
_MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
_KINDS = {
    "wordprocessingml.document": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "spreadsheetml.sheet": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ACTIVE_NAMES = re.compile(
    r"vba|activex|macrosheets|dialogsheets|/embeddings/|oleobject|customui"
    r"|\.(?:exe|dll|com|scr|js|jse|vbs|wsf|hta|html?|bat|cmd|ps1|jar|lnk|swf|zip|rar|7z|docm|xlsm|docx|xlsx)$",
    re.IGNORECASE,
)
_DESCRIPTOR = 24
"""Bytes that a data descriptor behind an entry has, at most."""
_HYPERLINK = "/hyperlink"


def check(file: IO[bytes], limits: Limits) -> Found:
    """Raises Refused; BadZipFile and others for what is not an archive."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if "[Content_Types].xml" not in {entry.filename for entry in entries}:
            raise Refused("file_type_refused", "an archive that is no office document")
        if len(entries) > MOST_ENTRIES:
            raise Refused("file_expands_too_much", f"an office document has {MOST_ENTRIES} parts at most")
        _check_layout(file, archive, entries)
        for entry in entries:
            _check_entry(entry)
        if sum(entry.file_size for entry in entries) > limits.expanded:
            raise Refused("file_expands_too_much", "the office document unpacks to too much")
        left = limits.expanded
        for entry in entries:
            left -= _check_content(archive, entry, left)
        return Found(_kind(archive.read("[Content_Types].xml")), None)


def _check_layout(file: IO[bytes], archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """The archive fills the file: nothing before, between or behind its entries, and none inside another."""
    file.seek(-22, 2)
    end = file.read()
    if end[:4] != b"PK\x05\x06" or end[20:] != b"\0\0":
        raise Refused("file_foreign_data", "something comes after the end of the archive")
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if not at <= entry.header_offset <= at + _DESCRIPTOR:
            code = "file_expands_too_much" if entry.header_offset < at else "file_foreign_data"
            raise Refused(code, "the archive's entries overlap, or something lies between them")
        file.seek(entry.header_offset)
        name, extra = struct.unpack("<HH", file.read(30)[26:])
        at = entry.header_offset + 30 + name + extra + entry.compress_size
    if not at <= archive.start_dir <= at + _DESCRIPTOR:
        raise Refused("file_foreign_data", "something lies between the archive's entries")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise Refused("file_encrypted", "the office document is encrypted")
    name = entry.filename
    if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
        raise Refused("file_damaged", "a part's name leads out of the archive")
    if _ACTIVE_NAMES.search(name):
        raise Refused("file_active_content", "the office document has macros or embedded files")
    if entry.file_size > SMALL and entry.file_size > MOST_RATIO * max(1, entry.compress_size):
        raise Refused("file_expands_too_much", "a part of the office document unpacks to too much")


def _check_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> int:
    """Unpacks the part, whatever it says of its size; how many bytes it has."""
    size = 0
    lower = entry.filename.lower()
    relations = bytearray()
    with archive.open(entry) as part:
        while piece := part.read(_PIECE):
            if not size and lower.endswith((".xml", ".rels", ".vml")):
                # In UTF-16 every other byte is a zero.
                head = piece[:4096].replace(b"\0", b"")
                if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                    raise Refused("file_active_content", "a part of the office document declares entities")
            size += len(piece)
            if size > left:
                raise Refused("file_expands_too_much", "the office document unpacks to too much")
            if lower.endswith(".rels"):
                relations += piece
                if size > MOST_RELATIONS:
                    raise Refused("file_too_complex", "the office document has too many relations")
    if relations:
        _check_relations(bytes(relations))
    return size


def _check_relations(text: bytes) -> None:
    """Only links to click on may lead out of the document: templates, objects and images are fetched unasked."""
    for relation in ET.fromstring(text):  # noqa: S314 (a part with a DTD does not come here, and time is limited)
        if relation.get("TargetMode") == "External" and not relation.get("Type", "").endswith(_HYPERLINK):
            raise Refused("file_active_content", "the office document fetches contents from elsewhere")


def _kind(types: bytes) -> str:
    text = types.replace(b"\0", b"").decode(errors="replace")
    if "macroenabled" in text.lower() or "vbaproject" in text.lower():
        raise Refused("file_active_content", "the office document has macros")
    kinds = [media_type for part, media_type in _KINDS.items() if _MAIN.format(part) in text]
    if len(kinds) != 1:
        raise Refused("file_type_refused", "neither a word processing document nor a workbook")
    return kinds[0]
