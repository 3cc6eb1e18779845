"""Contents of files, honest ones and hostile ones, made here byte by byte."""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAIN = "application/vnd.openxmlformats-officedocument.{}.main+xml"
SCRIPT = b"<< /Type /Action /S /JavaScript /JS (app.alert\\(1\\)) >>"

# -- PDF (ISO 32000) ---------------------------------------------------------------------------------------------------


def pdf(
    pages: int = 1,
    *,
    catalog: bytes = b"",
    page: bytes = b"",
    objects: Sequence[bytes] = (),
    trailer: bytes = b"",
    packed: bool = False,
    tail: bytes = b"",
) -> bytes:
    """A PDF of so many pages. `catalog`, `page`, `trailer`: what stands in these dictionaries besides; `objects`:
    further ones, numbered on from 3 + pages; `packed`: those lie in a compressed object stream, where no search for
    words finds them.
    """
    kids = b" ".join(b"%d 0 R" % (3 + n) for n in range(pages))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
        *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s >>" % page] * pages,
    ]
    return assembled([*bodies, *objects], trailer, packed=len(objects) if packed else 0) + tail


def assembled(bodies: Sequence[bytes], trailer: bytes = b"", *, packed: int = 0) -> bytes:
    """A PDF of these objects, numbered from 1, of which the first is the catalogue. The last `packed` are in an object
    stream.
    """
    plain = bodies[: len(bodies) - packed]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets: dict[int, int] = {}
    for number, body in enumerate(plain, 1):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    if not packed:
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
        out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets.values())
        out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, trailer, start)
        return bytes(out)
    stream, reference = len(bodies) + 1, len(bodies) + 2
    inside, index = b"", b""
    for number, body in enumerate(bodies[len(plain) :], len(plain) + 1):
        index += b"%d %d " % (number, len(inside))
        inside += body + b" "
    offsets[stream] = len(out)
    data = zlib.compress(index + inside)
    out += b"%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n" % (
        stream, packed, len(index), len(data),
    )  # fmt: skip
    out += data + b"\nendstream\nendobj\n"
    start = offsets[reference] = len(out)
    rows = b"".join(
        struct.pack(">BIB", 1, offsets[n], 0) if n in offsets
        else struct.pack(">BIB", 2, stream, n - len(plain) - 1) if n
        else struct.pack(">BIB", 0, 0, 255)
        for n in range(reference + 1)
    )  # fmt: skip
    data = zlib.compress(rows)
    out += b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 1] /Root 1 0 R /Filter /FlateDecode /Length %d %s >>\n" % (
        reference, reference + 1, len(data), trailer,
    )  # fmt: skip
    out += b"stream\n" + data + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def swelling(begin: bytes, megabytes: int) -> bytes:
    """As `zlib.compress` makes it of `begin` and so many megabytes of spaces, which are packed once and repeated."""
    megabyte = b" " * 1_000_000
    whole = zlib.compressobj(9)
    head = whole.compress(begin) + whole.flush(zlib.Z_FULL_FLUSH)
    block = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    repeated = block.compress(megabyte) + block.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, wbits=-zlib.MAX_WBITS).flush()
    checked = zlib.adler32(begin)
    for _ in range(megabytes):
        checked = zlib.adler32(megabyte, checked)
    return head + repeated * megabytes + end + checked.to_bytes(4)


def stream_bomb(megabytes: int) -> bytes:
    """A PDF whose object stream unpacks to so many megabytes of nothing."""
    data = swelling(b"9 0 ", megabytes)
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(data)
    bomb = head + data + b"\nendstream"
    plain = pdf(objects=[bomb])
    # The object that is said to be in it makes a reader unpack it.
    start = plain.rindex(b"xref\n0 ")
    rows = struct.pack(">BIB", 2, 4, 0)
    number = 10
    offset = len(plain[:start])
    reference = zlib.compress(
        struct.pack(">BIB", 0, 0, 255)
        + b"".join(struct.pack(">BIB", 1, plain.index(b"\n%d 0 obj" % n) + 1, 0) for n in (1, 2, 3, 4))
        + rows
        + struct.pack(">BIB", 1, offset, 0)
    )
    return plain[:start] + (
        b"%d 0 obj\n<< /Type /XRef /Size 11 /Index [0 5 9 2] /W [1 4 1] /Root 1 0 R /Filter /FlateDecode"
        b" /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (number, len(reference), reference, offset)
    )


def looping_pages() -> bytes:
    """A PDF whose tree of pages is its own child."""
    return assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [2 0 R 2 0 R] >>"])


def branching_pages() -> bytes:
    """A PDF of 10^30 pages in thirty small nodes: each one's children are ten times the next."""
    nodes = [b"<< /Type /Pages /Count 1 /Kids [%s] >>" % (b"%d 0 R " % (n + 3) * 10) for n in range(30)]
    return assembled([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, b"<< /Type /Page /MediaBox [0 0 9 9] >>"])


# -- images ------------------------------------------------------------------------------------------------------------


def image(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    """An image with something in it: its left half is darker."""
    picture = Image.new(mode, size, "white" if mode != "P" else 1)
    picture.paste(0, (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def photo_with_place(orientation: int = 6) -> bytes:
    """A JPEG that says in its EXIF where it was taken, with which comment, and how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "Nha ba Hoa, thon 3"
    exif[0x8825] = {1: "N", 2: (19.0, 48.0, 1.0), 3: "E", 4: (105.0, 46.0, 1.0)}
    return image("JPEG", (60, 40), exif=exif, comment=b"<?php system($_GET[0]); ?>", dpi=(300, 300))


def png_of(width: int, height: int) -> bytes:
    """A small PNG that says it has so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * 3 + 1, 1_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# -- archives ----------------------------------------------------------------------------------------------------------


def office(kind: str = "wordprocessingml.document", parts: Mapping[str, bytes] | None = None, types: str = "") -> bytes:
    """The smallest document that is one, with more `parts`; `types` is put into its list of content types."""
    main = "word/document.xml" if kind.startswith("word") else "xl/workbook.xml"
    content_types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/{main}" ContentType="{_MAIN.format(kind)}"/>{types}</Types>'
    )
    plain = {
        "[Content_Types].xml": content_types.encode(),
        "_rels/.rels": relations((main, "officeDocument", "Internal")),
        main: b'<?xml version="1.0"?><document/>',
    }
    return archive({**plain, **(parts or {})})


def noise(size: int) -> bytes:
    """Bytes that no compression makes fewer."""
    return hashlib.shake_128(b"noise").digest(size)


def archive(parts: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in parts.items():
            written.writestr(name, data)
    return out.getvalue()


def relations(*targets: tuple[str, str, str]) -> bytes:
    """(target, type, mode) each."""
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rows = "".join(
        f'<Relationship Id="r{n}" Type="{base}/{kind}" Target="{target}" TargetMode="{mode}"/>'
        for n, (target, kind, mode) in enumerate(targets)
    )
    text = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rows}</Relationships>'
    return text.encode()


def lying_bomb(megabytes: int) -> bytes:
    """A document with a part that says it has ten bytes, and has so many megabytes."""
    whole = bytearray(office(parts={"word/media/image1.xml": bytes(megabytes * 1_000_000)}))
    size = struct.pack("<I", megabytes * 1_000_000)
    at = 0
    while (at := whole.find(size, at)) >= 0:
        whole[at : at + 4] = struct.pack("<I", 10)
    return bytes(whole)


def overlapping_bomb() -> bytes:
    """A document two of whose entries are the same bytes."""
    whole = office(parts={"word/a.xml": b"a" * 1000, "word/b.xml": b"a" * 1000})
    directory = whole.index(b"PK\x01\x02")
    first = whole.index(b"PK\x03\x04", whole.index(b"word/a.xml") - 30)
    entry = whole.index(b"word/b.xml", directory) - 46
    return whole[: entry + 42] + struct.pack("<I", first) + whole[entry + 46 :]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"
