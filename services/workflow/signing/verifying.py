"""Looks at the signatures of a PDF. Whose certificates are trusted is a setting; nothing is fetched from anywhere, so
whether a certificate was revoked is not known."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from chassis import logs

log = logs.get()
MOST_SIGNATURES = 20
for _library in ("pyhanko", "pyhanko_certvalidator"):
    # They tell whose certificate it is.
    logging.getLogger(_library).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of a PDF. `intact`: what it signed is as it was, and nothing was added that it does not allow.
    `trusted`: its certificate leads to one that we trust, and was valid when it says it signed. `signer`: the
    certificate's name, `at`: when it says it was made."""

    field: str
    intact: bool
    trusted: bool
    signer: str
    at: datetime | None


class Unreadable(Exception):  # noqa: N818 (what the file is)
    """The PDF, or a signature in it, cannot be read."""


def roots(path: Path | None) -> list[Any]:
    """The certificates of a PEM file, in pyHanko's form; none for None. A file that is missing, empty or no PEM leaves
    nobody trusted, and the log says so."""
    # Here and below: pyHanko takes most of a second to load, which most processes never need.
    from pyhanko.keys import load_certs_from_pemder_data  # noqa: PLC0415

    if path is None:
        return []
    try:
        data = path.read_bytes()
        found = list(load_certs_from_pemder_data(data)) if data.strip() else []
    except (OSError, ValueError) as error:
        log.error("trusted_certificates_unreadable", reason=type(error).__name__)
        return []
    if not found:
        log.warning("nobody_trusted")
    return found


def signatures(pdf: bytes, trusted: Sequence[Any]) -> list[Signature]:
    """Every signature of the PDF, in the order of the file. Raises Unreadable."""
    from pyhanko.pdf_utils.misc import PdfError  # noqa: PLC0415

    try:
        return asyncio.run(_signatures(pdf, trusted))
    # A damaged file makes parsers stumble in any way.
    except (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from error


async def _signatures(pdf: bytes, trusted: Sequence[Any]) -> list[Signature]:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415

    embedded = PdfFileReader(BytesIO(pdf), strict=False).embedded_regular_signatures
    if len(embedded) > MOST_SIGNATURES:
        raise ValueError(f"more than {MOST_SIGNATURES} signatures")
    return [await _looked_at(each, trusted) for each in embedded]


async def _looked_at(embedded: Any, trusted: Sequence[Any]) -> Signature:
    from pyhanko.sign.validation import async_validate_pdf_signature  # noqa: PLC0415
    from pyhanko.sign.validation.errors import SignatureValidationError  # noqa: PLC0415
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    at: datetime | None = embedded.self_reported_timestamp
    signer = str(embedded.signer_cert.subject.native.get("common_name", ""))
    context = ValidationContext(trust_roots=list(trusted), allow_fetching=False, revocation_mode="soft-fail", moment=at)
    try:
        status = await async_validate_pdf_signature(embedded, signer_validation_context=context)
    except SignatureValidationError:
        return Signature(field=embedded.field_name, intact=False, trusted=False, signer=signer, at=at)
    whole = status.coverage in (SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION)
    intact = bool(status.intact and status.valid and whole and status.docmdp_ok)
    return Signature(
        field=embedded.field_name, intact=intact, trusted=bool(intact and status.trusted), signer=signer, at=at
    )
