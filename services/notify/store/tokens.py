"""The tokens of a platform, sealed, where each is good once: one process renews them for all."""

from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chassis import store


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`access`, `refresh`: sealed. `access` is None before the first renewal. `version` counts the renewals; `seed`
    says from which token of the operator's they began."""

    version: int
    seed: str
    refresh: bytes
    access: bytes | None
    expires_at: datetime | None


class TokenStore:
    def __init__(self, database: Database[store.Document]) -> None:
        # Of all writes these must not be lost: the platform takes a token that was used once no more.
        self._tokens = database["tokens"]

    def load(self, platform: str) -> Tokens | None:
        found = self._tokens.find_one({"_id": platform})
        return None if found is None else Tokens(**{name: found[name] for name in Tokens.__slots__})

    def begin_anew(self, platform: str, seed: str, refresh: bytes, instead_of: int | None) -> None:
        """Puts an operator's token in the place of what there is, unless another process did."""
        fresh = {"seed": seed, "refresh": refresh, "access": None, "expires_at": None, "renewed_by": None}
        if instead_of is not None:
            self._tokens.update_one({"_id": platform, "version": instead_of}, {"$set": fresh, "$inc": {"version": 1}})
            return
        try:
            self._tokens.insert_one({"_id": platform, "version": 1, **fresh})
        except DuplicateKeyError:
            return

    def begin_renewal(self, platform: str, version: int, now: datetime, until: datetime) -> bool:
        """Whether it is for the caller to renew them, until then."""
        free = {"$or": [{"renewed_by": None}, {"renewed_by": {"$lt": now}}]}
        done = self._tokens.update_one({"_id": platform, "version": version, **free}, {"$set": {"renewed_by": until}})
        return done.modified_count == 1

    def renewed(self, platform: str, version: int, access: bytes, refresh: bytes, expires_at: datetime) -> None:
        self._tokens.update_one(
            {"_id": platform, "version": version},
            {
                "$set": {"access": access, "refresh": refresh, "expires_at": expires_at, "renewed_by": None},
                "$inc": {"version": 1},
            },
        )

    def not_renewed(self, platform: str, version: int) -> None:
        """The one that began it could not; another may try at once."""
        self._tokens.update_one({"_id": platform, "version": version}, {"$set": {"renewed_by": None}})
