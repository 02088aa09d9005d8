"""The lab's certificate authority and the one server certificate that all its hosts show."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.addresses import Addresses, state_dir

DAYS = 30


@dataclass(frozen=True)
class Certificate:
    """Paths as servers want them."""

    ca: Path
    certificate: Path
    key: Path

    def paths(self) -> tuple[Path, Path, Path]:
        return self.ca, self.certificate, self.key


def certificate() -> Certificate:
    folder = state_dir() / "ca"
    return Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def create(addresses: Addresses, zones: tuple[str, ...]) -> Certificate:
    """A new CA and a certificate for `zones`, every name in them and every address of the lab."""
    made = certificate()
    if made.key.exists():
        return made
    names: list[x509.GeneralName] = [x509.DNSName(n) for zone in zones for n in (zone, f"*.{zone}")]
    names += [x509.IPAddress(ipaddress.ip_address(a)) for a in _all(addresses)]
    return sign(made.ca.parent, zones[0], names)


def sign(folder: Path, common: str, names: list[x509.GeneralName]) -> Certificate:
    """A new CA, and a certificate that it signed for these names."""
    made = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("livemove lab CA")
    ca = _builder(ca_name, ca_name, ca_key).add_extension(x509.BasicConstraints(True, 0), True)
    ca = ca.add_extension(_usage(sign=True), True)
    ca_cert = ca.sign(ca_key, hashes.SHA256())
    leaf = (
        _builder(_name(common), ca_name, key)
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(_usage(sign=False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)
    )
    made.ca.write_bytes(ca_cert.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    # the CA's key is not kept: nothing else will ever be signed
    write_private(
        made.key,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    return made


def write_private(path: Path, content: bytes) -> None:
    """A file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(content)


def _all(addresses: Addresses) -> list[str]:
    many = range(40)
    return [
        addresses.idc,
        addresses.aws,
        *addresses.authorities,
        *addresses.resolvers,
        *(addresses.ec2(n) for n in many),
        *(addresses.rds(n) for n in many),
    ]


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
