"""The answers of routes that give papers."""

from typing import Any, Literal

from pydantic import BaseModel

from chassis.printed import Printed
from chassis.web import Answer

LATER = (
    "\n\n202 while it is being printed: ask again after Retry-After seconds. Printed papers are kept by what they say."
)


class PaperWaiting(BaseModel):
    """`paper`: the hash of what the paper says."""

    state: Literal["waiting"]
    paper: str


def answer(paper: Printed[Any], pdf: bytes | None) -> Answer:
    """The PDF; 202 while there is none."""
    if pdf is None:
        return Answer(PaperWaiting(state="waiting", paper=paper.id), 202, headers={"Retry-After": "1"})
    headers = {"Content-Disposition": f'inline; filename="{paper.kind}.pdf"', "Cache-Control": "private, no-cache"}
    return Answer(pdf, 200, headers=headers, media_type="application/pdf")
