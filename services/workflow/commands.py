"""Workflow's own commands for operators."""

import argparse
import sys

from chassis.service import Context, Parts
from workflow.settings import WorkflowSettings
from workflow.signing.keys import Kind
from workflow.signing.minting import mint


def certificates(context: Context[WorkflowSettings], _: Parts, arguments: list[str]) -> int:
    """`certificates [--agency ID=NAME …] [--officer SUBJECT=NAME …]`: makes what is missing in SIGNING_KEYS, and an
    authority that has issued it. A line for each certificate made; 1 when that fails, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m workflow certificates")
    parser.add_argument("--agency", action="append", default=[], metavar="ID=NAME", help="an agency's")
    parser.add_argument("--officer", action="append", default=[], metavar="SUBJECT=NAME", help="an officer's")
    options = parser.parse_args(arguments)
    folder = context.settings.signing_keys
    if folder is None:
        print("SIGNING_KEYS must name the folder to make them in", file=sys.stderr)
        return 2
    holders: dict[tuple[Kind, str], str] = {}
    for text in options.agency:
        id, _, name = text.partition("=")
        holders["agency", id] = name or id
    for text in options.officer:
        id, _, name = text.partition("=")
        holders["officer", id] = name or id
    try:
        made = mint(folder, holders, context.clock())
    except (OSError, ValueError) as error:
        print(f"certificates: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for name in made:
        print(f"made {folder / name}")
    return 0
