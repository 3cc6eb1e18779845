"""Rules as editors send and see them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from chassis.paging import Page, PageQuery
from chassis.web import Body
from notify.domain.rules import Book, Line
from notify.domain.telling import Audience, Channel, Group

Word = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9_.]+$")]
Remark = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class RuleBody(Body):
    """After `event` the audience is told by each of the channels in the words of the template. `group`: what people
    choose their channels for; `urgent`: at any hour; `obligatory`: the law (`basis`) wants it told, so nobody can
    silence it; `when`: only if the event says so, `{"kind": "other"}`."""

    event: Word
    audience: Audience
    template: Word
    channels: list[Channel] = Field(min_length=1, max_length=4)
    group: Group
    urgent: bool = False
    obligatory: bool = False
    basis: Remark | None = None
    when: dict[Word, Word] = Field(default_factory=dict, max_length=4)

    def line(self) -> Line:
        return Line(
            event=self.event,
            audience=self.audience,
            template=self.template,
            channels=tuple(dict.fromkeys(self.channels)),
            group=self.group,
            urgent=self.urgent,
            obligatory=self.obligatory,
            basis=self.basis,
            when=tuple(sorted(self.when.items())),
        )


class RulesBody(Body):
    """All rules; what is not among them is told to nobody. `note`: why they are changed."""

    rules: list[RuleBody] = Field(max_length=200)
    note: Remark | None = None


class VersionQuery(Body):
    """`version`: another one than the newest."""

    version: int | None = Field(default=None, ge=0, le=1_000_000)


class VersionsQuery(PageQuery):
    pass


class VersionRow(BaseModel):
    """`changed_by`: a person's subject, or `release` for what came with the project."""

    version: int
    changed_at: datetime
    changed_by: str
    note: str | None


class RulesVersions(Page[VersionRow]):
    pass


class RulesView(VersionRow):
    """`edition`: the newest of the project's that is in it."""

    edition: int
    rules: list[RuleBody]

    @classmethod
    def of(cls, book: Book) -> "RulesView":
        return cls(
            version=book.number,
            changed_at=book.at,
            changed_by=book.by,
            note=book.note,
            edition=book.edition,
            rules=[_rule(line) for line in book.lines],
        )


def _rule(line: Line) -> RuleBody:
    return RuleBody(
        event=line.event,
        audience=line.audience,
        template=line.template,
        channels=list(line.channels),
        group=line.group,
        urgent=line.urgent,
        obligatory=line.obligatory,
        basis=line.basis,
        when=dict(line.when),
    )
