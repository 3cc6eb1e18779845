"""The length of text messages, against the tables of 3GPP TS 23.038 and a table that counts them otherwise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.domain.segments import BASIC, EXTENSION, length, unaccented

SOME = st.text(st.sampled_from(BASIC + EXTENSION), max_size=500)
ANY = st.text(st.sampled_from(BASIC + EXTENSION + "đường😀ợ"), max_size=500)


def cut(text: str, whole: int, part: int, cost: dict[str, int], other: int) -> int:
    """How many segments, by cutting pieces off one after the other, each as long as can be."""
    if sum(cost.get(c, other) for c in text) <= whole:
        return 1
    pieces = 0
    while text:
        end = len(text)
        while sum(cost.get(c, other) for c in text[:end]) > part:
            end -= 1
        text, pieces = text[end:], pieces + 1
    return pieces


def test_the_alphabet_has_as_many_characters_as_the_standard() -> None:
    """128 codes of which one is the escape; ten of the extension table, the form feed and the euro sign among them."""
    assert len(BASIC) == len(set(BASIC)) == 127
    assert len(EXTENSION) == len(set(EXTENSION)) == 10
    assert not set(BASIC) & set(EXTENSION)
    # The escape is at 27, so what comes behind it lies one place earlier here.
    places = {"@": 0, "$": 2, "\n": 10, "\r": 13, "Δ": 16, " ": 32, "0": 48, "?": 63, "¡": 64, "A": 65, "à": 127}
    assert {c: BASIC.index(c) + (BASIC.index(c) >= 27) for c in places} == places


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("ộ" * 70, "ucs2", 70, 1),
        ("ộ" * 71, "ucs2", 71, 2),
        ("ộ" * 135, "ucs2", 135, 3),
        ("ộ" * 66 + "😀" + "ộ" * 66, "ucs2", 134, 3),
        ("à ò ù", "gsm7", 5, 1),
        ("đ", "ucs2", 1, 1),
        ("ç", "ucs2", 1, 1),
    ],
)
def test_lengths(text: str, encoding: str, units: int, segments: int) -> None:
    found = length(text)
    assert (found.encoding, found.units, found.segments) == (encoding, units, segments)


@settings(deadline=None, max_examples=60)
@given(SOME)
def test_the_same_as_a_table_of_septets(text: str) -> None:
    cost = dict.fromkeys(BASIC, 1) | dict.fromkeys(EXTENSION, 2)
    assert length(text).encoding == "gsm7"
    assert length(text).segments == cut(text, 160, 153, cost, 1)


@settings(deadline=None, max_examples=60)
@given(ANY)
def test_the_same_as_a_table_of_units(text: str) -> None:
    if all(c in BASIC + EXTENSION for c in text):
        text += "đ"
    found = length(text)
    assert (found.encoding, found.units) == ("ucs2", len(text.encode("utf-16-le")) // 2)
    assert found.segments == cut(text, 70, 67, {"😀": 2}, 1)


def test_vietnamese_without_accents_is_gsm_and_as_long() -> None:
    text = "Đường Nguyễn Huệ, phường Hạc Thành: hồ sơ đã được tiếp nhận – hẹn trả “kết quả”…"
    assert unaccented(text) == 'Duong Nguyen Hue, phuong Hac Thanh: ho so da duoc tiep nhan - hen tra "ket qua"...'
    assert length(unaccented(text)).encoding == "gsm7"


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("aăâáàảãạắằẳẵặấầẩẫậđĐeêéèẻẽẹếềểễệiíìỉĩịoôơóòỏõọốồổỗộớờởỡợuưúùủũụứừửữựyýỳỷỹỵ ")))
def test_every_vietnamese_letter_has_a_plain_form(text: str) -> None:
    plain = unaccented(text)
    assert plain.isascii()
    assert len(plain) == len(text)
    assert unaccented(plain) == plain
