"""What is needed to tell the national portal. Without its address, nothing of the kind is done."""

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chassis.settings import Settings
from notify.courier import MAX_TIMEOUT_SECONDS
from notify.sealing import Sealing


def _sealing_keys(text: str | None) -> str | None:
    if text:
        Sealing.read(text)
    return text


_Optional = BeforeValidator(lambda text: text or None)
"""An empty variable or file is how a deployment without any leaves its place."""
Url = Annotated[Annotated[str, Field(pattern=r"^https?://")] | None, _Optional]
Text = Annotated[Annotated[str, Field(min_length=1)] | None, _Optional]


class NationalPortalSettings(Settings):
    """`sealing_key`: what personal data at rest is sealed with, see `notify.sealing`. `…_agency`: our code there
    (`madonvi`); `…_dstcode`: the receiving system's, which the login names. `…_hold_hours`: how long an event is waited
    for before later ones are told without it; `…_settle_seconds`: how long a withdrawal waits for what the officers did
    before it. `intake_url`, `intake_api_key`: where dossiers that were filed on the portal go to; without the key none
    are fetched."""

    sealing_key: Annotated[Text, AfterValidator(_sealing_keys)] = None
    national_portal_url: Url = None
    national_portal_user: Text = None
    national_portal_password: Text = None
    national_portal_agency: Text = None
    national_portal_dstcode: Text = None
    national_portal_timeout_seconds: float = Field(default=15, gt=0, le=MAX_TIMEOUT_SECONDS)
    national_portal_batch: int = Field(default=300, ge=1, le=1000)
    national_portal_lines: int = Field(default=2, ge=1, le=8)
    national_portal_hold_hours: float = Field(default=6, ge=0)
    national_portal_settle_seconds: float = Field(default=120, ge=0)
    national_portal_pull_seconds: float = Field(default=60, ge=1)
    intake_url: Annotated[str, Field(pattern="^https?://")] = "http://127.0.0.1:8002"
    intake_api_key: Text = None

    @model_validator(mode="after")
    def _all_of_the_portal(self) -> Self:
        if self.national_portal_url is not None:
            needed = ("national_portal_user", "national_portal_password", "national_portal_agency",
                      "national_portal_dstcode", "sealing_key")  # fmt: skip
            missing = [name.upper() for name in needed if getattr(self, name) is None]
            if missing:
                raise ValueError(f"NATIONAL_PORTAL_URL needs {', '.join(missing)}")
        return self
