"""The queries of the routes about papers."""

from typing import Annotated

from pydantic import Field

from chassis.web import Body


class ApologyQuery(Body):
    """`number`: of the extensions with an apology, from 1; the last one without it."""

    number: Annotated[int, Field(ge=1, le=100)] | None = None
