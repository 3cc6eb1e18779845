"""The contract samples: one CloudEvent for each event type, written by its publisher's test, read by its consumers'."""

import json
import os
from pathlib import Path

from chassis.envelope import EventData, read

SAMPLES = Path(__file__).parent.parent / "contracts" / "samples"


def sample(event_type: str) -> bytes:
    """The CloudEvent as it comes from the broker."""
    return (SAMPLES / f"{event_type}.json").read_bytes()


def check(body: bytes | str) -> None:
    """The event is, to the letter, the sample of its type. With UPDATE_SAMPLES=1 in the environment it becomes it."""
    path = SAMPLES / f"{read(body).type}.json"
    text = json.dumps(json.loads(body), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("UPDATE_SAMPLES") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path.name} is another one; if that is meant, UPDATE_SAMPLES=1"


def check_each(published: tuple[type[EventData], ...], bodies: list[bytes]) -> None:
    """`check`, and that there is one of each published type."""
    assert sorted(read(body).type for body in bodies) == sorted(kind.TYPE for kind in published)
    for body in bodies:
        check(body)
