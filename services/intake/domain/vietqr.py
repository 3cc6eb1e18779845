"""VietQR: what a bank's app reads off the screen to fill in a transfer.

EMVCo QR Code Specification for Payment Systems, merchant-presented mode (each field: two digits of its number, two of
its length, its value), with NAPAS' field 38 for a transfer to an account.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PURPOSE_LENGTH = 25
"""The most characters that EMVCo gives the purpose (field 62, 08)."""
_PURPOSE = re.compile(rf"[A-Za-z0-9 ./-]{{1,{PURPOSE_LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where fees go to. `bin`: the bank's six digits at NAPAS; `account`: up to 19 letters and digits; `name`: whose it
    is."""

    bin: str
    account: str
    name: str


EVERY_OTHER = "*"
"""In a list of accounts by agency, the one of those that have none of their own."""


def payee_of(accounts: Mapping[str, Account], agency: str) -> Account | None:
    """The account that an agency's fees go to, None where transfers are not taken."""
    return accounts.get(agency) or accounts.get(EVERY_OTHER)


def fits_purpose(text: str) -> bool:
    return _PURPOSE.fullmatch(text) is not None


def payload(payee: Account, amount: int, purpose: str) -> str:
    """The text of the QR code for a transfer of so many đồng. ValueError for what no code can hold."""
    if not fits_purpose(purpose):
        raise ValueError("a purpose has 1 to 25 ASCII characters")
    if not 1 <= amount < 10**13:
        raise ValueError("an amount has 1 to 13 digits")
    beneficiary = _field("00", payee.bin) + _field("01", payee.account)
    merchant = _field("00", "A000000727") + _field("01", beneficiary) + _field("02", "QRIBFTTA")
    text = (
        _field("00", "01")
        + _field("01", "12")
        + _field("38", merchant)
        + _field("53", "704")
        + _field("54", str(amount))
        + _field("58", "VN")
        + _field("62", _field("08", purpose))
        + "6304"
    )
    return f"{text}{crc16(text.encode('ascii')):04X}"


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF, nothing reflected."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _field(number: str, value: str) -> str:
    return f"{number}{len(value):02d}{value}"
