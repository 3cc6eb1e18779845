"""The queries and answers of the routes about pre-filling."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from chassis.paging import PageQuery
from chassis.web import Body
from intake import texts
from intake.domain.population import Filled, State
from intake.population import Asked
from intake.schemas.fields import Identifier, Line
from intake.store.population import Lookup
from intake.usecases.prefill import Wish

Identity = Annotated[str, StringConstraints(pattern=r"^([0-9]{9}|[0-9]{12})$")]


class PrefillQuery(Body):
    """`identity`: 12 digits, or the 9 of the old card. `purpose`: why an officer looks somebody up. The data is for one
    of `procedure`, `dossier` and `draft`; without one, only what every filing needs is given."""

    identity: Identity
    name: Line
    birth_date: Annotated[date, Field(ge=date(1850, 1, 1))]
    purpose: Line | None = None
    procedure: Identifier | None = None
    dossier: Identifier | None = None
    draft: Identifier | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if sum(each is not None for each in (self.procedure, self.dossier, self.draft)) > 1:
            raise PydanticCustomError("one_of", "at most one of procedure, dossier and draft")
        return self

    def wish(self) -> Wish:
        return Wish(
            asked=Asked(self.identity, self.name, self.birth_date),
            purpose=self.purpose,
            procedure=self.procedure,
            dossier=self.dossier,
            draft=self.draft,
        )


class FieldView(BaseModel):
    """`key`: what it is in the population data; `pointer`: where a filing has it; `title`: its label."""

    key: str
    pointer: str
    title: str
    value: str


class Prefilled(BaseModel):
    """`to_type_in`: names of what is not given. It is all of them unless the state is "ok"."""

    state: State
    message: str
    fields: list[FieldView]
    to_type_in: list[str]

    @classmethod
    def of(cls, state: State, filled: Filled) -> "Prefilled":
        fields = [
            FieldView(key=place.key, pointer=place.pointer, title=place.title, value=value)
            for place, value in filled.values
        ]
        return cls(state=state, message=texts.PREFILL[state][0], fields=fields, to_type_in=list(filled.to_type_in))


class LookupsQuery(PageQuery):
    """`identity`: whose data was looked up; `who`: the account that did."""

    identity: Identity | None = None
    who: Annotated[str, Field(max_length=200)] | None = None
    agency: Identifier | None = None
    dossier: Identifier | None = None


class LookupView(BaseModel):
    """`person`: the identity number, hashed; the same person has the same one. `state`: "asked" when it is not known
    what became of it."""

    id: str
    at: datetime
    who: str
    agency: str | None
    person: str
    purpose: str | None
    procedure: str | None
    dossier: str | None
    draft: str | None
    state: str

    @classmethod
    def of(cls, lookup: Lookup) -> "LookupView":
        return cls(**{name: getattr(lookup, name) for name in cls.model_fields})


class LookupPage(BaseModel):
    items: list[LookupView]
    next: str | None
