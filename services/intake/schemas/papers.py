"""The queries of the routes about papers."""

from datetime import date

from pydantic import Field

from chassis.web import Body
from intake.schemas.fields import Identifier


class RegisterQuery(Body):
    """Days of reception, both included, in Asia/Ho_Chi_Minh; a month at most."""

    agency: Identifier
    first: date = Field(alias="from")
    last: date = Field(alias="to")
