"""Messages of somebody outside, signed with a secret that only they and we have."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.signed import WINDOW, OutsideWindow, Signatures, SignatureWrong, signature

SECRET, OTHER = "mot-bi-mat-cua-nha-cung-cap-01", "mot-bi-mat-cua-nha-cung-cap-02"
AT = datetime.fromtimestamp(1_770_000_000, UTC)
STAMP, BODY = "1770000000", b'{"amount":50000}'
# printf '1770000000.{"amount":50000}' | openssl dgst -sha256 -hmac 'mot-bi-mat-cua-nha-cung-cap-01'
RIGHT = "0ed4d8637602430ef0afaff51fef1d6255a531e4c96be7a88fff06e556fa5446"

KNOWN = Signatures({"napas": (SECRET,), "changing": (OTHER, SECRET), "none": ()})


def test_the_signature_is_the_documented_one() -> None:
    assert signature(SECRET, STAMP, BODY) == RIGHT


@pytest.mark.parametrize("provider", ["napas", "changing"])
@pytest.mark.parametrize("given", [RIGHT, f" {RIGHT.upper()} "])
@pytest.mark.parametrize("late", [timedelta(0), WINDOW, -WINDOW])
def test_a_signed_message_of_now_is_believed(provider: str, given: str, late: timedelta) -> None:
    KNOWN.check(provider, STAMP, given, BODY, AT + late)


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(days=365)])
@pytest.mark.parametrize("side", [1, -1])
def test_one_of_another_time_is_refused(late: timedelta, side: int) -> None:
    with pytest.raises(OutsideWindow):
        KNOWN.check("napas", STAMP, RIGHT, BODY, AT + side * (WINDOW + late))


@pytest.mark.parametrize(
    ("provider", "stamp", "given", "body"),
    [
        ("nobody", STAMP, signature("", STAMP, BODY), BODY),
        ("none", STAMP, signature("", STAMP, BODY), BODY),
        ("napas", STAMP, signature(OTHER, STAMP, BODY), BODY),
        ("napas", STAMP, RIGHT[:-1] + "7", BODY),
        ("napas", STAMP, RIGHT, BODY + b" "),
        ("napas", "1770000001", RIGHT, BODY),
        ("napas", STAMP, "", BODY),
        ("napas", STAMP, None, BODY),
        ("napas", STAMP, "\xff\xfe", BODY),
        # Signed well, but nothing that is a time.
        ("napas", None, signature(SECRET, "", BODY), BODY),
        ("napas", "-5", signature(SECRET, "-5", BODY), BODY),
        ("napas", "١٢٣", signature(SECRET, "١٢٣", BODY), BODY),
        ("napas", "1" * 400, signature(SECRET, "1" * 400, BODY), BODY),
    ],
)
def test_what_is_not_theirs_is_refused(provider: str, stamp: str | None, given: str | None, body: bytes) -> None:
    with pytest.raises(SignatureWrong):
        KNOWN.check(provider, stamp, given, body, AT)
