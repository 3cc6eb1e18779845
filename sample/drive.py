"""`python -m sample.drive`: leads the sample province through a day over the API, and checks what the statistics say.

Exit status: 0 when everything matched, 1 when something did not or the drive could not go on, 2 for wrong arguments,
3 when the system does not answer.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sample import load, plan, province, tally
from sample.client import Access, Api, Refused, Unreachable
from sample.course import lead
from sample.crowd import Crowd
from sample.driving import Drive
from sample.report import Progress, Report, summary
from sample.tally import BY, Counts, Record

T = TypeVar("T")
FIRST_RUN = "sample"
THREADS = 8
PATIENCE_SECONDS = 15.0
"""A system that was started should answer; what restarts in the middle has this long."""
SETTLE_SECONDS = 60.0
POLL_SECONDS = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    options = _parse(argv)
    try:
        access = Access.read(options.access, options.base_url)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"drive: {options.access} is no access file as ./run writes it ({type(error).__name__})", file=sys.stderr)
        return 2
    try:
        day = _Day(Api(access, PATIENCE_SECONDS), access, options.unfinished, quiet=options.quiet)
        report = day.report(options.dossiers, options.again)
    except Unreachable as silence:
        print(f"drive: {silence}; is the system running?", file=sys.stderr)
        return 3
    except (load.Failed, Refused) as failure:
        print(f"drive: {failure}", file=sys.stderr)
        return 1
    print(report.text(), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0 if report.ok else 1


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sample.drive", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--access", type=Path, required=True, metavar="FILE", help="the access.json of ./run")
    parser.add_argument("--base-url", metavar="URL", help="the gateway, if not the one of the access file")
    parser.add_argument("--dossiers", type=int, default=320, metavar="N", help="how many to drive (320)")
    parser.add_argument("--again", action="store_true", help="drive another batch although dossiers are there")
    parser.add_argument(
        "--unfinished", type=Path, metavar="FILE",
        help="is there while dossiers are driven; when it is there already, another batch is driven",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON, too")
    parser.add_argument("--quiet", action="store_true", help="print the report only")
    options = parser.parse_args(argv)
    if options.dossiers < plan.FEWEST:
        parser.error(f"--dossiers: at least {plan.FEWEST}, so that every kind of fate is among them")
    return options


class _Day:
    def __init__(self, api: Api, access: Access, unfinished: Path | None, *, quiet: bool) -> None:
        self._api = api
        self._access = access
        self._unfinished = unfinished
        self._quiet = quiet
        self._province = province.read()
        self._seconds: dict[str, float] = {}

    def report(self, dossiers: int, again: bool) -> Report:
        """Loads, drives unless dossiers are there already, waits for the statistics, compares."""
        api = self._api
        is_empty = not api.get("leader", "/api/intake/v1/dossiers", limit=1)["items"]
        with self._timed("load"):
            loaded = load.load(api, self._province)
            self._say(f"Catalogue: {loaded.accepted} rows accepted, {loaded.unchanged} were there already")
            load.load_essentials(api, province.essentials())
        if self._unfinished is not None and self._unfinished.exists() and not is_empty:
            self._say("The last drive was interrupted: what it filed stays as it is, and another batch is driven")
            again = True
        if not (is_empty or again):
            self._say("Dossiers are there already: nothing is driven (--again drives another batch)")
            return self._reported(None, None, None, [])
        run = FIRST_RUN if is_empty else f"{FIRST_RUN}-{uuid.uuid4().hex[:12]}"
        before: Counts = {}
        if not is_empty:
            self._settled_recount()
            before = self._statistics()
        records, broken = self._drive(run, dossiers)
        with self._timed("statistics"):
            differences, compared = self._settled_comparison(records, before)
        return self._reported(run, records, differences, broken, compared)

    def _drive(self, run: str, dossiers: int) -> tuple[list[Record], list[str]]:
        today = _today()
        planned = plan.draw(self._province, today, dossiers, self._access.agencies, run)
        with self._timed("load"):
            load.wait_until_known(self._api, plan.by_place(planned))
        self._say(f"Driving {len(planned)} dossiers")
        records = [Record(one) for one in planned]
        last = self._province.days.add(today, -1)
        drive = Drive(self._api, run, self._province, last, self._access.agencies)
        progress = Progress(records, quiet=self._quiet)
        if self._unfinished is not None:
            self._unfinished.touch()
        with self._timed("drive"):
            try:
                Crowd(lead(drive, record) for record in records).run(THREADS, progress.show)
            finally:
                progress.end()
        if self._unfinished is not None:
            self._unfinished.unlink(missing_ok=True)
        return records, drive.broken

    def _reported(
        self,
        run: str | None,
        records: Sequence[Record] | None,
        differences: Sequence[tally.Difference] | None,
        broken: Sequence[str],
        compared: int = 0,
    ) -> Report:
        with self._timed("recount"):
            recount = self._settled_recount()
        return Report(
            run=run,
            did=None if records is None else summary(records, _today()),
            procedures=len({record.planned.procedure.code for record in records or ()}),
            agencies=len({record.planned.agency for record in records or ()}),
            by_month=self._counts("month"),
            by_channel=self._counts("channel"),
            recount=recount,
            differences=differences,
            compared=compared,
            broken=broken,
            seconds=self._seconds,
            requests=self._api.requests_sent,
        )

    def _settled_comparison(self, records: Sequence[Record], before: Counts) -> tuple[Sequence[tally.Difference], int]:
        """The differences that remain when the statistics had time to catch up, and how many numbers were compared."""

        def compare() -> tuple[Sequence[tally.Difference], int]:
            done = tally.tally(records, _today())
            return tally.compare(done, tally.minus(self._statistics(), before)), sum(map(len, done.values()))

        return _until(lambda found: not found[0], compare)

    def _settled_recount(self) -> Mapping[str, Any]:
        def recount() -> Mapping[str, Any]:
            answer: Mapping[str, Any] = self._api.get("leader", "/api/stats/v1/recount")
            return answer

        return _until(lambda found: bool(found["equal"]), recount)

    def _statistics(self) -> dict[tally.Key, Any]:
        """What happened, by month, and what is there now."""
        return tally.counted(self._counts(*BY, "month")) | tally.counted(self._counts(*BY))

    def _counts(self, *by: str) -> Sequence[Mapping[str, Any]]:
        today = _today()
        period = {"from": str(plan.first_day(today)), "to": str(today + timedelta(days=1))}
        rows: list[Mapping[str, Any]] = self._api.items("leader", "/api/stats/v1/counts", by=",".join(by), **period)
        return rows

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._seconds[name] = round(self._seconds.get(name, 0.0) + time.monotonic() - began, 2)

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)


def _until(good: Callable[[T], bool], look: Callable[[], T]) -> T:
    """What `look` sees as soon as it is good, or when the time to settle is over."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not good(found := look()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found


def _today() -> date:
    return province.local_day(datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
