"""Amounts in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.domain.amounts import in_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Không đồng"),
        (5, "Năm đồng"),
        (10, "Mười đồng"),
        (15, "Mười lăm đồng"),
        (21, "Hai mươi mốt đồng"),
        (55, "Năm mươi lăm đồng"),
        (105, "Một trăm lẻ năm đồng"),
        (110, "Một trăm mười đồng"),
        (1_000, "Một nghìn đồng"),
        (1_005, "Một nghìn không trăm lẻ năm đồng"),
        (25_000, "Hai mươi lăm nghìn đồng"),
        (125_000, "Một trăm hai mươi lăm nghìn đồng"),
        (1_020_000, "Một triệu không trăm hai mươi nghìn đồng"),
        (2_000_000_000, "Hai tỷ đồng"),
        (1_000_000_001, "Một tỷ không trăm lẻ một đồng"),
        (1_000_000_000_000, "Một nghìn tỷ đồng"),
    ],
)
def test_an_amount_is_read_as_people_read_it(amount: int, words: str) -> None:
    assert in_words(amount) == words


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_no_two_amounts_read_alike(a: int, b: int) -> None:
    assert (in_words(a) == in_words(b)) == (a == b)


def test_a_debt_is_no_amount() -> None:
    with pytest.raises(ValueError, match="not negative"):
        in_words(-1)
