"""Which agency a step is at: what a process definition may say in the place of an agency, up, down and across the tree.

- none: the receiving agency;
- `@parent`, `@parent.parent` and so on: so many levels above the receiving agency;
- `@province`: the agency above all others of the receiving agency's tree;
- `@fact:<name>`: the agency whose identifier the form's fact `<name>` is, for example the commune in which the land
  lies: down, or across;
- anything else is an agency's identifier.

A reference is resolved when the process starts: the form and the tree are those of the reception, and successions that
come later move the step (`successions.hand_on`). One that leads nowhere leaves the step at the receiving agency, and
the journal says so, so that no step is at an agency without anybody. Plain Python.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow.inbound import Agency

Lookup = Callable[[str], Agency | None]
PARENT, PROVINCE, FACT = "@parent", "@province", "@fact:"
LEVELS = 20
"""More than any tree of agencies has; where agencies' news made a circle of parents for a moment, this ends it."""


@dataclass(frozen=True, slots=True)
class Place:
    """`fell_back`: the reference led nowhere, so that the step is at the receiving agency."""

    agency: str
    fell_back: bool = False


def resolve(
    reference: str | None, agency: Agency, facts: Mapping[str, Any], acting: Callable[[str], str], known: Lookup
) -> Place:
    """Where a step is done of a dossier that `agency` received. `acting`: who acts for an agency. `known`: an agency by
    its identifier, None when there is none."""
    if reference is None:
        return Place(acting(agency.id))
    found = _found(reference, agency, facts, acting, known)
    return Place(acting(agency.id), fell_back=True) if found is None else Place(found)


def _found(
    reference: str, agency: Agency, facts: Mapping[str, Any], acting: Callable[[str], str], known: Lookup
) -> str | None:
    above = _above(agency, acting, known)
    if reference == PROVINCE:
        return above[-1] if above else acting(agency.id)
    if reference.startswith(PARENT):
        levels = reference.count(".parent") + 1
        return above[levels - 1] if levels <= len(above) else None
    if reference.startswith(FACT):
        named = facts.get(reference.removeprefix(FACT))
        return _existing(named, acting, known) if isinstance(named, str) else None
    return _existing(reference, acting, known)


def _existing(id: str, acting: Callable[[str], str], known: Lookup) -> str | None:
    there = acting(id)
    return there if known(there) is not None else None


def _above(agency: Agency, acting: Callable[[str], str], known: Lookup) -> list[str]:
    """The agencies above this one, the nearest first."""
    found: list[str] = []
    here: Agency | None = agency
    while here is not None and here.parent is not None and len(found) < LEVELS:
        parent = acting(here.parent)
        if parent in found or parent == agency.id:
            break
        found.append(parent)
        here = known(parent)
    return found
