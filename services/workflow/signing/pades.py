"""Signs a PDF: PAdES baseline B-B, or B-T with a time stamp authority (ETSI EN 319 142-1).

B-LT and B-LTA hold revocation data, which is fetched from the certificate's issuer: they need a network, and are not
made here.
"""

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.content import ImportedPdfPage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers import Signer as CmsSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from workflow.signing.keys import Signer

RESERVED = 32 * 1024
"""Hexadecimal digits that the CMS object gets in the file: certificates of a chain of four, and a time stamp."""
POINTS_PER_MM = 72 / 25.4
STAMP = (84.0, 22.0)
"""Width and height in mm of the visible signature, in the upper right corner of the first page (Nghị định 30/2020,
phụ lục I, for an agency's signature on a paper)."""
EDGE = 6.0


class NotSignable(Exception):  # noqa: N818 (told to who asked for the signature)
    """The PDF does not allow another signature, or cannot be written to."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How the signature looks (a PDF of one page, see `STAMP`) and what it says of itself."""

    stamp: Path
    name: str
    reason: str
    location: str


class _Cms(CmsSigner):
    """Ours as pyHanko takes it: what leaves this process is a digest."""

    def __init__(self, signer: Signer) -> None:
        own, *others = [next(iter(load_certs_from_pemder_data(each))) for each in signer.certificates]
        issuers = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        for each in others:
            issuers.register(each)
        super().__init__(signing_cert=own, cert_registry=issuers)
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if digest_algorithm != "sha256":
            raise NotSignable(f"no signature of a {digest_algorithm} digest is made")
        if dry_run:
            return bytes(512)
        digest = hashlib.sha256(data).digest()
        made = self._signer.sign(digest)
        _check(self._signer, made, digest)
        return made


def _check(signer: Signer, signature: bytes, digest: bytes) -> None:
    """NotSignable when what a signer gave is not its certificate's: its key and certificate do not belong together."""
    public = x509.load_der_x509_certificate(signer.certificates[0]).public_key()
    hashed = utils.Prehashed(SHA256())
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, digest, padding.PKCS1v15(), hashed)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(hashed))
        else:
            raise NotSignable("neither an RSA key nor one on a curve")
    except InvalidSignature:
        raise NotSignable("the signature is not the certificate's") from None


def sign(
    pdf: bytes, signer: Signer, at: datetime, appearance: Appearance, timestamper: TimeStamper | None = None
) -> bytes:
    """The PDF with one more signature, made at `at`; all bytes that were there remain as they were.

    Raises NotSignable, and OSError when the key or the time stamp authority cannot be reached.
    """
    try:
        return asyncio.run(_sign(pdf, signer, at, appearance, timestamper))
    except (SigningError, PdfError) as error:
        raise NotSignable(type(error).__name__) from error


async def _sign(
    pdf: bytes, signer: Signer, at: datetime, appearance: Appearance, timestamper: TimeStamper | None
) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    taken = {name for name, _, _ in enumerate_sig_fields(writer.prev)}
    field = next(name for n in range(1, len(taken) + 2) if (name := f"MotCua{n}") not in taken)
    stamp = ImportedPdfPage(str(appearance.stamp))  # type: ignore[no-untyped-call]
    made = PdfSigner(
        PdfSignatureMetadata(
            field_name=field,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            name=appearance.name,
            reason=appearance.reason,
            location=appearance.location,
            cades_signed_attr_spec=CAdESSignedAttrSpec(),
        ),
        _Cms(signer),
        timestamper=timestamper,
        stamp_style=StaticStampStyle(background=stamp, border_width=0),
        new_field_spec=SigFieldSpec(field, on_page=0, box=corner(writer.prev)),
    )
    session = made.init_signing_session(writer)
    session.system_time = at
    prepared = session.prepare_tbs_document(validation_info=None, bytes_reserved=RESERVED)
    digest, output = prepared.digest_tbs_document()
    # In PAdES the time that the signer states is the dictionary's /M, and no signed attribute.
    await prepared.perform_signature(document_digest=digest.document_digest, pdf_cms_signed_attrs=_ATTRIBUTES)
    output.seek(0)
    return bytes(output.read())


_ATTRIBUTES = PdfCMSSignedAttributes(cades_signed_attrs=CAdESSignedAttrSpec())


def corner(reader: PdfFileReader) -> tuple[int, int, int, int]:
    """Where the visible signature goes: the upper right corner of what is shown of the first page, smaller on a page
    that is small."""
    page = reader.root["/Pages"]
    box = [0.0, 0.0, 595.0, 842.0]
    while True:
        for name in ("/MediaBox", "/CropBox"):
            with suppress(KeyError, TypeError, ValueError):
                box = [float(side) for side in page[name]]
        if "/Kids" not in page:
            break
        page = page["/Kids"][0]
    left, right = sorted((box[0], box[2]))
    bottom, top = sorted((box[1], box[3]))
    edge = EDGE * POINTS_PER_MM
    width = min(STAMP[0] * POINTS_PER_MM, right - left - 2 * edge)
    height = min(STAMP[1] * POINTS_PER_MM, top - bottom - 2 * edge)
    if width < edge or height < edge:
        raise NotSignable("the first page is too small")
    x, y = right - edge, top - edge
    return int(x - width), int(y - height), int(x), int(y)
