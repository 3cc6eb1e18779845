"""Which event tells whom, by which channel, in which words, as the project has it: the data of `rules.json`.

What counts is the newest version in the store, which begins with these (see `notify.usecases.rules`). A rule's words
lie in `templates/<language>/<template>.<channel>.txt`, and in `.html` beside it where there is one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chassis.envelope import adapter_of
from notify.domain.rules import Line, flat

_BOOK: Mapping[str, Any] = json.loads(Path(__file__).with_name("rules.json").read_text(encoding="utf-8"))


def _line(row: Mapping[str, Any]) -> Line:
    line: Line = adapter_of(Line).validate_python({**row, "when": sorted(row.get("when", {}).items())})
    return line


EDITION: int = _BOOK["edition"]
LINES = tuple(map(_line, _BOOK["rules"]))
RULES = flat(LINES)
