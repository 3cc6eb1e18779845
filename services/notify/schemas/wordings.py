"""The words of messages as editors send and see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from chassis.errors import FieldError
from chassis.paging import Page, PageQuery
from chassis.web import Body
from notify.checks import Shown
from notify.domain.telling import Channel, Language
from notify.domain.wordings import Wording, Words
from notify.schemas.rules import Remark, VersionRow

_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
Subject = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=_PRINTABLE)]
Markup = Annotated[str, StringConstraints(min_length=1, max_length=50_000, pattern=_PRINTABLE)]
Given = Annotated[str, StringConstraints(max_length=2_000, pattern=_PRINTABLE)]
Names = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
Entry = Annotated[dict[Names, Given | None], Field(max_length=10)]
Entries = Annotated[list[Entry], Field(max_length=20)]


class WordsBody(Body):
    """Jinja sources. `subject`: for `email` and `portal`; `html`: for `email`, beside the text. `note`: why they are
    changed."""

    subject: Subject | None = None
    text: Text
    html: Markup | None = None
    note: Remark | None = None

    def words(self) -> Words:
        return Words(subject=self.subject, text=self.text, html=self.html)


class PreviewBody(Body):
    """Without `text`, the words that count now are shown. `sample`: params in the place of the project's own sample;
    what ends in `_at` is an RFC 3339 time."""

    subject: Subject | None = None
    text: Text | None = None
    html: Markup | None = None
    sample: dict[Names, Given | Entries | None] | None = Field(default=None, max_length=30)


class Finding(BaseModel):
    """As in a problem's `errors`."""

    pointer: str
    code: str
    message: str


class Preview(BaseModel):
    """What would be said, null where nothing can be. `encoding`, `units`, `segments`: of an SMS (3GPP TS 23.038), in
    septets or UTF-16 units. `errors`: for which a PUT of these words would be refused."""

    subject: str | None
    text: str | None
    html: str | None
    encoding: Literal["gsm7", "ucs2"] | None
    units: int | None
    segments: int | None
    errors: list[Finding]

    @classmethod
    def of(cls, shown: Shown | None, wrong: Sequence[FieldError]) -> "Preview":
        rendered, measured = (shown.rendered, shown.length) if shown else (None, None)
        return cls(
            subject=rendered.subject or None if rendered else None,
            text=rendered.text if rendered else None,
            html=rendered.html if rendered else None,
            encoding=measured.encoding if measured else None,
            units=measured.units if measured else None,
            segments=measured.segments if measured else None,
            errors=[Finding(pointer=each.pointer, code=each.code, message=each.message) for each in wrong],
        )


class TemplateRow(BaseModel):
    """`version` 0: the project's own words, which nobody changed."""

    template: str
    channel: Channel
    language: Language
    version: int
    changed_at: datetime | None
    changed_by: str | None


class TemplatePage(Page[TemplateRow]):
    pass


class TemplatesQuery(PageQuery):
    """Of one template, channel or language."""

    template: Names | None = None
    channel: Channel | None = None
    language: Language | None = None


class TemplateView(TemplateRow):
    """`fields`: the names that its words may use."""

    subject: str | None
    text: str
    html: str | None
    note: str | None
    fields: list[str]


class TemplateVersions(Page[VersionRow]):
    pass


def versions_row(wording: Wording) -> VersionRow:
    return VersionRow(version=wording.number, changed_at=wording.at, changed_by=wording.by, note=wording.note)
