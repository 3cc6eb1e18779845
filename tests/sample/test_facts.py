"""What the sample says of its procedures, beside what was published of them."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sample.province import FOLDER

FACTS = Path(__file__).resolve().parents[3] / "shared" / "data"
UNITS = {"calendar_day": "day", "working_day": "working_day", "hour": "hour"}

Row = Mapping[str, Any]


def items(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["items"]
    return found


PROCEDURES = items(FOLDER / "procedures.json")
UNCONFIRMED = {item["code"]: item["values"] for item in items(FOLDER / "unconfirmed.json")}


def test_at_least_60_procedures_are_wholly_confirmed() -> None:
    confirmed = [procedure for procedure in PROCEDURES if procedure["code"] not in UNCONFIRMED]
    assert len(confirmed) >= 60
    assert len({procedure["field"]["code"] for procedure in confirmed}) >= 12
    assert {procedure["service_level"] for procedure in confirmed} == {1, 2, 3, 4, "partial", "full"}


@pytest.mark.skipif(not FACTS.exists(), reason="reads ../shared/data")
def test_what_is_not_listed_as_unconfirmed_was_published() -> None:
    published = {item["code"]: item for item in items(FACTS / "procedures.json")}
    chains = {item["code"]: item for item in items(FACTS / "internal_processes.json")}
    papers = (FACTS / "data_replacement.json").read_text(encoding="utf-8")
    differing: dict[str, list[str]] = {}
    for procedure in PROCEDURES:
        code = procedure["code"]
        if code in published:
            found = list(_differing(procedure, published[code], chains.get(code, {})))
        else:
            assert f'"{code}"' in papers, f"{code} is nowhere published"
            found = ["name", "durations", "fees"]
        if found:
            differing[code] = found
    assert differing == UNCONFIRMED


def _differing(procedure: Row, published: Row, chain: Row) -> Iterator[str]:
    if _plain(procedure["name"]) != _plain(published["name"]):
        yield "name"
    channels = published["channels"]
    times = {(item["duration"], item.get("duration_unit") or item.get("unit")) for item in (published, *channels)}
    if chain:
        times.add((chain["total_days"], "working_day" if "làm việc" in chain["total"] else "day"))
    said = [duration for duration in (procedure["durations"] or {}).values() if duration]
    if not said or {(duration["amount"], UNITS[duration["unit"]]) for duration in said} - times:
        yield "durations"
    if {fee["amount"] for fee in procedure["fees"] or ({"amount": 0},)} - set(_amounts(published)):
        yield "fees"


def _plain(name: str) -> str:
    """Without what an entry in a list has and a name has not: its code, a full stop, an older spelling of Ủy."""
    name = unicodedata.normalize("NFC", re.sub(r"\(\s*\d\.\d{6}\s*\)", "", name))
    return " ".join(name.replace("Uỷ", "Ủy").replace("thuỷ", "thủy").split()).rstrip(" .")


def _amounts(published: Row) -> Iterator[int]:
    for item in (published, *published["channels"]):
        if item["fee_vnd"] is not None:
            yield item["fee_vnd"]
        yield from map(int, re.findall(r"\d+", item.get("fee_note") or ""))
