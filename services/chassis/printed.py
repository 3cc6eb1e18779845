"""A paper that is to be printed: what it is, and what it says. Plain Python."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Kind = TypeVar("Kind", bound=str)


@dataclass(frozen=True, slots=True)
class Printed(Generic[Kind]):
    """`kind`: its template's name. `content`: texts, numbers, lists and flags alone; instants as RFC 3339 text in UTC.
    `edition` counts changes of a service's templates: with another one, nothing that was printed before is found
    again."""

    kind: Kind
    content: Mapping[str, Any]
    edition: int = 1

    @property
    def id(self) -> str:
        """The same for papers that say the same: SHA-256 over edition, kind and content."""
        text = json.dumps([self.edition, self.kind, self.content], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
