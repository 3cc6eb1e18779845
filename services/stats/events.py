"""What stats tells the world: the events of the public feed, which monitoring systems follow (docs/adr/0019-feed.md).

They go to the feed and nowhere else, since no service needs them. None names a person. The envelope's `sequence` is the
revision of what the subject names, from 1; its `cursor` is the entry's place in the feed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

PUBLISHED: tuple[type, ...] = ()
"""To the services: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsChanged:
    """The counts of an agency (without those below it) and a month became others. They replace whatever an earlier
    revision said, so that who keeps the latest of each agency and month can add them up.

    `counts` is what GET /counts answers for that agency and month, without the names. `month`: `YYYY-MM`. `agency` is
    empty for what no agency did: people's looks into their own document store.
    """

    TYPE: ClassVar[str] = "stats.counts.v1"
    agency: str
    agency_name: str | None
    month: str
    revision: int
    as_of: datetime
    counts: Mapping[str, int | Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorChanged:
    """An indicator of an agency (None: the province) and a period has another numerator or denominator.

    `value` is a share from 0 on, None while the denominator is 0, and the number itself where the indicator is one
    (`denominator` None); `previous_value` is what the revision before said. `period`: `YYYY` or `YYYY-MM`. The
    indicators are those of GET /indicators, which tells their names and methods.
    """

    TYPE: ClassVar[str] = "stats.indicator.changed.v1"
    indicator: str
    agency: str | None
    period: str
    revision: int
    as_of: datetime
    numerator: float
    denominator: float | None
    value: float | None
    previous_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence for people, in Vietnamese and in English."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """Something that somebody should look at. It is said once for a kind, an indicator (None: it is about none), an
    agency (None: the province) and a period."""

    TYPE: ClassVar[str] = "stats.alert.raised.v1"
    kind: str
    indicator: str | None
    agency: str | None
    period: str
    raised_at: datetime
    numbers: Mapping[str, float]
    words: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPublished:
    """A report was published and will not change; a later revision of the same form, agency and month is another
    document. `sha256` is the hex digest of the file behind `url`."""

    TYPE: ClassVar[str] = "stats.report.published.v1"
    form: str
    agency: str
    month: str
    revision: int
    sha256: str
    url: str
    published_at: datetime


FEED: tuple[type, ...] = (CountsChanged, IndicatorChanged, AlertRaised, ReportPublished)
