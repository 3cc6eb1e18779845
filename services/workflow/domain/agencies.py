"""The tree of agencies, as far as workflow needs it. Plain Python."""

from collections import defaultdict
from collections.abc import Mapping


class Tree:
    """Which agencies are below which, by each one's parent."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self._children: defaultdict[str, list[str]] = defaultdict(list)
        for agency, parent in parents.items():
            if parent is not None:
                self._children[parent].append(agency)

    def below(self, agency: str) -> set[str]:
        """The agency and all below it. News that come in any order may make a circle for a moment; it ends here."""
        found: set[str] = set()
        left = [agency]
        while left:
            here = left.pop()
            if here not in found:
                found.add(here)
                left += self._children.get(here, ())
        return found
