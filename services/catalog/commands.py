"""What operators do with the catalogue at the command line: import files, publish everything again."""

import argparse
import json
import os
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from catalog import schemas
from catalog.imports import texts
from catalog.imports.jobs import in_parts
from catalog.imports.schemas import ImportBody
from catalog.imports.usecases import Imports, Sent, format_of
from catalog.reorganisations import Reorganisations
from catalog.settings import CatalogSettings
from catalog.store import KINDS, CatalogStore
from chassis.auth import Principal
from chassis.clock import new_id
from chassis.publish import BROKER_DOWN, Message, Publisher, SubscribersMissing
from chassis.service import Context, Parts
from chassis.topology import EVENTS
from chassis.web import Call, field_errors

BATCH = 500
EVERY_ROW = 1_000_000
_LIST_OF = {"code": "procedures", "id": "agencies", "year": "calendars"}
"""An item's kind is told by the field that names it."""


def import_files(context: Context[CatalogSettings], _parts: Parts, arguments: list[str]) -> int:
    """`import FILE…`: 0 when no row was rejected, 1 when some were, 2 when a file cannot be read.

    JSON files are one import; a sheet, or a list in another shape, is one of its own.
    """
    parser = argparse.ArgumentParser(prog="python -m catalog import")
    parser.add_argument("files", nargs="+", type=Path, help='JSON, {"items": […]}; one sheet, CSV or XLSX')
    parser.add_argument("--format", choices=("national", "processes"), help="one JSON list (docs/imports.md)")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    options = parser.parse_args(arguments)
    sheet = options.files[0].suffix.lower() in (".csv", ".xlsx")
    if len(options.files) == 1 and (sheet or options.format is not None):
        return _import_in_parts(context, options.files[0], options.format, dry_run=options.dry_run)
    try:
        body = ImportBody(**_lists(options.files), dry_run=options.dry_run)
    except ValidationError as error:
        _complain("; ".join(f"{wrong.pointer}: {wrong.message}" for wrong in field_errors(error)))
        return 2
    except (OSError, ValueError, KeyError, TypeError) as error:
        _complain(f"cannot read the files: {type(error).__name__}: {error}")
        return 2
    store = CatalogStore(context.database, context.carrier)
    store.ensure_indexes()
    done: dict[str, Any] = json.loads(Imports(store).run(_operators_call(context), body).text())
    for row in done["rows"]:
        for wrong in row["errors"]:
            place = f"{row['kind']} {row['index']} ({row['id']}): {wrong['pointer'] or '/'}"
            _say(f"{place}: {wrong['code']}: {wrong['message']}")
    counts = ", ".join(f"{done[name]} {name}" for name in ("total", "accepted", "unchanged", "rejected"))
    _say(f"import {done['id']}{' (dry run)' if done['dry_run'] else ''}: {counts}")
    return 1 if done["rejected"] else 0


def _import_in_parts(
    context: Context[CatalogSettings], file: Path, format: Literal["national", "processes"] | None, *, dry_run: bool
) -> int:
    try:
        data = file.read_bytes()
    except OSError as error:
        _complain(f"cannot read the file: {type(error).__name__}: {error}")
        return 2
    store = CatalogStore(context.database, context.carrier)
    store.ensure_indexes()
    call = replace(_operators_call(context), key=new_id())
    Imports(store).queue(call, Sent(format_of(data, format), data, dry_run))
    id = call.id_for_new("import")
    done = in_parts(store, id, context.clock)
    for why in done.errors:
        _complain(f"{why.code}: {why.message}")
    kinds: Counter[str] = Counter()
    for _, row in store.imports.rows.page(id, None, -1, EVERY_ROW):
        for wrong in row.errors:
            _say(f"{row.kind} {row.index} ({row.id}): {wrong.pointer or '/'}: {wrong.code}: {wrong.message}")
        kinds.update({warning.code for warning in row.warnings})
    for code, count in kinds.most_common():
        _say(f"warning in {count} rows: {code}: {texts.message(code)}")
    counts = done.progress
    _say(
        f"import {id}{' (dry run)' if dry_run else ''}: {counts.total or 0} total, {counts.accepted} accepted, "
        f"{counts.unchanged} unchanged, {counts.rejected} rejected, {counts.warned} with warnings"
    )
    return 2 if done.state == "failed" else 1 if counts.rejected else 0


def _operators_call(context: Context[CatalogSettings]) -> Call:
    """As if an operator had sent a request."""
    now = context.clock()
    operator = Principal(f"cli:{os.environ.get('USER') or os.getuid()}", "", frozenset(), None, frozenset(), "person")
    return Call(principal=operator, now=now, occurred_at=now, key=None, if_match=None, trace=None, body_hash="")


def reorganise(context: Context[CatalogSettings], _parts: Parts, arguments: list[str]) -> int:
    """`reorganise FILE`: makes the file's agencies, then lets them take over from others on the file's day.

    0 when everything was accepted or was there already, 1 when a row was rejected (the others count, and the file can
    be applied again), 2 when it cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m catalog reorganise")
    parser.add_argument("file", type=Path, help='JSON, {"on", "decision", "agencies": […], "successions": […]}')
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")
    options = parser.parse_args(arguments)
    try:
        text = unicodedata.normalize("NFC", options.file.read_text(encoding="utf-8-sig"))
        file = schemas.ReorganisationFile.model_validate_json(text)
    except ValidationError as error:
        _complain("; ".join(f"{wrong.pointer}: {wrong.message}" for wrong in field_errors(error)))
        return 2
    except (OSError, ValueError) as error:
        _complain(f"cannot read the file: {type(error).__name__}: {error}")
        return 2
    store = CatalogStore(context.database, context.carrier)
    store.ensure_indexes()
    done = Reorganisations(store).reorganise(_operators_call(context), file.made(), file.all(), dry_run=options.dry_run)
    for row in done:
        for wrong in row.errors:
            _say(f"{row.kind} {row.index}: {wrong.pointer or '/'}: {wrong.code}: {wrong.message}")
    said = [
        f"{sum(row.kind == kind and row.status == status for row in done)} {status}"
        for kind in ("agency", "succession")
        for status in ("accepted", "unchanged", "rejected")
    ]
    _say(f"agencies: {', '.join(said[:3])}")
    _say(f"successions: {', '.join(said[3:])}")
    ended = sum(row.ends for row in done)
    _say(f"reorganisation on {file.on}{' (dry run)' if options.dry_run else ''}: {ended} agencies end")
    return 1 if any(row.errors for row in done) else 0


def _lists(files: list[Path]) -> dict[str, list[Any]]:
    lists: dict[str, list[Any]] = {name: [] for name in _LIST_OF.values()}
    for path in files:
        items: list[Any] = json.loads(unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig")))["items"]
        kinds = {next((name for field, name in _LIST_OF.items() if field in item), None) for item in items}
        if len(kinds) > 1 or None in kinds:
            raise ValueError(f"{path} must hold items of one kind: procedures, agencies or calendars")
        for name in kinds:
            lists[str(name)] += items
    return lists


def republish(context: Context[CatalogSettings], _parts: Parts, arguments: list[str]) -> int:
    """`republish [--only KIND]`: publishes what every document holds, as the events that said so first.

    0 when a queue took every event, 1 when not; then it can be run again.
    """
    parser = argparse.ArgumentParser(prog="python -m catalog republish")
    parser.add_argument("--only", choices=KINDS, help="this kind, not all")
    kinds = [options.only] if (options := parser.parse_args(arguments)).only else KINDS
    store = CatalogStore(context.database, context.carrier)
    publisher = Publisher(context.settings.amqp_url, context.settings.subscribers)
    counts: Counter[str] = Counter()
    refused = 0
    try:
        for kind in kinds:
            events = store.published(kind)
            while batch := [Message(EVENTS, event.key, event.body, event.id) for event in islice(events, BATCH)]:
                accepted = publisher.publish(batch)
                counts[kind] += sum(accepted)
                refused += len(accepted) - sum(accepted)
            _say(f"{counts[kind]} {kind} published again")
    except SubscribersMissing as error:
        _complain(f"nothing published: the worker of {error.service} has never run, its queues are not there")
        return 1
    except BROKER_DOWN as error:
        _complain(f"stopped: the broker is away ({type(error).__name__})")
        return 1
    finally:
        publisher.close()
    if refused:
        _complain(f"{refused} events were taken by no queue")
    return 1 if refused else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
