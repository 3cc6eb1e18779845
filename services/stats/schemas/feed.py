"""What is asked about the feed, and answered."""

from datetime import datetime
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, field_validator

from chassis.paging import DEFAULT_LIMIT, Limit
from chassis.web import Body
from stats.events import FEED

TYPES = tuple(kind.TYPE for kind in cast(Any, FEED))
Cursor = Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
MAX_WAIT_SECONDS = 25


class StreamQuery(Body):
    after: Annotated[Cursor, Field(description="the cursor behind which to begin; 0: from the beginning")] = "0"
    types: Annotated[str, Field(description=f"which types, comma separated; default all: {', '.join(TYPES)}")] = ""

    @field_validator("types")
    @classmethod
    def _known(cls, text: str) -> str:
        if not {name for name in text.split(",") if name} <= set(TYPES):
            raise ValueError(f"any of {', '.join(TYPES)}")
        return text

    def wanted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in self.types.split(",") if name))


class FeedQuery(StreamQuery):
    limit: Limit = DEFAULT_LIMIT
    wait: Annotated[
        float, Field(ge=0, le=MAX_WAIT_SECONDS, description="seconds to wait for an entry when there is none yet")
    ] = 0


class FeedEvent(BaseModel):
    """A CloudEvent 1.0. `cursor` is its place in the feed, counted from 1 without gaps; `sequence` the revision of what
    the subject names: a later one replaces an earlier one. asyncapi.yaml describes `data` by type."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    sequence: int
    cursor: int
    data: dict[str, Any]


class FeedPage(BaseModel):
    """`next`: the cursor to go on from, always; the feed has no last page."""

    items: list[FeedEvent]
    next: str
