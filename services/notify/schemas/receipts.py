"""What providers tell of messages."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Id = Annotated[str, Field(min_length=1, max_length=100)]


class Heard(BaseModel):
    """The same for everything that is signed: sending it again changes nothing."""

    result: Literal["heard"] = "heard"


class _Part(BaseModel):
    """Of what a platform tells only this is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Sender(_Part):
    id: _Id


class Said(_Part):
    text: str = Field(default="", max_length=10_000)


class ChatEvent(_Part):
    """`timestamp`: milliseconds since 1970."""

    app_id: str = Field(max_length=100)
    event_name: str = Field(max_length=100)
    timestamp: str | int
    sender: Sender | None = None
    message: Said | None = None
