"""Intake's own commands for operators."""

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from chassis.auth import Principal
from chassis.errors import Problem
from chassis.service import Context, Parts
from chassis.web import Answer, Call
from intake.domain.dossiers import first_broken_entry
from intake.domain.reconciliation import Reconciliation
from intake.settings import IntakeSettings
from intake.store import IntakeStore
from intake.usecases.payments import PaymentUseCases


def verify(context: Context[IntakeSettings], _: Parts, arguments: list[str]) -> int:
    """Prints a line for each dossier whose journal is not as it was written; exit status 1 when there is one."""
    if arguments:
        print(f"verify takes no arguments: {' '.join(arguments)}", file=sys.stderr)
        return 2
    dossiers = entries = broken = 0
    for dossier in IntakeStore(context.database, context.carrier).dossiers.journals():
        dossiers += 1
        entries += len(dossier.journal)
        first = first_broken_entry(dossier)
        if first is not None:
            broken += 1
            print(f"{dossier.id}: entry {first} of {len(dossier.journal)} is not as it was written")
    print(f"{entries} entries of {dossiers} dossiers checked, {broken} journals broken", file=sys.stderr)
    return 1 if broken else 0


def reconcile(context: Context[IntakeSettings], _: Parts, arguments: list[str]) -> int:
    """`reconcile FILE --provider NAME`: 0 when nobody needs to look at anything, 1 when somebody does, 2 when the file
    cannot be read. A line for each row and payment that somebody must look at."""
    parser = argparse.ArgumentParser(prog="python -m intake reconcile")
    parser.add_argument("file", type=Path, help="CSV: transaction, reference, amount, paid_at")
    parser.add_argument("--provider", required=True, help="who the file is of, as in its call-backs")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="the file's first day; else its rows'")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="the file's last day; else its rows'")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and record nothing")
    options = parser.parse_args(arguments)
    try:
        file = options.file.read_bytes()
    except OSError as error:
        print(f"cannot read {options.file}: {error.strerror}", file=sys.stderr)
        return 2
    now = context.clock()
    operator = Principal(f"cli:{os.environ.get('USER') or os.getuid()}", "", frozenset(), None, frozenset(), "person")
    call = Call(principal=operator, now=now, occurred_at=now, key=None, if_match=None, trace=None, body_hash="")
    told: list[Reconciliation] = []

    def render(done: Reconciliation, _version: int) -> Answer:
        told.append(done)
        return Answer()

    store = IntakeStore(context.database, context.carrier)
    store.ensure_indexes()
    try:
        PaymentUseCases(store, {}).reconcile(
            call, options.provider, file, options.first, options.last, render, dry_run=options.dry_run
        )
    except Problem as problem:
        for wrong in problem.errors:
            print(f"{wrong.pointer}: {wrong.code}: {wrong.message}", file=sys.stderr)
        print(problem.detail, file=sys.stderr)
        return 2
    done = told[-1]
    for row in done.rows:
        if row.result not in ("matched", "known"):
            print(f"line {row.line}: {row.result}: {row.detail or row.transaction}")
    for missing in done.missing:
        print(f"not in the file: {missing.transaction}: {missing.amount}")
    counts = ", ".join(f"{count} {result}" for result, count in sorted(done.counts.items())) or "no rows"
    end = " (dry run)" if options.dry_run else ""
    print(f"{done.first} to {done.last}: {counts}, {len(done.missing)} not in the file{end}", file=sys.stderr)
    return 0 if done.clean else 1
