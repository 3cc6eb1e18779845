"""What is kept of personal data can be read with the key, for its own place, and otherwise not at all."""

import base64

import pytest

from notify.sealing import Sealing, Unsealable

OLD, NEW = (base64.urlsafe_b64encode(bytes([n]) * 32).decode().rstrip("=") for n in (1, 2))
TEXT = "Nguyễn Thị Hoa, 038185001234".encode()


def test_what_was_sealed_is_opened_and_is_not_seen_in_between() -> None:
    sealing = Sealing.read(NEW)
    sealed = sealing.seal(TEXT, "row:1")
    assert b"038185001234" not in sealed
    assert sealing.open(sealed, "row:1") == TEXT
    assert sealing.seal(TEXT, "row:1") != sealed, "nobody sees that two are alike"


def test_it_is_opened_in_its_own_place_only() -> None:
    sealing = Sealing.read(NEW)
    with pytest.raises(Unsealable):
        sealing.open(sealing.seal(TEXT, "row:1"), "row:2")


@pytest.mark.parametrize("at", [0, 3, 12, 25, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    sealing = Sealing.read(NEW)
    sealed = bytearray(sealing.seal(TEXT, "row:1"))
    sealed[at] ^= 1
    with pytest.raises(Unsealable) as raised:
        sealing.open(bytes(sealed), "row:1")
    assert "038" not in str(raised.value)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 30, TEXT])
def test_what_is_not_sealed_is_not_opened(sealed: bytes) -> None:
    with pytest.raises(Unsealable):
        Sealing.read(NEW).open(sealed, "row:1")


def test_the_first_key_seals_and_all_open() -> None:
    before = Sealing.read(OLD).seal(TEXT, "row:1")
    rotated = Sealing.read(f"{NEW}\n{OLD}\n")
    assert rotated.open(before, "row:1") == TEXT
    after = rotated.seal(TEXT, "row:1")
    assert Sealing.read(NEW).open(after, "row:1") == TEXT
    with pytest.raises(Unsealable):
        Sealing.read(OLD).open(after, "row:1")


@pytest.mark.parametrize("text", ["", "kurz", "%%%%", base64.b64encode(b"x" * 31).decode()])
def test_a_key_that_is_none_is_said_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        Sealing.read(text)
