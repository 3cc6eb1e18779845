"""Who can sign: the interface of a signing key, and keys that lie in a folder as PKCS#12 (RFC 7292).

A remote signing service (ETSI TS 119 432, the CSC API) is another class with the same two members: it is sent the
digest of what is to be signed, never the document, and needs nothing else of ours.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID

from chassis import logs

log = logs.get()
Kind = Literal["officer", "agency"]


class Signer(Protocol):
    """Somebody's key and certificate."""

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """DER: the signer's own first, then its issuers'."""

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest: RSASSA-PKCS1-v1_5 of an RSA key, ECDSA (DER) of one on a curve. Raises
        OSError when the key cannot be reached now."""


class KeyUnusable(Exception):  # noqa: N818 (told to who asked for the signature)
    """There is a key, but it cannot be opened: a wrong passphrase, a damaged file, a kind of key that is not known."""


class Pkcs12Signer:
    """A key that this process holds. Raises KeyUnusable."""

    def __init__(self, data: bytes, passphrase: bytes) -> None:
        try:
            key, own, others = pkcs12.load_key_and_certificates(data, passphrase)
        except ValueError as error:
            raise KeyUnusable("the PKCS#12 cannot be opened") from error
        if own is None or not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise KeyUnusable("the PKCS#12 has no certificate with an RSA or an elliptic key")
        self._key = key
        self.certificates = tuple(each.public_bytes(Encoding.DER) for each in (own, *others))

    def sign(self, digest: bytes) -> bytes:
        hashed = utils.Prehashed(SHA256())
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(digest, padding.PKCS1v15(), hashed)
        return self._key.sign(digest, ec.ECDSA(hashed))


@dataclass(frozen=True, slots=True)
class Holder:
    """What a signer's certificate says."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, signer: Signer) -> "Holder":
        own = x509.load_der_x509_certificate(signer.certificates[0])
        names = own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(names[0].value) if names else own.subject.rfc4514_string()
        return cls(name, own.not_valid_before_utc, own.not_valid_after_utc)


class KeyFolder:
    """A folder with `agency.<id>.p12` and `officer.<subject>.p12`, each with its passphrase in `….pass` beside it.

    A name is percent-encoded (RFC 3986), since a subject may hold any character. Files are read for each use: a key
    that was taken away is of no more use.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def signer(self, kind: Kind, name: str) -> Signer | None:
        """The key of that officer or agency; None when there is none. Raises KeyUnusable."""
        if self._folder is None:
            return None
        path = self._folder / file_name(kind, name)
        try:
            data = path.read_bytes()
            passphrase = path.with_suffix(".pass").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            log.warning("signing_key_unreadable", kind=kind, reason=type(error).__name__)
            raise KeyUnusable("the key's files cannot be read") from error
        return Pkcs12Signer(data, passphrase.encode())


def file_name(kind: Kind, name: str) -> str:
    return f"{kind}.{quote(name, safe='')}.p12"
