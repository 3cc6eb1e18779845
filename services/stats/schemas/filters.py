"""What every question about counts can be narrowed by."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from stats.queries.counts import Wanted

WITHOUT = "-"
"""What stands for the dimension that a look-up, say, has not."""
NONE = "; - for those that have none"


def _level(text: Any) -> Any:
    """As it stands in a query, 3 is a text."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


class Days(BaseModel):
    """The days [from, to)."""

    start: Annotated[date | None, Field(alias="from", description="the first day; default: 1 January")] = None
    end: Annotated[
        date | None, Field(alias="to", description="the day after the last; default: the end of the year")
    ] = None

    @field_validator("start", "end", "as_of", check_fields=False)
    @classmethod
    def _plausible(cls, day: date | None) -> date | None:
        if day is not None and not 1990 <= day.year <= 2200:
            raise ValueError("a year from 1990 to 2200")
        return day


class KnownDays(Days):
    as_of: Annotated[
        date | None, Field(description="as it was known at the end of that day; default, and for today: now")
    ] = None


class Filters(KnownDays):
    """Whose numbers, of which days, as known when."""

    agency: Annotated[
        str | None, Field(description=f"an agency's id; without it the whole province{NONE}", max_length=100)
    ] = None
    subtree: Annotated[bool, Field(description="with the agencies below it")] = False
    field: Annotated[str | None, Field(description=f"a field's code{NONE}", max_length=100)] = None
    procedure: Annotated[str | None, Field(description=f"a procedure's code{NONE}", max_length=100)] = None
    channel: Annotated[Literal["online", "counter", "post", "-"] | None, Field(description=f"a channel{NONE}")] = None
    service_level: Annotated[
        Literal[1, 2, 3, 4, "partial", "full", "-"] | None,
        BeforeValidator(_level),
        Field(description=f"a service level, of either scale{NONE}"),
    ] = None

    def _wanted(self, **more: Any) -> Wanted:
        names = ("agency", "field", "procedure", "channel", "service_level")
        dimensions: dict[str, Any] = {
            name: "" if getattr(self, name) == WITHOUT else getattr(self, name) for name in names
        }
        return Wanted(
            **dimensions,
            subtree=self.subtree,
            start=self.start,
            end=self.end,
            as_of=self.as_of,
            **more,
        )
