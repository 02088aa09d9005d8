"""Certificates that endpoints trust, kept as files because the replicators are processes of their own.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.SSL.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from moto.dms.exceptions import (
    InvalidParameterCombinationException,
    InvalidResourceStateFault,
    ResourceAlreadyExistsFault,
    ResourceNotFoundFault,
    ValidationError,
)

from lab.addresses import state_dir

MODES = ("none", "verify-ca", "verify-full")
"""SslModes of MariaDB and MySQL; `require` is not among them."""


def folder() -> Path:
    return state_dir() / "dms-certificates"


def take(name: str, pem: str, where: Any) -> dict[str, Any]:
    """Import it; refused when it is no certificate, or the name is taken."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as e:
        raise ValidationError(f"The certificate {name} could not be imported: {e}") from None
    if (folder() / f"{name}.json").exists():
        raise ResourceAlreadyExistsFault(f"Certificate {name} already exists.")
    made = {
        "CertificateIdentifier": name,
        "CertificateArn": f"arn:aws:dms:{where.region}:{where.account}:cert:{name.upper()}",
        "CertificateCreationDate": time.time(),
        "CertificatePem": pem,
        "CertificateOwner": where.account,
        "ValidFromDate": found[0].not_valid_before_utc.timestamp(),
        "ValidToDate": found[0].not_valid_after_utc.timestamp(),
    }
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / f"{name}.pem").write_text(pem)
    (folder() / f"{name}.json").write_text(json.dumps(made))
    return made


def listed() -> list[dict[str, Any]]:
    return [json.loads(p.read_text()) for p in sorted(folder().glob("*.json"))]


def give_up(arn: str, using: Sequence[str]) -> dict[str, Any]:
    """Delete it; refused while an endpoint names it."""
    made = _named(arn)
    if using:
        raise InvalidResourceStateFault(
            f"Certificate {made['CertificateIdentifier']} is in use by endpoints: {', '.join(using)}"
        )
    for suffix in ("json", "pem"):
        (folder() / f"{made['CertificateIdentifier']}.{suffix}").unlink(missing_ok=True)
    return made


def check(mode: str | None, arn: str | None) -> None:
    """Refuse what DMS refuses of an endpoint's SslMode and CertificateArn."""
    if mode not in (None, *MODES):
        raise InvalidParameterCombinationException(
            f"SSL mode {mode} is not supported for the engine mariadb; supported: {', '.join(MODES)}"
        )
    if mode in MODES[1:]:
        if not arn:
            raise InvalidParameterCombinationException(f"SSL mode {mode} needs a certificate")
        _named(arn)


def file_of(endpoint: Any) -> str | None:
    """The file with the certificates that this endpoint trusts; None for SslMode none."""
    if endpoint.ssl_mode in (None, "none"):
        return None
    return str(folder() / f"{_named(endpoint.certificate_arn)['CertificateIdentifier']}.pem")


def _named(arn: str) -> dict[str, Any]:
    for made in listed():
        if made["CertificateArn"] == arn:
            return made
    raise ResourceNotFoundFault(f"Certificate {arn} could not be found.")
