"""Codes as they come in. They hold no `|`, since a cell's key is made of them."""

from typing import Annotated

from pydantic import StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[^|\s]{1,100}$")]
