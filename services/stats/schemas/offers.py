"""What is asked about what is offered, and whether it is used, and answered."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from chassis.paging import DEFAULT_LIMIT, Limit
from stats.domain.catalogue import Agency, Level
from stats.domain.facts import Channel, ServiceLevel
from stats.domain.indicators import LEVELS
from stats.queries.indicators import Offer, WantedOffers
from stats.queries.periods import Period
from stats.schemas.indicators import PeriodAnswer, PeriodQuery, period_of

Kind = Literal["procedure", "agency"]


class InactiveQuery(PeriodQuery):
    kind: Kind
    levels: Annotated[
        str | None, Field(description=f"of these service levels, comma separated: {', '.join(map(str, LEVELS))}")
    ] = None
    channel: Annotated[Channel | None, Field(description="what was received through it; default: any")] = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=500)] = None

    @field_validator("levels")
    @classmethod
    def _levels(cls, text: str | None) -> str | None:
        if text is not None and not set(text.split(",")) <= {str(level) for level in LEVELS}:
            raise ValueError(f"any of {', '.join(map(str, LEVELS))}")
        return text

    def wanted(self) -> WantedOffers:
        names = None if self.levels is None else self.levels.split(",")
        levels = None if names is None else tuple(level for level in LEVELS if str(level) in names)
        return WantedOffers(self.asked(), False, levels, self.channel)


class OfferedQuery(InactiveQuery):
    used: Annotated[bool | None, Field(description="with a dossier received in the period, or without any")] = None
    payable: Annotated[bool | None, Field(description="of procedures: something is to be paid for it")] = None

    def wanted(self) -> WantedOffers:
        found = super().wanted()
        return WantedOffers(found.asked, self.used, found.levels, found.channel, self.payable)


class OfferItem(BaseModel):
    """A procedure or an agency. `received`: dossiers in the period. `level` is of agencies, `field` and
    `service_level` are of procedures."""

    kind: Kind
    code: str
    name: str
    received: int
    field: str | None = None
    service_level: ServiceLevel | None = None
    level: Level | None = None


class Offers(BaseModel):
    period: PeriodAnswer
    items: list[OfferItem]
    next: str | None


def offers(period: Period, items: Sequence[Offer], following: str | None) -> Mapping[str, Any]:
    return {"period": period_of(period), "items": [_offer(each) for each in items], "next": following}


def _offer(offer: Offer) -> dict[str, Any]:
    thing = offer.thing
    if isinstance(thing, Agency):
        return {
            "kind": "agency", "code": thing.id, "name": thing.name, "received": offer.received, "level": thing.level
        }  # fmt: skip
    return {
        "kind": "procedure",
        "code": thing.code,
        "name": thing.name,
        "received": offer.received,
        "field": thing.field,
        "service_level": thing.service_level,
    }


def code_of(offer: Offer) -> str:
    """By what offers are in order."""
    return offer.thing.id if isinstance(offer.thing, Agency) else offer.thing.code
