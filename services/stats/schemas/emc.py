"""What EMC asks, and is answered, in its own words."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from chassis.paging import PageQuery
from stats.queries.emc import DONE, IN_PROCESS, OTHER, RECEIVED, Item
from stats.queries.periods import Period
from stats.schemas.filters import Days


class EmcQuery(PageQuery, Days):
    site: Annotated[str | None, Field(alias="siteId", description="an agency's id; default: all", max_length=100)] = (
        None
    )


class EmcStatuses(BaseModel):
    """How many dossiers came to each of EMC's statuses in the period. `other`: withdrawn, not received, stopped (0);
    `received` (1); `inProcess`: when the period ends, or now, assigned ones (4) among them (2); `done` (3)."""

    other: int
    received: int
    inProcess: int  # noqa: N815 (EMC's way)
    done: int


class EmcItem(BaseModel):
    """`level`: 3 (one-part services too) or 4 (whole-process services too). `formsReception`: 1 online, 2 direct, the
    public post (`isDVCBC`) among it. `formsPayments`: dossiers whose fees were paid in the period, online or
    directly."""

    siteId: str  # noqa: N815 (EMC's way)
    codeTTHC: str  # noqa: N815 (EMC's way)
    nameTTHC: str  # noqa: N815 (EMC's way)
    level: Literal[3, 4]
    formsReception: Literal[1, 2]  # noqa: N815 (EMC's way)
    status: EmcStatuses
    isDVCBC: int  # noqa: N815 (EMC's way)
    formsPayments: dict[Literal["online", "direct"], int]  # noqa: N815 (EMC's way)


class EmcPage(BaseModel):
    """The days [from, to) in Asia/Ho_Chi_Minh. `next` is the cursor of the following page, null on the last one."""

    items: list[EmcItem]
    next: str | None
    start: Annotated[date, Field(serialization_alias="from")]
    end: Annotated[date, Field(serialization_alias="to")]
    as_of: datetime


def answered(asked: Period, items: Sequence[Item], following: str | None, now: datetime) -> dict[str, Any]:
    return {
        "items": [_item(each) for each in items],
        "next": following,
        "from": asked.start,
        "to": asked.end,
        "as_of": now,
    }


def _item(each: Item) -> dict[str, Any]:
    site, procedure, level, form = each.place
    return {
        "siteId": site,
        "codeTTHC": procedure,
        "nameTTHC": each.name,
        "level": level,
        "formsReception": form,
        "status": {
            "other": each.status[OTHER],
            "received": each.status[RECEIVED],
            "inProcess": each.status[IN_PROCESS],
            "done": each.status[DONE],
        },
        "isDVCBC": each.received_by_post,
        "formsPayments": {"online": each.paid_online, "direct": each.paid - each.paid_online},
    }
