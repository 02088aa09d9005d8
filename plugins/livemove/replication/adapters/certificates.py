"""The CAs of both databases in DMS: each is imported once, and an endpoint names it.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.SSL.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from livemove.model.errors import ReplicationError
from livemove.model.spec import Side
from livemove.runtime.mariadb import Trust

MODES = {True: "verify-full", False: "verify-ca"}
"""SslMode by whether the certificate must name the server; DMS has no `require` for MariaDB."""
TAG = "livemove"


class Certificates:
    """What `trust` says of each database, in DMS's words."""

    def __init__(self, dms: Any, service: str, trust: Callable[[Side], Trust | None]) -> None:
        self.dms, self.service, self.trust = dms, service, trust

    def encryption(self, side: Side) -> Mapping[str, str]:
        """SslMode and CertificateArn of an endpoint at that database; ReplicationError in DMS's words."""
        trust = self.trust(side)
        if trust is None:
            return {"SslMode": "none"}
        return {"SslMode": MODES[trust.identity], "CertificateArn": self._imported(side, trust.pem())}

    def _imported(self, side: Side, pem: bytes) -> str:
        """By its content, so that another CA of the same database is another certificate."""
        name = f"{self._prefix}{side}-{hashlib.sha256(pem).hexdigest()[:16]}"
        for found in self._ours():
            if found["CertificateIdentifier"] == name:
                return str(found["CertificateArn"])
        try:
            made = self.dms.import_certificate(
                CertificateIdentifier=name,
                CertificatePem=pem.decode(),
                Tags=[{"Key": TAG, "Value": self.service}],
            )
        except ClientError as e:
            raise ReplicationError(
                f"DMS does not take the CA of the {side} database: {e.response['Error'].get('Message', e)}",
                wanted="certificates in PEM form, of the CA that signed the server's",
                next_step='correct the file that "ssl": {"ca": ...} of the connection names; clear this task',
            ) from e
        return str(made["Certificate"]["CertificateArn"])

    @property
    def _prefix(self) -> str:
        return f"{self.service.replace('_', '-')}-ca-"

    def _ours(self) -> list[Mapping[str, Any]]:
        pages = self.dms.get_paginator("describe_certificates").paginate()
        return [
            c
            for page in pages
            for c in page["Certificates"]
            if c["CertificateIdentifier"].startswith(self._prefix)
        ]

    def remove(self) -> None:
        """Those that no endpoint names any more; the others stay."""
        for found in self._ours():
            try:
                self.dms.delete_certificate(CertificateArn=found["CertificateArn"])
            except ClientError as e:
                if e.response["Error"]["Code"] not in ("InvalidResourceStateFault", "ResourceNotFoundFault"):
                    raise
