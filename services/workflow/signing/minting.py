"""Makes certificates to develop and test with: an authority of one's own, and a PKCS#12 for each agency or officer.

What it signs is worth nothing outside: a province takes the certificates of the state's authority (Ban Cơ yếu).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from chassis.keys import write_secret
from workflow.signing.keys import Kind, file_name

AUTHORITY, AUTHORITY_KEY = "authority.pem", "authority.key"
DAYS = 3650


def mint(folder: Path, holders: Mapping[tuple[Kind, str], str], now: datetime) -> list[str]:
    """Makes what is missing, and returns the names of the files. `holders`: (kind, name) → the certificate's name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    missing = {file_name(*holder): name for holder, name in holders.items()}
    missing = {file: name for file, name in missing.items() if not (folder / file).exists()}
    if not missing:
        return []
    issuer, issuer_key = _authority(folder, now)
    for file, name in missing.items():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = _certificate(name, key.public_key(), issuer.subject, issuer_key, now, authority=False)
        passphrase = token_urlsafe(24)
        write_secret((folder / file).with_suffix(".pass"), passphrase)
        sealed = pkcs12.serialize_key_and_certificates(
            name.encode(), key, certificate, [issuer], BestAvailableEncryption(passphrase.encode())
        )
        _write_bytes(folder / file, sealed)
    return sorted(missing)


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    certificate, key_file = folder / AUTHORITY, folder / AUTHORITY_KEY
    if certificate.exists() and key_file.exists():
        known = load_pem_private_key(key_file.read_bytes(), None)
        if isinstance(known, rsa.RSAPrivateKey):
            return x509.load_pem_x509_certificate(certificate.read_bytes()), known
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Một Cửa: chứng thư thử nghiệm")])
    made = _certificate("Một Cửa: chứng thư thử nghiệm", key.public_key(), name, key, now, authority=True)
    write_secret(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    write_secret(certificate, made.public_bytes(Encoding.PEM).decode())
    return made, key


def _certificate(
    name: str,
    key: rsa.RSAPublicKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    now: datetime,
    *,
    authority: bool,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(issuer if authority else subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, SHA256())
    )


def _write_bytes(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
