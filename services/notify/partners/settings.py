"""What is needed to tell EMC and to ask the public post. Without an address, nothing of the kind is done."""

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Json, StringConstraints, model_validator

from notify.courier import MAX_TIMEOUT_SECONDS
from notify.national_portal.settings import NationalPortalSettings, Text, Url

_EMPTY_IS_NONE = BeforeValidator(lambda text: text or "{}")
SHORTEST_SECRET = 24


class PlaceSettings(BaseModel):
    """Where the post collects what an agency sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    address: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    phone: Annotated[str, StringConstraints(max_length=20)] = ""


class PartnerSettings(NationalPortalSettings):
    """`emc_site`: what EMC knows us by (siteId). `post_customer`: what the post knows us by (CustomerCode);
    `post_secret`: what it signs its messages with, or two while it changes; `post_senders`: where it collects results,
    by agency, and as `*` for those that have no place of their own. `post_tracking_seconds`: how often it is asked
    where a consignment is."""

    emc_url: Url = None
    emc_token: Text = None
    emc_site: Text = None
    emc_timeout_seconds: float = Field(default=10, gt=0, le=MAX_TIMEOUT_SECONDS)
    post_url: Url = None
    post_token: Text = None
    post_customer: Text = None
    post_secret: Text = None
    post_senders: Annotated[Json[dict[str, PlaceSettings]], _EMPTY_IS_NONE] = Field(default={})
    post_timeout_seconds: float = Field(default=10, gt=0, le=MAX_TIMEOUT_SECONDS)
    post_tracking_seconds: float = Field(default=3600, ge=60)

    @model_validator(mode="after")
    def _all_of_the_partners(self) -> Self:
        for url, needed in (("emc_url", ("emc_site",)), ("post_url", ("post_customer", "post_token"))):
            if getattr(self, url) is not None:
                missing = [name.upper() for name in (*needed, "sealing_key") if getattr(self, name) is None]
                if missing:
                    raise ValueError(f"{url.upper()} needs {', '.join(missing)}")
        if any(len(secret) < SHORTEST_SECRET for secret in self.post_secrets):
            raise ValueError(f"POST_SECRET: a secret has {SHORTEST_SECRET} characters at least")
        return self

    @property
    def post_secrets(self) -> tuple[str, ...]:
        return tuple((self.post_secret or "").split())
