"""The commands that look after the archive: rebuild, export, prune. Answers go to stdout as JSON, progress to stderr.

Exit status: 0 done; 1 refused, with the reason on stderr, and nothing changed; 2 the command line is wrong.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from chassis import heap, store
from chassis.clock import system_clock
from chassis.service import Context, Parts
from stats.cold import Export, ExportedFile, ExportInvalid
from stats.settings import StatsSettings
from stats.store import StatsStore
from stats.store.overtaking import Overtaken
from stats.store.projection import Projection
from stats.usecases.archives import Archiving, NotOver
from stats.usecases.rebuilds import ArchiveIncomplete, Build, Range, Rebuilding

REFUSED = 1


def rebuild(context: Context[StatsSettings], _parts: Parts, arguments: list[str]) -> int:
    """Prints where the projection before counted something else, which from now on it does not."""
    parser = _parser("rebuild", "Makes all counts anew from the archive, beside the live ones, and switches to them.")
    parser.add_argument(
        "--from",
        dest="exported",
        type=Path,
        metavar="DIR",
        help="an export, for what the archive does not hold any more",
    )
    parser.add_argument("--processes", type=int, default=2, choices=range(1, 17), metavar="1-16", help="default: 2")
    options = parser.parse_args(arguments)
    rebuilding = Rebuilding(StatsStore(context.database), context.clock)
    try:
        if options.exported is None:
            several = options.processes > 1
            build = in_processes(context.settings.mongo_url, options.processes) if several else None
            done = rebuilding.rebuild(_events, build)
        else:
            done = rebuilding.rebuild_from(Export(options.exported), _events)
    except ArchiveIncomplete as error:
        return _refused(f"part of the archive was pruned (before {error}): say --from with the export that holds it")
    except ExportInvalid as error:
        return _refused(str(error))
    except Overtaken:
        return _refused("another rebuild has begun meanwhile, and will be the one that counts")
    _answer(asdict(done))
    return 0


def export(context: Context[StatsSettings], _parts: Parts, arguments: list[str]) -> int:
    """Prints each file that was made."""
    parser = _parser(
        "export",
        "Writes the archive's events as gzipped NDJSON, a file a month, with a manifest of counts and SHA-256. Goes on "
        "after what the folder holds already.",
    )
    parser.add_argument(
        "--until", type=_last_day, required=True, metavar="YYYY-MM[-DD]", help="the last month or day; it must be over"
    )
    parser.add_argument("--to", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    made: list[ExportedFile] = []

    def tell(file: ExportedFile) -> None:
        made.append(file)
        sys.stderr.write(f"{file.name}: {file.events} events\n")

    try:
        count = Archiving(StatsStore(context.database), context.clock).export(options.until, Export(options.to), tell)
    except NotOver as error:
        return _refused(f"{error} is not over yet")
    except ExportInvalid as error:
        return _refused(str(error))
    _answer({"events": count, "files": [file.model_dump(mode="json") for file in made]})
    return 0


def prune(context: Context[StatsSettings], _parts: Parts, arguments: list[str]) -> int:
    """Prints how many events were removed, and how many stay because the export does not hold them."""
    parser = _parser(
        "prune",
        "Removes events from the archive that an export holds, once the export is verified. Counts stay as they are; a "
        "rebuild needs the export from then on.",
    )
    parser.add_argument(
        "--before", type=date.fromisoformat, required=True, metavar="YYYY-MM-DD", help="became known before that day"
    )
    parser.add_argument("--exported", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        done = Archiving(StatsStore(context.database), context.clock).prune(
            options.before, Export(options.exported), _events
        )
    except ExportInvalid as error:
        return _refused(str(error))
    _answer(asdict(done))
    return 0 if not done.left else REFUSED


def in_processes(mongo_url: str, processes: int) -> Build:
    """Builds the ranges in so many processes of their own, since one has but one core."""

    def build(generation: int, ranges: Iterable[Range], progress: Callable[[int], object]) -> int:
        count = 0
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(_build, mongo_url, generation, each) for each in ranges]):
                count += done.result()
                progress(count)
        return count

    return build


def _build(mongo_url: str, generation: int, within: Range) -> int:
    heap.settle()
    database = store.connect(mongo_url)
    try:
        return Rebuilding(StatsStore(database), system_clock).build(Projection(database, generation), within)
    finally:
        database.client.close()


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"python -m stats {name}", description=description)


def _last_day(text: str) -> date:
    """Of a month its last day."""
    if len(text) == len("YYYY-MM"):
        first = date.fromisoformat(f"{text}-01")
        return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return date.fromisoformat(text)


def _events(count: int) -> None:
    sys.stderr.write(f"{count} events\n")


def _refused(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return REFUSED


def _answer(answer: dict[str, Any]) -> None:
    sys.stdout.write(to_json(answer, indent=1).decode() + "\n")
