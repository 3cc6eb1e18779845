"""The province's lists into the catalogue, until those who work with them know them."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sample.client import Api, Refused
from sample.province import Province

ESSENTIALS = "/api/catalog/v1/essential-services"
WAIT_SECONDS = 90
POLL_SECONDS = 0.25
UNKNOWN = {"unknown_procedure", "unknown_agency"}
SAMPLES = 3


class Failed(Exception):  # noqa: N818 (the word that is reported)
    """The drive cannot go on. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of the lists' rows."""

    accepted: int
    unchanged: int


def load(api: Api, province: Province) -> Loaded:
    """Imports the lists. What is there already stays as it is. Raises Failed when a row is refused."""
    answer = json.loads(api.post("editor", "/api/catalog/v1/imports", province.lists, f"sample:{uuid.uuid4()}"))
    wrong = [row for row in answer["rows"] if row["status"] == "rejected"]
    if wrong:
        named = "; ".join(f"{row['kind']} {row['id']}: {row['errors']}" for row in wrong[:SAMPLES])
        raise Failed(f"the catalogue refused {len(wrong)} of {answer['total']} rows: {named}")
    return Loaded(answer["accepted"], answer["unchanged"])


def load_essentials(api: Api, services: Sequence[Mapping[str, Any]]) -> int:
    """Puts the essential services on their lists, those that are not there as they are; how many."""
    known = {(item["list"], item["id"]): item for item in api.items("editor", ESSENTIALS, limit=200)}
    changed = [item for item in services if not item.items() <= known.get((item["list"], item["id"]), {}).items()]
    for item in changed:
        body = {name: value for name, value in item.items() if name not in ("list", "id")}
        api.put("editor", f"{ESSENTIALS}/{item['list']}/{item['id']}", body, f"sample:{uuid.uuid4()}")
    return len(changed)


def wait_until_known(api: Api, pairs: Sequence[tuple[str, str]]) -> None:
    """Until intake knows every (procedure, agency). Raises Failed after WAIT_SECONDS.

    It asks with dossiers that cannot be filed, since they hold a component that no procedure has: the answer tells
    whether procedure and agency are known.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    unknown = list(pairs)
    while unknown := [pair for pair in unknown if not _is_known(api, *pair)]:
        if time.monotonic() > deadline:
            named = ", ".join(f"{procedure} at {agency}" for procedure, agency in unknown[:SAMPLES])
            raise Failed(f"intake does not know {len(unknown)} procedures and agencies after {WAIT_SECONDS} s: {named}")
        time.sleep(POLL_SECONDS)


def _is_known(api: Api, procedure: str, agency: str) -> bool:
    body = {
        "procedure": procedure,
        "agency": agency,
        "channel": "online",
        "applicant": {"kind": "citizen", "name": "Không Có Ai"},
        "components": [{"code": "no-such-component", "paper": {"originals": 1}}],
    }
    try:
        api.post("backdate", "/api/intake/v1/dossiers", body, f"sample:probe:{uuid.uuid4()}")
    except Refused as refused:
        if refused.status != 422:
            raise
        return UNKNOWN.isdisjoint(refused.errors)
    raise Failed(f"intake accepted a dossier of {procedure} with a component that the procedure does not have")
