"""What is let in and what is not, by what is really inside: honest files, and files that are not what they seem."""

import hashlib
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import IO

import openpyxl
import pytest
from PIL import Image
from pypdf import PdfWriter

from chassis import confined, pdf
from chassis.confined import Confined, Refused
from chassis.errors import Problem
from intake.domain.files import REFUSALS
from intake.inspection import image, office
from intake.inspection.findings import Found, Limits
from intake.inspection.run import Inspected, Inspector, kind_of
from tests.support import contents

LIMITS = Limits(pages=20, pixels=10_000, jpeg_pixels=1_000_000, expanded=3_000_000)


@contextmanager
def as_file(content: bytes) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        yield file


def looked(content: bytes, limits: Limits = LIMITS) -> tuple[Found, bytes]:
    """What the parsers say of a content, in this process, and what an image was made into."""
    out = io.BytesIO()
    with as_file(content) as file:
        kind = kind_of(content[:16])
        if kind == "PDF":
            return Found("application/pdf", pdf.checked(file, limits.pages)), b""
        if kind == "OFFICE":
            return office.check(file, limits), b""
        assert kind is not None
        return image.check(file, kind, out, limits), out.getvalue()


def refused(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Refused) as caught:
        looked(content, limits)
    assert caught.value.code in REFUSALS
    return caught.value.code


@contextmanager
def inspected(content: bytes, limits: Limits = LIMITS) -> Iterator[Inspected]:
    """As the service does it, in a process of its own."""
    with (
        as_file(content) as file,
        Inspector(limits).inspected(file, len(content), hashlib.sha256(content).hexdigest()) as found,
    ):
        yield found


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(Problem) as caught, inspected(content, limits):
        pass
    return caught.value.code


# -- by content, not by name -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        contents.SVG,
        b'<?xml version="1.0"?>' + contents.SVG,
        contents.HTML,
        b"GIF89a" + bytes(20),
        b"BM" + bytes(60),
        b"MZ" + bytes(60),
        b"\x7fELF" + bytes(60),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        b"Rar!\x1a\x07\x00" + bytes(20),
        b"\x1f\x8b\x08" + bytes(20),
        b"RIFF\x20\x00\x00\x00AVI " + bytes(20),
        b"\n%PDF-1.7\n",
        b"junk" + contents.pdf(),
        b"PK\x05\x06" + bytes(18),
        b"x",
    ],
)
def test_what_begins_like_nothing_of_ours_is_not_even_parsed(content: bytes) -> None:
    assert kind_of(content[:16]) is None


def test_an_empty_file_and_a_strange_one_are_refused() -> None:
    assert refusal(b"") == "file_empty"
    assert refusal(contents.SVG) == "file_type_refused"


def test_whatever_a_parser_stumbles_over_is_a_damaged_file() -> None:
    assert refusal(contents.pdf()[:200] + b"\n%%EOF\n") == "file_damaged"
    assert refusal(contents.image()[:300]) == "file_damaged"
    assert refusal(contents.image("PNG")[:60]) == "file_damaged"
    assert refusal(contents.office()[:300]) == "file_damaged"


# -- PDF ---------------------------------------------------------------------------------------------------------------


def test_a_pdf_is_kept_as_it_is_with_its_pages_counted() -> None:
    content = contents.pdf(3)
    with inspected(content) as found:
        assert (found.media_type, found.pages, found.size) == ("application/pdf", 3, len(content))
        assert found.content.read() == content
        assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_with_links_and_further_objects_is_let_in(packed: bool) -> None:
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://dichvucong.gov.vn) >> >>"
    content = contents.pdf(
        2, page=b"/Annots [5 0 R]", catalog=b"/OpenAction [3 0 R /Fit]", objects=[link], packed=packed
    )
    assert looked(content)[0] == Found("application/pdf", 2)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "thing",
    [
        contents.SCRIPT,
        b"<< /S /J#61vaScript /J#53 (x) >>",
        b"<< /Type /Action /S /Launch /F (cmd.exe) >>",
        b"<< /S /#4caunch /Win << /F (cmd.exe) >> >>",
        b"<< /Names [(a) << /Type /Filespec /F (a.exe) /EF << /F 1 0 R >> >>] >>",
        b"<< /Type /Annot /Subtype /FileAttachment /FS 1 0 R >>",
        b"<< /Type /Annot /Subtype /RichMedia >>",
        b"<< /AcroForm << /XFA [(x) 1 0 R] >> >>",
        b"<< /AA << /O << /S /SubmitForm /F (http://x) >> >> >>",
        b"[1 [2 << /A [<< /S /ImportData /F (x) >>] >>]]",
    ],
)
def test_a_pdf_that_does_more_than_show_pages_is_refused_wherever_it_says_so(thing: bytes, packed: bool) -> None:
    assert refused(contents.pdf(objects=[thing], packed=packed)) == "file_active_content"


def test_an_action_whose_kind_is_an_object_of_its_own_is_seen() -> None:
    content = contents.pdf(objects=[b"/Launch", b"<< /S 4 0 R /F (cmd.exe) >>"], packed=True)
    assert refused(content) == "file_active_content"


def test_a_script_that_the_table_of_objects_does_not_name_is_seen_all_the_same() -> None:
    hidden = b"9 0 obj\n" + contents.SCRIPT + b"\nendobj\n"
    content = contents.pdf()
    at = content.index(b"xref\n0 ")
    assert refused(content[:at] + hidden + content[at:]) == "file_active_content"


def test_an_encrypted_pdf_is_refused_also_when_it_opens_without_a_password() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt(user_password="", owner_password="x", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    assert refused(out.getvalue()) == "file_encrypted"


def test_a_pdf_has_only_so_many_pages() -> None:
    assert looked(contents.pdf(20))[0].pages == 20
    assert refused(contents.pdf(21)) == "file_too_many_pages"
    assert refusal(contents.pdf(10_000), Limits()) == "file_too_many_pages"


def test_a_pdf_of_endless_pages_in_a_few_nodes_is_refused_at_once() -> None:
    assert refused(contents.looping_pages()) == "file_too_complex"
    assert refused(contents.branching_pages()) == "file_too_many_pages"


def test_a_pdf_without_pages_or_with_a_missing_one_is_damaged() -> None:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    assert refused(contents.assembled([catalog, b"<< /Type /Pages /Count 5 /Kids [] >>"])) == "file_damaged"
    assert refused(contents.assembled([catalog, b"<< /Type /Pages /Count 1 /Kids [(x)] >>"])) == "file_damaged"


def test_a_pdf_that_is_something_else_as_well_is_refused() -> None:
    zipped = contents.archive({"evil.js": b"alert(1)"})
    assert refused(contents.pdf(tail=zipped)) == "file_foreign_data"
    assert refused(contents.pdf(tail=contents.HTML)) == "file_foreign_data"
    # An archive may have a comment at its end, which looks like the end of a PDF.
    comment = b"\n%%EOF\n"
    assert refused(contents.pdf(tail=zipped[:-2] + bytes([len(comment), 0]) + comment)) == "file_foreign_data"
    assert looked(contents.pdf(tail=b"\r\n\0\0 \n"))[0].pages == 1


def test_a_pdf_that_swells_is_refused() -> None:
    assert refusal(contents.stream_bomb(400), Limits()) == "file_too_complex"


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_an_image_is_encoded_anew_and_nothing_that_came_with_it_is_left(kind: str, media_type: str) -> None:
    content = contents.image(kind) + b"PK\x03\x04 <script>alert(1)</script> #EVIL"
    with inspected(content) as found:
        kept = found.content.read()
        assert (found.media_type, found.pages, found.size) == (media_type, 1, len(kept))
        assert found.sha256 == hashlib.sha256(kept).hexdigest()
    assert b"EVIL" not in kept
    shown = Image.open(io.BytesIO(kept))
    assert (shown.format, shown.size) == (kind, (60, 40))
    # The left half is dark still.
    assert [shown.convert("1").getpixel((x, 20)) for x in (10, 50)] == [0, 255]


def test_where_and_by_whom_a_photo_was_taken_is_gone_and_it_stands_upright() -> None:
    content = contents.photo_with_place(orientation=6)
    assert b"Nha ba Hoa" in content
    _, kept = looked(content)
    assert not [word for word in (b"Exif", b"Nha ba Hoa", b"php", b"GPS") if word in kept]
    shown = Image.open(io.BytesIO(kept))
    assert shown.size == (40, 60)
    assert dict(shown.getexif()) == {}
    # What was at the left is above now.
    assert [shown.convert("1").getpixel((20, y)) for y in (5, 55)] == [0, 255]
    assert shown.info["dpi"] == (300, 300)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_images_of_every_mode_are_kept(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = Image.new(mode, (30, 20))
    out = io.BytesIO()
    picture.save(out, kind)
    found, kept = looked(out.getvalue())
    assert found.rewritten
    assert Image.open(io.BytesIO(kept)).size == (30, 20)


def test_text_chunks_of_a_png_are_gone() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "<?php evil ?>")
    content = contents.image("PNG", pnginfo=info)
    assert b"evil" in content
    assert b"evil" not in looked(content)[1]


def test_an_image_that_says_it_is_huge_is_refused_before_it_is_unpacked() -> None:
    assert refusal(contents.png_of(100_000, 100_000), Limits()) == "file_image_too_large"
    assert looked(contents.image("PNG", (100, 100)))[0].pages == 1
    assert refused(contents.image("PNG", (101, 100))) == "file_image_too_large"


def test_a_large_photo_is_made_smaller_and_a_monstrous_one_refused() -> None:
    assert Image.open(io.BytesIO(looked(contents.image("JPEG", (400, 300)))[1])).size == (100, 75)
    assert refused(contents.image("JPEG", (1001, 1000))) == "file_image_too_large"


# -- office documents --------------------------------------------------------------------------------------------------


def workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "Xin chào"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_word_documents_and_workbooks_are_kept_as_they_are() -> None:
    assert looked(contents.office())[0] == Found(contents.DOCX, None)
    assert looked(contents.office("spreadsheetml.sheet"))[0] == Found(contents.XLSX, None)
    content = workbook()
    with inspected(content) as found:
        assert (found.media_type, found.content.read()) == (contents.XLSX, content)
    link = contents.relations(("https://thanhhoa.gov.vn", "hyperlink", "External"))
    assert looked(contents.office(parts={"word/_rels/document.xml.rels": link}))[0].media_type == contents.DOCX


def test_an_archive_that_is_no_document_is_refused() -> None:
    assert refused(contents.archive({"a.txt": b"x"})) == "file_type_refused"
    assert refused(contents.archive({"[Content_Types].xml": b"<Types/>"})) == "file_type_refused"
    assert refused(contents.office("presentationml.presentation")) == "file_type_refused"


@pytest.mark.parametrize(
    "parts",
    [
        {"word/vbaProject.bin": b"x"},
        {"word/activeX/activeX1.bin": b"x"},
        {"word/embeddings/oleObject1.bin": b"x"},
        {"xl/macrosheets/sheet1.xml": b"x"},
        {"word/media/setup.exe": b"MZ"},
        {"word/afchunk.html": contents.HTML},
        {"word/_rels/settings.xml.rels": contents.relations(("http://x/t.dotm", "attachedTemplate", "External"))},
        {"word/_rels/document.xml.rels": contents.relations(("http://x/i.png", "image", "External"))},
        {
            "customXml/item1.xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
        },
        {"customXml/item2.xml": '<?xml version="1.0"?><!DOCTYPE a>'.encode("utf-16")},
    ],
    ids=lambda parts: next(iter(parts)),
)
def test_macros_embedded_files_and_contents_from_elsewhere_are_refused(parts: dict[str, bytes]) -> None:
    assert refused(contents.office(parts=parts)) == "file_active_content"


def test_a_macro_enabled_document_by_another_name_is_refused() -> None:
    types = '<Override PartName="/x" ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'
    assert refused(contents.office(types=types)) == "file_active_content"


def test_archives_that_unpack_to_too_much_are_refused() -> None:
    assert refused(contents.office(parts={"word/media/a.png": os.urandom(1000) * 4000})) == "file_expands_too_much"
    bomb = contents.office(parts={"word/a.xml": bytes(60_000_000)})
    assert refused(bomb, Limits(expanded=200_000_000)) == "file_expands_too_much"
    assert refused(contents.overlapping_bomb()) == "file_expands_too_much"
    assert refused(contents.office(parts={f"word/{n}.xml": b"" for n in range(5_000)})) == "file_expands_too_much"
    # It says that it is small, and is not.
    assert refusal(contents.lying_bomb(10), Limits(expanded=5_000_000)) in ("file_expands_too_much", "file_damaged")


def test_what_an_archive_hides_between_and_behind_its_entries_is_refused() -> None:
    content = contents.office()
    assert refused(content + b"<script>") == "file_foreign_data"
    assert refused(b"PK\x03\x04" + contents.HTML + content) == "file_foreign_data"
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        out.seek(archive.start_dir)
        out.write(b"<script>alert(document.domain)</script>")
        archive.start_dir = out.tell()
        archive.writestr("word/z.xml", b"")
    assert refused(out.getvalue()) == "file_foreign_data"


def test_a_part_with_a_path_out_of_the_archive_is_refused() -> None:
    for name in ("../../etc/cron.d/x", "/etc/passwd", "word\\..\\x.xml", "C:/x"):
        # zipfile turns what a system takes for a separator; the bytes are put in behind its back.
        content = contents.office(parts={"0" * len(name): b"x"}).replace(b"0" * len(name), name.encode())
        assert refused(content) == "file_damaged", name


def test_an_encrypted_part_is_refused() -> None:
    content = bytearray(contents.office())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refused(bytes(content)) == "file_encrypted"


# -- the process that looks --------------------------------------------------------------------------------------------


def test_the_process_gets_no_more_memory_than_it_is_allowed() -> None:
    program = (
        "import sys; from intake.inspection import child\n"
        "def look(*_): return bytearray(2 * child.MEMORY)\n"
        "child.look = look; child.main(sys.argv[1:])"
    )
    inspector = Inspector(LIMITS)
    inspector.confined = Confined(("-c", program))
    with as_file(contents.pdf()) as file, pytest.raises(Problem) as caught, inspector.inspected(file, 9, ""):
        pass
    assert caught.value.code == "file_too_complex"


@pytest.mark.parametrize("module", [confined, image, office, pdf])
def test_every_word_for_a_refusal_is_one_that_can_be_told(module: ModuleType) -> None:
    words = set(re.findall(r'"(file_\w+)"', Path(module.__file__ or "").read_text(encoding="utf-8")))
    assert words
    # These two are said otherwise: an answer of its own, and a line of the log.
    assert words - {confined.Busy.code, "file_refused"} <= REFUSALS.keys()
