"""`portal resync | reconcile | catalogue`: for operators, beside the worker that sends."""

import argparse
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pydantic_core import to_json

from chassis import service
from chassis.service import Context, Parts
from chassis.worktime import ZONE
from notify.national_portal.settings import NationalPortalSettings
from notify.national_portal.sync import Syncing, lines
from notify.national_portal.wiring import syncing
from notify.outlets import Away
from notify.sealing import Unsealable

AWAY, UNCONFIGURED = 3, 2


def portal(context: Context[NationalPortalSettings], _: Parts, arguments: list[str]) -> int:
    """0 when nothing differs, or what was asked for is done; 1 when something differs; 2 when there is no portal, or
    the arguments are wrong; 3 when the portal is away. What was found goes to stdout as JSON."""
    options = _parser().parse_args(arguments)
    use = syncing(context)
    if use is None:
        print("NATIONAL_PORTAL_URL is not set", file=sys.stderr)
        return UNCONFIGURED
    try:
        return int(options.act(use, options))
    except Away as away:
        print(f"the portal is away: {away.reason}", file=sys.stderr)
        return AWAY
    except Unsealable as error:
        print(f"a key is missing in SEALING_KEY: {error}", file=sys.stderr)
        return UNCONFIGURED


def _resync(use: Syncing, options: argparse.Namespace) -> int:
    count = use.resync(options.dossier, options.since)
    _print({"rows": count})
    return 0


def _reconcile(use: Syncing, options: argparse.Namespace) -> int:
    numbers = lines(options.numbers.read_text(encoding="utf-8")) if options.numbers else ()
    found = use.reconcile(options.dossier, options.since, numbers, repair=options.repair)
    differences = [asdict(each) for each in found.differences]
    _print({"equal": found.equal, "compared": found.compared, "differences": differences})
    return 0 if found.equal else 1


def _catalogue(use: Syncing, options: argparse.Namespace) -> int:
    if options.procedure is not None:
        found = use.procedure(options.procedure)
        _print(found)
        return 1 if found is None else 0
    compared = use.catalogue()
    _print(compared)
    return 1 if any(each for part in compared.values() for each in part.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m notify portal")
    acts = parser.add_subparsers(required=True)
    resync = acts.add_parser("resync", help="tell the portal the present state of dossiers anew")
    _chosen(resync, required=True)
    resync.set_defaults(act=_resync)
    reconcile = acts.add_parser("reconcile", help="compare what the portal holds with what we do; 1 when they differ")
    _chosen(reconcile, required=False)
    reconcile.add_argument("--numbers", type=Path, help="a file of MaHoSo, one a line: what the portal says it holds")
    reconcile.add_argument("--repair", action="store_true", help="tell the portal anew of what differs")
    reconcile.set_defaults(act=_reconcile)
    catalogue = acts.add_parser("catalogue", help="compare the portal's catalogue with ours; 1 when they differ")
    catalogue.add_argument("--procedure", help="show what the portal says of this one instead")
    catalogue.set_defaults(act=_catalogue)
    return parser


def _chosen(parser: argparse.ArgumentParser, *, required: bool) -> None:
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--dossier", help="one, by its id or its number at the portal")
    which.add_argument("--since", type=_instant, help="those of which something was told since then")
    which.add_argument("--all", action="store_true", help="every one")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=ZONE)


def _print(found: object) -> None:
    sys.stdout.write(to_json(found, indent=1).decode() + "\n")


COMMANDS: dict[str, tuple[str, service.Command]] = {
    "portal": ("tell the national portal anew, or compare what it holds with what we do", portal),
}
