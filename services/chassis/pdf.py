"""PDF (ISO 32000): how many pages it has, and whether it does anything but show them.

A PDF is kept as it is, since a signature in it would not survive a change; so what must not be in it is refused.
"""

import mmap
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any, cast

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from chassis.confined import Refused

MOST_OBJECTS = 200_000
_WHITE = b"\0\t\n\x0c\r \x1a"
_ACTIVE_KEYS = frozenset({"/JS", "/JavaScript", "/EF", "/EmbeddedFiles", "/RichMediaContent", "/XFA"})
_ACTIVE_VALUES = {
    "/S": frozenset({"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition"}),
    "/Subtype": frozenset({"/RichMedia", "/FileAttachment", "/Movie", "/Sound", "/Screen"}),
    "/Type": frozenset({"/EmbeddedFile"}),
}
_ACTIVE_BYTES = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia|ImportData)(?![A-Za-z0-9])")
"""Words so long that they do not occur by chance in what is compressed."""


def checked(file: IO[bytes], most_pages: int) -> int:
    """How many pages it has; `file` is a real one. Raises anything at all that a parser raises, and Refused:
    "file_encrypted", "file_damaged", "file_too_complex", "file_too_many_pages", "file_active_content" or
    "file_foreign_data"."""
    _check_bytes(file)
    file.seek(0)
    try:
        reader = PdfReader(file, strict=False)
        if reader.is_encrypted:
            raise Refused("file_encrypted", "the PDF is encrypted")
        pages = _pages(reader, most_pages)
        _check_objects(reader)
    except LimitReachedError as error:
        raise Refused("file_too_complex", "the PDF unpacks to too much") from error
    return pages


def _check_bytes(file: IO[bytes]) -> None:
    """What can be seen without a parser, and so also what a viewer would find that takes another way than ours."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        end = raw.rfind(b"%%EOF")
        if end < 0:
            raise Refused("file_damaged", "the PDF has no end")
        if raw[end + 5 :].strip(_WHITE):
            raise Refused("file_foreign_data", "something comes after the end of the PDF")
        if _ACTIVE_BYTES.search(raw):
            raise Refused("file_active_content", "the PDF has scripts, actions or embedded files")
    if zipfile.is_zipfile(file):
        raise Refused("file_foreign_data", "the PDF is an archive as well")


def _pages(reader: PdfReader, most: int) -> int:
    """How many leaves the tree of pages has. A node that occurs twice counts twice, as it is shown twice."""
    waiting: list[Any] = [cast(Any, reader.trailer["/Root"])["/Pages"]]
    pages = nodes = 0
    while waiting:
        node = waiting.pop().get_object()
        nodes += 1
        if nodes > 4 * most + 1000:
            raise Refused("file_too_complex", "the PDF's tree of pages has no end")
        if not isinstance(node, DictionaryObject):
            raise Refused("file_damaged", "a page of the PDF is missing")
        if "/Kids" in node:
            waiting.extend(cast(Any, node["/Kids"]))
            continue
        pages += 1
        if pages > most:
            raise Refused("file_too_many_pages", f"a PDF has {most} pages at most")
    if not pages:
        raise Refused("file_damaged", "the PDF has no page")
    return pages


def _check_objects(reader: PdfReader) -> None:
    """Looks into every object that there is, whether or not a page leads to it."""
    ids = {(id, generation) for generation, known in reader.xref.items() for id in known}
    ids |= {(id, 0) for id in reader.xref_objStm}
    if len(ids) > MOST_OBJECTS:
        raise Refused("file_too_complex", f"a PDF has {MOST_OBJECTS} objects at most")
    for id, generation in sorted(ids):
        for dictionary in _dictionaries(reader.get_object(IndirectObject(id, generation, reader))):
            if any(_active(key, value) for key, value in dictionary.items()):
                raise Refused("file_active_content", "the PDF has scripts, actions or embedded files")


def _dictionaries(value: Any) -> Iterator[DictionaryObject]:
    """The dictionary itself and those inside it; what is only referred to is an object of its own."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, DictionaryObject):
            yield item
            waiting.extend(dict.values(item))
        elif isinstance(item, ArrayObject):
            waiting.extend(list.__iter__(item))


def _active(key: Any, value: Any) -> bool:
    if key in _ACTIVE_KEYS:
        return True
    values = _ACTIVE_VALUES.get(key)
    return values is not None and str(value.get_object()) in values
