"""Amounts of money in Vietnamese words, as receipts write them beside the figures. Plain Python."""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_UNITS = ("", " nghìn", " triệu")


def in_words(dong: int) -> str:
    """125_000 → "Một trăm hai mươi lăm nghìn đồng". ValueError for what is negative."""
    if dong < 0:
        raise ValueError("an amount is not negative")
    words = " ".join(_read(dong).split()) if dong else "không"
    return f"{words[0].upper()}{words[1:]} đồng"


def _read(number: int) -> str:
    """Groups of three digits; above a billion, the billions are read as a number of their own."""
    if number >= 1_000_000_000:
        billions, rest = divmod(number, 1_000_000_000)
        return f"{_read(billions)} tỷ {_groups(rest, led=True) if rest else ''}"
    return _groups(number, led=False)


def _groups(number: int, *, led: bool) -> str:
    """Up to 999,999,999. `led`: something is read before it, so that a hundred that is missing is said."""
    said: list[str] = []
    for unit in (2, 1, 0):
        group = number // 1000**unit % 1000
        if group:
            said.append(f"{_group(group, led=led or bool(said))}{_UNITS[unit]}")
    return " ".join(said)


def _group(group: int, *, led: bool) -> str:
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    said = [f"{_DIGITS[hundreds]} trăm"] if hundreds or led else []
    if tens == 0 and ones and said:
        said.append("lẻ")
    elif tens == 1:
        said.append("mười")
    elif tens:
        said.append(f"{_DIGITS[tens]} mươi")
    if ones == 1 and tens > 1:
        said.append("mốt")
    elif ones == 5 and tens:
        said.append("lăm")
    elif ones:
        said.append(_DIGITS[ones])
    return " ".join(said)
