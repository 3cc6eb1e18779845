"""The contract documents, made from the code: `python -m tests.contracts.documents` writes them, a test compares
them."""

import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from chassis import SERVICES, asyncapi, openapi, service

TOP = Path(__file__).parent.parent.parent
VERSION = "1"


def of(name: str) -> service.Service[Any]:
    """The service's description, from its composition root."""
    found: service.Service[Any] = getattr(importlib.import_module(f"{name}.main"), name.upper())
    return found


EVENTS = TOP / "asyncapi.yaml"
APIS = {name: TOP / "docs" / "openapi" / f"{name}.json" for name in SERVICES}


@cache
def documents() -> dict[Path, str]:
    """Path → text of every contract document."""
    made: dict[Path, str] = {}
    for name in SERVICES:
        document = openapi.document(service.described(of(name)), VERSION)
        made[APIS[name]] = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    events = asyncapi.document(
        {name: of(name).publishes for name in SERVICES},
        {name: service.assembled_for_description(of(name)).table for name in SERVICES},
        VERSION,
        {name: of(name).feeds for name in SERVICES},
    )
    made[EVENTS] = yaml.safe_dump(events, allow_unicode=True, sort_keys=False, width=120)
    return made


def main() -> None:
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(TOP))


if __name__ == "__main__":
    main()
