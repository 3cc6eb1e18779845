"""Which places the archive's log touched, for those who follow the numbers."""

from dataclasses import dataclass
from datetime import date

from stats.store.log import Log, changed_by


@dataclass(frozen=True, slots=True)
class Touch:
    """Up to row `log` of the archive's log: the agencies whose numbers may have changed, and the first day (None: no
    number did). `more`: the log goes on."""

    log: int
    agencies: frozenset[str]
    since: date | None
    more: bool


class Changes:
    def __init__(self, log: Log) -> None:
        self._log = log

    def last(self) -> int:
        """The newest row whose events are in the numbers."""
        return self._log.last().number

    def after(self, log: int, limit: int) -> Touch:
        """What the rows behind `log` touched, at most `limit` of them."""
        rows = self._log.after(log, limit)
        touched = [changed_by(row) for row in rows]
        return Touch(
            log=rows[-1]["_id"] if rows else log,
            agencies=frozenset(agency for agencies, _ in touched for agency in agencies),
            since=min((since for _, since in touched if since is not None), default=None),
            more=len(rows) == limit,
        )
