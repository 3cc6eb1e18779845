"""The text of a VietQR code: the published check, the checksum's own check, and that it reads back as it was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.domain.vietqr import Account, crc16, fits_purpose, payee_of, payload

PAYEE = Account(bin="970415", account="113366668888", name="Kho bạc Nhà nước")
PURPOSES = st.from_regex(r"\A[A-Za-z0-9 ./-]{1,25}\Z")


def fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    while text:
        number, length = text[:2], int(text[2:4])
        assert number not in found
        found[number], text = text[4 : 4 + length], text[4 + length :]
    return found


def test_the_published_check() -> None:
    assert payload(PAYEE, 25_000, "H56.14-240823-0001") == (
        "00020101021238560010A0000007270126000697041501121133666688880208QRIBFTTA5303704540525000"
        "5802VN62220818H56.14-240823-000163049248"
    )


def test_the_checksum_is_ccitt_false() -> None:
    """The catalogue of CRCs gives the value of these nine digits."""
    assert crc16(b"123456789") == 0x29B1
    assert crc16(b"") == 0xFFFF


@given(amount=st.integers(1, 10**13 - 1), purpose=PURPOSES, account=st.from_regex(r"\A[A-Za-z0-9]{1,19}\Z"))
def test_it_reads_back_as_it_was_meant(amount: int, purpose: str, account: str) -> None:
    text = payload(Account(bin="970436", account=account, name=""), amount, purpose)
    found = fields(text)
    assert (found["54"], found["53"], found["58"]) == (str(amount), "704", "VN")
    assert fields(found["62"]) == {"08": purpose}
    assert fields(fields(found["38"])["01"]) == {"00": "970436", "01": account}
    assert found["63"] == f"{crc16(text[:-4].encode()):04X}"


@pytest.mark.parametrize("purpose", ["", "x" * 26, "Hồ sơ", "a\n", "a_b"])
def test_what_no_code_can_hold_is_no_purpose(purpose: str) -> None:
    assert not fits_purpose(purpose)
    with pytest.raises(ValueError, match="purpose"):
        payload(PAYEE, 1, purpose)


@pytest.mark.parametrize("amount", [0, -1, 10**13])
def test_nor_an_amount(amount: int) -> None:
    with pytest.raises(ValueError, match="amount"):
        payload(PAYEE, amount, "H56.14-240823-0001")


def test_an_agency_without_an_account_has_that_of_all_others() -> None:
    own, common = Account(bin="970415", account="1", name="a"), Account(bin="970415", account="2", name="b")
    assert payee_of({"H56.30": own, "*": common}, "H56.30") == own
    assert payee_of({"H56.30": own, "*": common}, "H56.02") == common
    assert payee_of({"H56.30": own}, "H56.02") is None
