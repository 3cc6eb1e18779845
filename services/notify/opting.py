"""The links in e-mails by which whoever gets them chooses what comes to the address, without an account.

A link holds nothing but a word made of the address by a secret key, signed; the store keeps the same word. It does not
expire: an e-mail may be read years later (RFC 8058).
"""

import hmac
from hashlib import sha256
from unicodedata import normalize

PATH = "/thong-bao"


class Opting:
    """`keys`: the first one makes links, every one of them reads what it made."""

    def __init__(self, public_url: str, keys: tuple[str, ...]) -> None:
        self._page = f"{public_url.rstrip('/')}{PATH}?ma="
        self._keys = keys

    def ids(self, address: str) -> list[str]:
        """The words that stand for the address in links, and in the store: the one that new links have first."""
        plain = normalize("NFC", address).strip().casefold()
        return [_mac(key, "address", plain)[:40] for key in self._keys]

    def link(self, address: str) -> str | None:
        """The page's address for whoever gets e-mails at this address; None without a key."""
        if not self._keys or not address:
            return None
        id = self.ids(address)[0]
        return f"{self._page}{id}{_mac(self._keys[0], 'link', id)[:32]}"

    def read(self, token: str) -> str | None:
        """The id in a link that was made here, None for any other."""
        id, signature = token[:40], token[40:]
        if len(token) != 72 or not token.isascii():
            return None
        good = [hmac.compare_digest(_mac(key, "link", id)[:32], signature) for key in self._keys]
        return id if any(good) else None


def _mac(key: str, purpose: str, text: str) -> str:
    return hmac.new(key.encode(), f"{purpose}\x1f{text}".encode(), sha256).hexdigest()
